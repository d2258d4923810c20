// A WebSocket client written out by hand, for input that no honest client sends and for a peer that stops reading.

import { RawConnection } from './raw-connection.ts';

export interface RawFrame {
  readonly isFinal: boolean;
  readonly opcode: number;
  readonly payload: Buffer;
}

export interface RawWebSocketOptions {
  readonly port: number;
  readonly path: string;
  readonly host?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

const [PING, PONG] = [0x9, 0xa];
const mask = Buffer.from([0x11, 0x22, 0x33, 0x44]);

/** The handshake as text, blank line included. */
export function handshakeText(options: RawWebSocketOptions): string {
  const headers = {
    Host: 'test',
    Upgrade: 'websocket',
    Connection: 'Upgrade',
    'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
    'Sec-WebSocket-Version': '13',
    ...options.headers,
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return `GET ${options.path} HTTP/1.1\r\n${lines.join('')}\r\n`;
}

/** A masked frame as a client sends it. */
export function clientFrame(opcode: number, payload: string | Uint8Array, isFinal = true): Buffer {
  const bytes = Buffer.from(payload as Uint8Array);
  const { length } = bytes;
  const header = Buffer.alloc(length < 126 ? 2 : length < 65_536 ? 4 : 10);
  header[0] = (isFinal ? 0x80 : 0) | opcode;
  header[1] = 0x80 | (length < 126 ? length : length < 65_536 ? 126 : 127);
  if (header.length === 4) header.writeUInt16BE(length, 2);
  if (header.length === 10) header.writeBigUInt64BE(BigInt(length), 2);
  const masked = Buffer.from(bytes.map((byte, at) => byte ^ mask[at % 4]!));
  return Buffer.concat([header, mask, masked]);
}

/** The payload of a close frame. */
export function closePayload(code: number, reason = ''): Buffer {
  const payload = Buffer.alloc(2 + Buffer.byteLength(reason));
  payload.writeUInt16BE(code, 0);
  payload.write(reason, 2);
  return payload;
}

export class RawWebSocket {
  readonly connection: RawConnection;
  /** The status line and headers of the answer to the handshake. */
  readonly responseHead: string;
  /** Those that wanted their bytes back, and had them. */
  pings = 0;

  private constructor(connection: RawConnection, responseHead: string) {
    this.connection = connection;
    this.responseHead = responseHead;
  }

  static async open(options: RawWebSocketOptions): Promise<RawWebSocket> {
    const connection = await RawConnection.open(options.port, options.host);
    connection.write(handshakeText(options));
    return RawWebSocket.adopt(connection);
  }

  /** Reads the answer to a handshake that was sent by other means. */
  static async adopt(connection: RawConnection): Promise<RawWebSocket> {
    return new RawWebSocket(connection, await connection.takeThrough('\r\n\r\n'));
  }

  send(opcode: number, payload: string | Uint8Array, isFinal = true): void {
    this.connection.write(clientFrame(opcode, payload, isFinal));
  }

  /** The next frame from the server, control frames included; but a ping that wants its bytes back has them, and is passed over. */
  async nextFrame(): Promise<RawFrame> {
    for (;;) {
      const frame = await this.#nextOfAll();
      if (frame.opcode !== PING || frame.payload.length === 0) return frame;
      this.pings += 1;
      this.send(PONG, frame.payload);
    }
  }

  async #nextOfAll(): Promise<RawFrame> {
    const frame = await this.connection.take((received) => {
      if (received.length < 2) return undefined;
      const size = frameSize(received);
      return size !== undefined && received.length >= size.header + size.payload
        ? size.header + size.payload
        : undefined;
    });
    const size = frameSize(frame)!;
    return {
      isFinal: (frame[0]! & 0x80) !== 0,
      opcode: frame[0]! & 0x0f,
      payload: frame.subarray(size.header),
    };
  }
}

/** Of a frame from a server; undefined while too little of it is there. */
export function frameSize(bytes: Buffer): { header: number; payload: number } | undefined {
  const short = bytes[1]! & 0x7f;
  if (short < 126) return { header: 2, payload: short };
  if (short === 126)
    return bytes.length < 4 ? undefined : { header: 4, payload: bytes.readUInt16BE(2) };
  return bytes.length < 10 ? undefined : { header: 10, payload: Number(bytes.readBigUInt64BE(2)) };
}
