// A WebSocket that costs its process as little as can be: many of them share one buffer, and of a large frame only the head is kept.
// Knows frames; knows nothing of what they say.
import { connect, type Socket } from 'node:net';
import { randomBytes } from 'node:crypto';

/** So much of a frame is handed on; the rest of a larger one is counted and dropped. */
const HEAD_BYTES = 1_024 * 1_024;
const CHUNK_BYTES = 256 * 1_024;
/** Read into by all sockets in turn: what is in it is used before the next one reads. */
const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
const NOTHING = Buffer.alloc(0);
const [TEXT, PING] = [1, 9];

/** With the ping's own bytes, masked by zeros. */
function pongOf(ping: Buffer): Buffer {
  return Buffer.concat([Buffer.from([0x8a, 0x80 | ping.length, 0, 0, 0, 0]), ping]);
}

/** @param head of the payload, good until the call returns. @param length of the whole payload */
export type FrameListener = (head: Buffer, length: number) => void;

/** The frames of one tick in one buffer. A mask of zeros is a mask, and leaves the text as it is. */
function framesOf(texts: readonly string[]): Buffer {
  const lengths = texts.map((text) => Buffer.byteLength(text));
  const bytes = Buffer.alloc(lengths.reduce((sum, length) => sum + length + 8, 0));
  let at = 0;
  texts.forEach((text, i) => {
    const length = lengths[i] ?? 0;
    bytes[at] = 0x80 | TEXT;
    if (length < 126) {
      bytes[at + 1] = 0x80 | length;
      at += 6;
    } else {
      bytes[at + 1] = 0x80 | 126;
      bytes.writeUInt16BE(length, at + 2);
      at += 8;
    }
    at += bytes.write(text, at);
  });
  return bytes.subarray(0, at);
}

export class BenchSocket {
  /** Called for each text frame. */
  onFrame: FrameListener = () => undefined;
  /** Called when the other side has closed. */
  onClose: () => void = () => undefined;
  readonly #net: Socket;
  #out: string[] = [];
  #isReading = false;
  #isUpgraded = false;
  #upgraded: (fault: Error | undefined) => void = () => undefined;
  #held = NOTHING;
  /** Of a large frame whose end has not come. */
  #large: { readonly head: Buffer; readonly length: number; readonly isText: boolean } | undefined;
  #skip = 0;

  private constructor(port: number) {
    this.#net = connect({
      port,
      host: '127.0.0.1',
      noDelay: true,
      onread: {
        buffer: chunk,
        callback: (bytes) => {
          this.#read(chunk.subarray(0, bytes));
          return true;
        },
      },
    });
  }

  /** Resolves when the upgrade is done. @param subprotocol '' for none */
  static async open(port: number, path: string, subprotocol: string): Promise<BenchSocket> {
    const socket = new BenchSocket(port);
    await new Promise<void>((resolve, reject) => {
      socket.#upgraded = (fault) => (fault === undefined ? resolve() : reject(fault));
      socket.#net.once('error', reject);
      socket.#net.once('close', () => {
        reject(new Error('a socket was closed before its upgrade'));
        socket.onClose();
      });
      socket.#net.write(
        `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
          `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}\r\nSec-WebSocket-Version: 13\r\n` +
          `${subprotocol === '' ? '' : `Sec-WebSocket-Protocol: ${subprotocol}\r\n`}\r\n`,
      );
    });
    return socket;
  }

  /** What is sent while a chunk is read leaves in one write, once it has been read. */
  send(text: string): void {
    this.#out.push(text);
    if (!this.#isReading) this.#flush();
  }

  end(): void {
    this.#net.destroy();
  }

  #flush(): void {
    if (this.#out.length === 0) return;
    this.#net.write(framesOf(this.#out));
    this.#out = [];
  }

  #read(data: Buffer): void {
    this.#isReading = true;
    if (this.#isUpgraded) this.#take(data);
    else this.#upgrade(data);
    this.#isReading = false;
    this.#flush();
  }

  #upgrade(data: Buffer): void {
    this.#held = Buffer.concat([this.#held, data]);
    const end = this.#held.indexOf('\r\n\r\n');
    if (end < 0) return;
    const head = this.#held.toString('latin1', 0, end);
    const rest = this.#held.subarray(end + 4);
    this.#held = NOTHING;
    this.#isUpgraded = true;
    this.#upgraded(head.startsWith('HTTP/1.1 101') ? undefined : new Error(head));
    if (rest.length > 0) this.#take(rest);
  }

  #take(arrived: Buffer): void {
    let data = arrived;
    if (this.#large !== undefined) {
      const skipped = Math.min(this.#skip, data.length);
      this.#skip -= skipped;
      if (this.#skip > 0) return;
      const { head, length, isText } = this.#large;
      this.#large = undefined;
      if (isText) this.onFrame(head, length);
      data = data.subarray(skipped);
    } else if (this.#held.length > 0) {
      data = Buffer.concat([this.#held, data]);
    }
    this.#held = NOTHING;
    while (data.length >= 2) {
      const short = (data[1] ?? 0) & 0x7f;
      const headerBytes = short === 126 ? 4 : short === 127 ? 10 : 2;
      if (data.length < headerBytes) break;
      const length =
        short === 126
          ? data.readUInt16BE(2)
          : short === 127
            ? Number(data.readBigUInt64BE(2))
            : short;
      const kind = (data[0] ?? 0) & 0x0f;
      const isText = kind === TEXT;
      const end = headerBytes + length;
      if (data.length < end) {
        if (data.length < headerBytes + HEAD_BYTES) break;
        const head = Buffer.from(data.subarray(headerBytes, headerBytes + HEAD_BYTES));
        this.#large = { head, length, isText };
        this.#skip = end - data.length;
        return;
      }
      if (isText)
        this.onFrame(data.subarray(headerBytes, Math.min(end, headerBytes + HEAD_BYTES)), length);
      else if (kind === PING) this.#net.write(pongOf(data.subarray(headerBytes, end)));
      data = data.subarray(end);
    }
    if (data.length > 0) this.#held = Buffer.from(data);
  }
}
