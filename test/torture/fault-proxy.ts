// A network between two servers that can be cut, slowed, made one-way, or broken in the middle of a reply. Knows bytes alone.
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/** `up` is from whoever connects, `down` is back to them. */
export type Direction = 'up' | 'down';

/** Which connections a fault concerns. */
export type Links = 'all' | 'replication';

interface Fault {
  readonly direction: Direction;
  readonly links: Links;
}

export class FaultProxy {
  readonly #server: Server;
  readonly #links = new Set<Link>();
  readonly #targetPort: number;
  #isCut = false;
  #held: readonly Fault[] = [];
  #delayMs = 0;
  #repliesToCut = 0;

  private constructor(targetPort: number) {
    this.#targetPort = targetPort;
    this.#server = createServer((client) => this.#join(client));
  }

  static async to(targetPort: number): Promise<FaultProxy> {
    const proxy = new FaultProxy(targetPort);
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** What is connected breaks, and nothing new gets through. */
  cut(): void {
    this.#isCut = true;
    for (const link of [...this.#links]) link.end();
  }

  /**
   * What goes in `direction` is held back until `heal`, as a network does that sends again: then it arrives, however late, unless its
   * connection has ended by then.
   */
  hold(direction: Direction, links: Links = 'all'): void {
    this.#held = [...this.#held, { direction, links }];
  }

  /** @param delayMs of each piece, in each direction */
  slow(delayMs: number): void {
    this.#delayMs = delayMs;
  }

  /** Each of the next `count` replies comes half, and then its connection ends. */
  cutReplies(count: number): void {
    this.#repliesToCut = count;
  }

  /** All is well again. */
  heal(): void {
    this.#isCut = false;
    this.#held = [];
    this.#delayMs = 0;
    this.#repliesToCut = 0;
    for (const link of this.#links) link.pump();
  }

  async stop(): Promise<void> {
    for (const link of [...this.#links]) link.end();
    const closed = once(this.#server, 'close');
    this.#server.close();
    await closed;
  }

  #join(client: Socket): void {
    if (this.#isCut) {
      client.destroy();
      return;
    }
    const link: Link = new Link(client, connect(this.#targetPort, '127.0.0.1'), {
      delayMs: () => this.#delayMs,
      isHeld: (direction, isReplication) =>
        this.#held.some(
          (fault) => fault.direction === direction && (fault.links === 'all' || isReplication),
        ),
      takesHalf: (bytes) => {
        // A subscription's confirmation of a few bytes is no reply that anybody waits for.
        if (this.#repliesToCut === 0 || bytes.length < 16) return false;
        this.#repliesToCut -= 1;
        return true;
      },
      ended: () => this.#links.delete(link),
    });
    this.#links.add(link);
  }
}

interface Weather {
  delayMs(): number;
  isHeld(direction: Direction, isReplication: boolean): boolean;
  takesHalf(bytes: Buffer): boolean;
  ended(): void;
}

interface Piece {
  readonly bytes: Buffer;
  readonly dueAt: number;
}

/** One connection through the proxy. */
class Link {
  readonly #ends: Readonly<Record<Direction, Socket>>;
  readonly #weather: Weather;
  readonly #pieces: Record<Direction, Piece[]> = { up: [], down: [] };
  #isReplication = false;
  #isOver = false;

  constructor(client: Socket, upstream: Socket, weather: Weather) {
    this.#weather = weather;
    this.#ends = { up: upstream, down: client };
    for (const [from, direction] of [
      [client, 'up'],
      [upstream, 'down'],
    ] as const) {
      from.setNoDelay(true);
      from.on('data', (bytes: Buffer) => this.#take(bytes, direction));
      from.on('error', () => this.end());
      from.on('close', () => this.end());
    }
  }

  end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#ends.up.destroy();
    this.#ends.down.destroy();
    this.#weather.ended();
  }

  pump(): void {
    this.#pump('up');
    this.#pump('down');
  }

  #take(bytes: Buffer, direction: Direction): void {
    if (direction === 'up' && bytes.includes('PSYNC')) this.#isReplication = true;
    const dueAt = performance.now() + this.#weather.delayMs();
    this.#pieces[direction].push({ bytes, dueAt });
    this.#pump(direction);
  }

  #pump(direction: Direction): void {
    const pieces = this.#pieces[direction];
    for (;;) {
      const [piece] = pieces;
      if (piece === undefined || this.#isOver) return;
      if (this.#weather.isHeld(direction, this.#isReplication)) return;
      const waitMs = piece.dueAt - performance.now();
      if (waitMs > 0 && this.#weather.delayMs() > 0) {
        setTimeout(() => this.#pump(direction), waitMs);
        return;
      }
      pieces.shift();
      if (direction === 'down' && this.#weather.takesHalf(piece.bytes)) {
        const end = this.#ends.down;
        end.write(piece.bytes.subarray(0, piece.bytes.length >> 1), () => this.end());
        return;
      }
      this.#ends[direction].write(piece.bytes);
    }
  }
}
