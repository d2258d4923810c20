// A network between a client and a service that is one of the simulator's links, in real time: the same delays, jitter, stalls and queues, drawn by the
// same code. It may also duplicate, or hold one direction up. It knows bytes, and of a WebSocket where its frames are.
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { SeededRandom } from '../clock/support/seeded-random.ts';
import { SimLink, type LinkName } from '../clock/support/sim-links.ts';
import { BINARY_OPCODE, SocketFrames } from './socket-frames.ts';

/** `up` is from the client, `down` is back to it. */
export type Direction = 'up' | 'down';
/** `plain` hands on at once. */
export type ProxiedLink = LinkName | 'plain';

export interface LinkProxyOptions {
  readonly targetPort: number;
  readonly link: ProxiedLink;
  readonly seed: number;
}

/** Timers of Node count whole ms and are late by some: the rest is waited for turn by turn. */
const TIMER_ENDS_EARLY_MS = 2;
const KEPT_DELAYS = 20_000;

interface Piece {
  readonly bytes: Buffer;
  readonly dueMs: number;
}

/** What the link did to pieces of a stream, ms. */
export interface LinkRecord {
  /** As the model drew them. */
  readonly drawnMs: Readonly<Record<Direction, readonly number[]>>;
  /** When (by `performance.now()`) and how much later than drawn they went on: the machine's doing. */
  readonly late: readonly { readonly atMs: number; readonly byMs: number }[];
}

/**
 * Each connection gets a link of its own, with the chance of the same seed: none makes another wait, as TCP keeps order within a connection only, while cross
 * traffic comes and goes for all of them at the same time.
 */
export class LinkProxy {
  readonly #server: Server;
  readonly #options: LinkProxyOptions;
  readonly #sockets = new Set<Socket>();
  readonly #since = performance.now();
  readonly #extraMs: Record<Direction, number> = { up: 0, down: 0 };
  readonly #drawn: Record<Direction, number[]> = { up: [], down: [] };
  readonly #late: { readonly atMs: number; readonly byMs: number }[] = [];
  #duplicates = false;
  #duplicated = 0;

  private constructor(options: LinkProxyOptions) {
    this.#options = options;
    this.#server = createServer((client) => this.#join(client));
  }

  static async start(options: LinkProxyOptions): Promise<LinkProxy> {
    const proxy = new LinkProxy(options);
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** (least up − least down)/2, ms: what no end-to-end method can see. */
  get asymmetryMs(): number {
    return this.#newLink()?.asymmetryAt(0) ?? 0;
  }

  get record(): LinkRecord {
    return { drawnMs: this.#drawn, late: this.#late };
  }

  get duplicated(): number {
    return this.#duplicated;
  }

  /** From now on each binary frame arrives twice, in both directions. */
  duplicateBinary(on: boolean): void {
    this.#duplicates = on;
  }

  /** From now on all that goes in `direction` takes `extraMs` longer. */
  delay(direction: Direction, extraMs: number): void {
    this.#extraMs[direction] = extraMs;
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    const closed = once(this.#server, 'close');
    this.#server.close();
    await closed;
  }

  #newLink(): SimLink | undefined {
    const { link, seed } = this.#options;
    return link === 'plain' ? undefined : new SimLink(link, new SeededRandom(seed));
  }

  #join(client: Socket): void {
    const link = this.#newLink();
    const upstream = connect(this.#options.targetPort, '127.0.0.1');
    this.#carry('up', client, upstream, link);
    this.#carry('down', upstream, client, link);
  }

  #carry(direction: Direction, from: Socket, to: Socket, link: SimLink | undefined): void {
    from.setNoDelay(true);
    this.#sockets.add(from);
    const frames = new SocketFrames();
    const queue: Piece[] = [];
    let lastDueMs = 0;
    let isWaiting = false;
    let hasEnded = false;
    const pump = (): void => {
      isWaiting = false;
      for (;;) {
        const piece = queue[0];
        if (piece === undefined) {
          if (hasEnded) to.end();
          return;
        }
        const nowMs = performance.now();
        if (piece.dueMs > nowMs) {
          isWaiting = true;
          const leftMs = piece.dueMs - nowMs;
          if (leftMs > TIMER_ENDS_EARLY_MS) setTimeout(pump, leftMs - TIMER_ENDS_EARLY_MS);
          else setImmediate(pump);
          return;
        }
        queue.shift();
        if (this.#late.length < KEPT_DELAYS)
          this.#late.push({ atMs: nowMs, byMs: nowMs - piece.dueMs });
        if (!to.destroyed) to.write(piece.bytes);
      }
    };
    from.on('data', (chunk: Buffer) => {
      const nowMs = performance.now();
      const atMs = nowMs - this.#since;
      const delayMs = (link?.[direction](atMs) ?? atMs) - atMs;
      const kept = this.#drawn[direction];
      if (kept.length < KEPT_DELAYS) kept.push(delayMs);
      lastDueMs = Math.max(lastDueMs, nowMs + delayMs + this.#extraMs[direction]);
      queue.push({ bytes: this.#perhapsTwice(chunk, frames), dueMs: lastDueMs });
      if (!isWaiting) pump();
    });
    from.on('end', () => {
      hasEnded = true;
      if (!isWaiting) pump();
    });
    from.on('error', () => to.destroy());
    from.on('close', () => {
      this.#sockets.delete(from);
      // What is on its way still arrives; after an error nothing does.
      if (!hasEnded) to.destroy();
    });
  }

  #perhapsTwice(chunk: Buffer, frames: SocketFrames): Buffer {
    const whole = frames.take(chunk);
    if (!this.#duplicates) return chunk;
    const binary = whole.filter(({ opcode }) => opcode === BINARY_OPCODE);
    const endsWhole = whole.reduce((sum, { bytes }) => sum + bytes.length, 0) === chunk.length;
    // A frame may be doubled only where the chunk is nothing but frames, or the copy would fall into the middle of another one.
    if (binary.length === 0 || !endsWhole) return chunk;
    this.#duplicated += binary.length;
    return Buffer.concat(
      whole.flatMap(({ bytes, opcode }) => (opcode === BINARY_OPCODE ? [bytes, bytes] : [bytes])),
    );
  }
}
