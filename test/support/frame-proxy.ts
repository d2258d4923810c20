// A network that tampers with single frames from the hub to its clients, as the test tells it; all else passes as it is.
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { frameSize } from './raw-websocket.ts';

export interface ProxiedFrame {
  /** The text of a message; empty for any other frame. */
  readonly text: string;
  /** As it came. */
  readonly bytes: Buffer;
  readonly way: ProxiedWay;
}

/** One client's connection. */
export interface ProxiedWay {
  /** Whether it carries frames, and not REST. */
  isSocket: boolean;
  /** To this client, now. A test may put another one in its place. */
  send: (bytes: Buffer) => void;
}

export class FrameProxy {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #onFrame: (frame: ProxiedFrame) => void;
  readonly ways: ProxiedWay[] = [];

  private constructor(targetPort: number, onFrame: (frame: ProxiedFrame) => void) {
    this.#onFrame = onFrame;
    this.#server = createServer((client) => this.#join(client, targetPort));
  }

  /** @param onFrame called with each frame of the hub; what it does not send on is lost */
  static async to(targetPort: number, onFrame: (frame: ProxiedFrame) => void): Promise<FrameProxy> {
    const proxy = new FrameProxy(targetPort, onFrame);
    await new Promise<void>((resolve) => proxy.#server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  #join(client: Socket, targetPort: number): void {
    const upstream = connect(targetPort, '127.0.0.1');
    const way: ProxiedWay = {
      isSocket: false,
      send: (bytes) => {
        if (client.writable) client.write(bytes);
      },
    };
    this.ways.push(way);
    client.pipe(upstream);
    let isSocket: boolean | undefined;
    let held = Buffer.alloc(0);
    upstream.on('data', (chunk: Buffer) => {
      // What is no upgrade is REST, which passes untouched.
      isSocket ??= chunk.toString('latin1', 0, 12) === 'HTTP/1.1 101';
      way.isSocket = isSocket;
      if (!isSocket) {
        client.write(chunk);
        return;
      }
      held = Buffer.concat([held, chunk]);
      held = held.subarray(this.#passHead(held, client));
      for (let size = frameBytes(held); size !== undefined; size = frameBytes(held)) {
        const bytes = Buffer.from(held.subarray(0, size.whole));
        held = held.subarray(size.whole);
        const isText = (bytes[0] ?? 0) === 0x81;
        const text = isText ? bytes.toString('utf8', size.header) : '';
        this.#onFrame({ text, bytes, way });
      }
    });
    for (const [a, b] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      a.setNoDelay(true);
      this.#sockets.add(a);
      a.on('error', () => b.destroy());
      a.on('close', () => {
        this.#sockets.delete(a);
        b.destroy();
      });
    }
  }

  /** @returns how many bytes of the answer to the handshake were passed on */
  #passHead(bytes: Buffer, client: Socket): number {
    if (bytes[0] !== 'H'.charCodeAt(0)) return 0;
    const end = bytes.indexOf('\r\n\r\n');
    if (end < 0) return 0;
    client.write(bytes.subarray(0, end + 4));
    return end + 4;
  }
}

/** Undefined while it is not whole. */
function frameBytes(
  bytes: Buffer,
): { readonly header: number; readonly whole: number } | undefined {
  if (bytes.length < 2 || bytes[0] === 'H'.charCodeAt(0)) return undefined;
  const size = frameSize(bytes);
  if (size === undefined || bytes.length < size.header + size.payload) return undefined;
  return { header: size.header, whole: size.header + size.payload };
}
