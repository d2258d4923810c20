// Owns one WebSocket to a hub: the handshake, frames both ways, and its end told once, with a reason. Lean: tens of thousands of them
// live in one thread. Knows no messages.
import { createHash, randomBytes } from 'node:crypto';
import { connect as connectPlain, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { SOCKET_PATH, SUBPROTOCOL } from '../../protocol/version.ts';
import { OPCODES, clientFrame, closeFrame } from './client-frame.ts';
import { FrameReader } from './frame-reader.ts';

/** Where sockets go to, and how. */
export interface Target {
  readonly host: string;
  readonly port: number;
  readonly isSecure: boolean;
  /** What `Host` says: the address as it was given. */
  readonly authority: string;
  /** Before `/v1/socket`, where the hub is not at the root. */
  readonly pathPrefix: string;
  /** Certificates of an authority of one's own, PEM. */
  readonly ca?: string | undefined;
  /** Takes any certificate. */
  readonly isInsecure?: boolean | undefined;
}

/** Called in order of what happened; after `ended` nothing more. */
export interface SocketListener {
  opened(): void;
  /** The payload is only valid during the call. */
  text(payload: Buffer): void;
  /** The same holds. */
  binary(payload: Buffer): void;
  ended(end: SocketEnd): void;
}

export interface SocketEnd {
  /** As RFC 6455: 1006 where the connection broke, 1002 where the peer broke the protocol, 1015 for TLS; else what the peer said. */
  readonly code: number;
  readonly reason: string;
  /** Whether the handshake had succeeded. */
  readonly wasOpen: boolean;
}

const ACCEPT_GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
const MOST_HEAD_BYTES = 16_384;
/**
 * One buffer for whatever any plain socket of this thread reads: it is read, understood and given back within one call, so a socket that
 * waits holds none.
 */
const sharedBuffer = Buffer.allocUnsafe(65_536);

export class LeanSocket {
  readonly #listener: SocketListener;
  readonly #socket: Socket;
  /** What TLS runs over; else the socket itself. */
  #tcp: Socket | undefined;
  readonly #key = randomBytes(16).toString('base64');
  readonly #reader: FrameReader;
  #head: Buffer | undefined = Buffer.alloc(0);
  #wasOpen = false;
  #isEnded = false;
  #close: { code: number; reason: string } | undefined;
  #error: Error | undefined;

  /** @param localAddress the source address; the system's choice where it is undefined */
  constructor(target: Target, listener: SocketListener, localAddress?: string) {
    this.#listener = listener;
    this.#reader = new FrameReader({
      text: (payload) => {
        if (!this.#isEnded) listener.text(payload);
      },
      binary: (payload) => {
        if (!this.#isEnded) listener.binary(payload);
      },
      ping: (payload) => this.#write(clientFrame(OPCODES.pong, payload)),
      closing: (code, reason) => this.#onClosing(code, reason),
      broken: (message) => this.#fail(1002, `the peer sent ${message}`),
    });
    this.#socket = this.#connect(target, localAddress);
    this.#socket.setNoDelay(true);
    this.#socket.on('error', (error) => (this.#error = error));
    this.#socket.on('close', () => this.#onClose());
  }

  /** Bytes that the kernel has not taken yet. */
  get unsentBytes(): number {
    return this.#socket.writableLength;
  }

  sendText(text: string): void {
    this.#write(clientFrame(OPCODES.text, Buffer.from(text)));
  }

  sendBinary(bytes: Uint8Array): void {
    this.#write(clientFrame(OPCODES.binary, bytes));
  }

  /** Says goodbye. `ended` follows when the peer answered, or broke off. */
  close(code = 1000): void {
    if (this.#isEnded || this.#close !== undefined) return;
    this.#close = { code, reason: '' };
    this.#write(closeFrame(code));
    this.#socket.end();
  }

  /** Breaks the connection off, as a lost network does; `ended` follows with 1006. */
  cut(): void {
    (this.#tcp ?? this.#socket).resetAndDestroy();
  }

  #connect(target: Target, localAddress: string | undefined): Socket {
    const { host, port, ca, isInsecure } = target;
    const from = localAddress === undefined ? {} : { localAddress };
    const onConnected = (): void => this.#handshake(target);
    if (!target.isSecure) {
      return connectPlain(
        {
          ...{ host, port, ...from },
          onread: { buffer: sharedBuffer, callback: (size) => this.#onBytes(size) },
        },
        onConnected,
      );
    }
    const trust = { ...(ca === undefined ? {} : { ca }), rejectUnauthorized: isInsecure !== true };
    const tcp = connectPlain({ host, port, ...from });
    // Only a name can be asked for; a certificate for an address is checked all the same.
    const name = isIP(host) === 0 ? { servername: host } : {};
    const socket = connectTls({ socket: tcp, host, ...name, ...trust }, onConnected);
    socket.on('data', (chunk: Buffer) => this.#onChunk(chunk));
    tcp.on('error', (error) => socket.destroy(error));
    this.#tcp = tcp;
    return socket;
  }

  #handshake(target: Target): void {
    this.#socket.write(
      `GET ${target.pathPrefix}${SOCKET_PATH} HTTP/1.1\r\nHost: ${target.authority}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
        `Sec-WebSocket-Key: ${this.#key}\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: ${SUBPROTOCOL}\r\n\r\n`,
    );
  }

  #onBytes(size: number): boolean {
    this.#onChunk(sharedBuffer.subarray(0, size));
    return true;
  }

  #onChunk(chunk: Buffer): void {
    if (this.#head === undefined) this.#reader.take(chunk);
    else this.#onHead(Buffer.concat([this.#head, chunk]));
  }

  #onHead(bytes: Buffer): void {
    const end = bytes.indexOf('\r\n\r\n');
    if (end < 0) {
      this.#head = bytes;
      if (bytes.length > MOST_HEAD_BYTES) this.#fail(1002, 'no answer to the handshake');
      return;
    }
    this.#head = undefined;
    const refusal = refusalOf(bytes.toString('latin1', 0, end), this.#key);
    if (refusal !== undefined) {
      this.#fail(1002, refusal);
      return;
    }
    this.#wasOpen = true;
    this.#listener.opened();
    if (bytes.length > end + 4) this.#reader.take(bytes.subarray(end + 4));
  }

  #onClosing(code: number, reason: string): void {
    if (this.#close === undefined) this.#write(closeFrame(code === 1005 ? 1000 : code));
    this.#close = { code, reason };
    this.#socket.end();
  }

  #fail(code: number, reason: string): void {
    this.#close ??= { code, reason };
    this.#socket.destroy();
  }

  #onClose(): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    const { code, reason } = this.#close ?? {
      code: isOfTls(this.#error) ? 1015 : 1006,
      reason: this.#error === undefined ? 'the connection broke off' : toldError(this.#error),
    };
    this.#listener.ended({ code, reason, wasOpen: this.#wasOpen });
  }

  #write(frame: Buffer): void {
    if (this.#socket.writable) this.#socket.write(frame);
  }
}

/** Why this head does not open a socket; undefined where it does. */
function refusalOf(head: string, key: string): string | undefined {
  const [status = '', ...lines] = head.split('\r\n');
  if (!/^HTTP\/1\.1 101\b/.test(status)) return `the handshake was answered with "${status}"`;
  const headers = new Map(
    lines.map((line) => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
    }),
  );
  const accept = createHash('sha1').update(`${key}${ACCEPT_GUID}`).digest('base64');
  if (headers.get('sec-websocket-accept') !== accept)
    return 'whoever answered did not read the key';
  const subprotocol = headers.get('sec-websocket-protocol');
  if (subprotocol === SUBPROTOCOL) return undefined;
  return `the hub speaks ${subprotocol ?? 'no protocol that it names'}, not ${SUBPROTOCOL}`;
}

function isOfTls(error: Error | undefined): boolean {
  const code = (error as NodeJS.ErrnoException | undefined)?.code ?? '';
  return /CERT|TLS|SSL|SELF_SIGNED|UNABLE_TO_VERIFY/.test(code);
}

function toldError(error: Error): string {
  const { code } = error as NodeJS.ErrnoException;
  return code === undefined || error.message.includes(code)
    ? error.message
    : `${code}: ${error.message}`;
}
