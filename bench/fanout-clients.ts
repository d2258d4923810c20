// The client process of the fan-out bench: sockets that count the frames they get and do nothing else with them.
// The same reader for all subjects, so that what differs is the server.
import { connect, type Socket } from 'node:net';
import { randomBytes } from 'node:crypto';
import { SOCKET_PATH, SUBPROTOCOL } from '../protocol/version.ts';
import { benchToken } from './bench-token.ts';
import type { SubjectName } from './subject.ts';

export type ClientOrder =
  | {
      readonly kind: 'connect';
      readonly subject: SubjectName;
      readonly port: number;
      readonly rooms: readonly string[];
      readonly perRoom: number;
      /** Of the first person; the others follow on. */
      readonly firstPerson: number;
    }
  /** Asks how many large frames came since the last time. */
  | { readonly kind: 'count' };

export type ClientReport =
  | { readonly kind: 'connected'; readonly sockets: number }
  | { readonly kind: 'counted'; readonly frames: number; readonly bytes: number };

/** Frames below this are greetings, presence and replies; what is published is larger. */
const COUNTED_FROM_BYTES = 600;
const AT_ONCE = 50;

let frames = 0;
let bytes = 0;

/** Walks the frames of a server's stream by their headers alone. */
class FrameCounter {
  #held: Buffer = Buffer.alloc(0);
  #skip = 0;

  /** @param onText called with a small text frame */
  take(chunk: Buffer, onText: (text: string) => void): void {
    let data = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
    this.#held = Buffer.alloc(0);
    if (this.#skip > 0) {
      const skipped = Math.min(this.#skip, data.length);
      this.#skip -= skipped;
      data = data.subarray(skipped);
    }
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
      if (length >= COUNTED_FROM_BYTES) {
        frames += 1;
        bytes += length;
        const rest = data.length - headerBytes - length;
        if (rest < 0) {
          this.#skip = -rest;
          return;
        }
      } else {
        if (data.length < headerBytes + length) break;
        if (((data[0] ?? 0) & 0x0f) === 1)
          onText(data.toString('utf8', headerBytes, headerBytes + length));
      }
      data = data.subarray(headerBytes + length);
    }
    this.#held = Buffer.from(data);
  }
}

function textFrame(text: string): Buffer {
  const payload = Buffer.from(text);
  const mask = randomBytes(4);
  const header =
    payload.length < 126
      ? Buffer.from([0x81, 0x80 | payload.length])
      : Buffer.from([0x81, 0x80 | 126, payload.length >> 8, payload.length & 0xff]);
  const masked = payload.map((byte, i) => byte ^ (mask[i % 4] ?? 0));
  return Buffer.concat([header, mask, masked]);
}

function pathOf(subject: SubjectName, room: string): string {
  if (subject.startsWith('earshot')) return SOCKET_PATH;
  return subject === 'socket.io'
    ? `/socket.io/?EIO=4&transport=websocket&room=${room}`
    : `/${room}`;
}

/** Opens one socket and enters the room. Resolves when it is in. */
async function enter(subject: SubjectName, port: number, room: string, n: number): Promise<void> {
  const isEarshot = subject.startsWith('earshot');
  const token = isEarshot ? await benchToken(n) : '';
  const socket: Socket = connect(port, '127.0.0.1');
  socket.setNoDelay(true);
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject);
    socket.once('close', () => reject(new Error(`${subject} closed a socket`)));
    const counter = new FrameCounter();
    let isUpgraded = false;
    let head = Buffer.alloc(0);
    const onText = (text: string): void => {
      if (subject === 'socket.io') {
        // Engine.IO: 0 opens, 2 pings; Socket.IO: 40 enters the namespace.
        if (text.startsWith('0')) socket.write(textFrame('40'));
        else if (text.startsWith('40')) resolve();
        else if (text === '2') socket.write(textFrame('3'));
      } else if (isEarshot && text.startsWith('{"id":1,')) {
        socket.write(textFrame(JSON.stringify({ id: 2, type: 'room.join', roomId: room })));
      }
    };
    socket.on('data', (chunk) => {
      if (isUpgraded) {
        const before = frames;
        counter.take(chunk, onText);
        // The reply to a join is large: it is the first large frame that this socket gets.
        if (isEarshot && frames > before) resolve();
        return;
      }
      head = Buffer.concat([head, chunk]);
      const end = head.indexOf('\r\n\r\n');
      if (end < 0) return;
      if (!head.toString('latin1', 0, 12).endsWith('101'))
        reject(new Error(head.toString('latin1', 0, end)));
      isUpgraded = true;
      if (isEarshot) {
        const hello = { id: 1, type: 'hello', token, client: { name: 'bench', version: '1' } };
        socket.write(textFrame(JSON.stringify(hello)));
      }
      counter.take(head.subarray(end + 4), onText);
      if (!isEarshot && subject !== 'socket.io') resolve();
    });
    socket.write(
      `GET ${pathOf(subject, room)} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
        `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}\r\nSec-WebSocket-Version: 13\r\n` +
        `${isEarshot ? `Sec-WebSocket-Protocol: ${SUBPROTOCOL}\r\n` : ''}\r\n`,
    );
  });
  socket.removeAllListeners('close');
  socket.on('close', () => {
    process.stderr.write(`${subject} closed a socket during the bench\n`);
    process.exit(1);
  });
}

async function connectAll(order: Extract<ClientOrder, { kind: 'connect' }>): Promise<number> {
  const places = order.rooms.flatMap((room) => Array.from({ length: order.perRoom }, () => room));
  for (let start = 0; start < places.length; start += AT_ONCE) {
    const batch = places.slice(start, start + AT_ONCE);
    await Promise.all(
      batch.map((room, i) => enter(order.subject, order.port, room, order.firstPerson + start + i)),
    );
  }
  return places.length;
}

process.on('message', (order: ClientOrder) => {
  if (order.kind === 'count') {
    process.send?.({ kind: 'counted', frames, bytes } satisfies ClientReport);
    frames = 0;
    bytes = 0;
    return;
  }
  connectAll(order).then(
    (sockets) => process.send?.({ kind: 'connected', sockets } satisfies ClientReport),
    (error: unknown) => {
      process.stderr.write(`${String(error)}\n`);
      process.exit(1);
    },
  );
});
