// A bare TCP client for hostile or hand-written input: writes bytes, reads up to a condition, and can stop reading.

import { connect, type Socket } from 'node:net';

export class RawConnection {
  readonly net: Socket;
  /** Resolves when the connection is gone, however that came. */
  readonly gone: Promise<void>;
  /** In pieces as they came: to join each to all before it would copy gigabytes of a long answer. */
  #pieces: Buffer[] = [];
  #isGone = false;
  #waiting: (() => void)[] = [];

  private constructor(net: Socket) {
    this.net = net;
    net.on('data', (chunk: Buffer) => {
      this.#pieces.push(chunk);
      this.#wakeAll();
    });
    // A reset is one of the ways to be gone.
    net.on('error', () => undefined);
    this.gone = new Promise((resolve) => {
      net.on('close', () => {
        this.#isGone = true;
        this.#wakeAll();
        resolve();
      });
    });
  }

  static open(port: number, host = '127.0.0.1'): Promise<RawConnection> {
    return new Promise((resolve, reject) => {
      const net = connect({ port, host }, () => {
        net.off('error', reject);
        resolve(new RawConnection(net));
      });
      net.once('error', reject);
    });
  }

  write(bytes: string | Uint8Array): void {
    this.net.write(bytes);
  }

  /** What has arrived and was not taken. */
  get received(): Buffer {
    const [only, ...more] = this.#pieces;
    if (only !== undefined && more.length === 0) return only;
    const all = Buffer.concat(this.#pieces);
    this.#pieces = [all];
    return all;
  }

  /** Of `received`, without joining it. */
  get receivedBytes(): number {
    return this.#pieces.reduce((sum, { length }) => sum + length, 0);
  }

  /** Takes what `take` finds as soon as it finds it: it returns the number of bytes it wants, or undefined to wait. */
  async take(find: (received: Buffer) => number | undefined): Promise<Buffer> {
    for (;;) {
      const { received } = this;
      const bytes = find(received);
      if (bytes !== undefined) {
        this.#pieces = [received.subarray(bytes)];
        return received.subarray(0, bytes);
      }
      if (this.#isGone) throw new Error(`connection gone after: ${received.toString('latin1')}`);
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  /** Takes everything up to and with `end`. */
  async takeThrough(end: string): Promise<string> {
    const taken = await this.take((received) => {
      const at = received.indexOf(end, 0, 'latin1');
      return at === -1 ? undefined : at + end.length;
    });
    return taken.toString('latin1');
  }

  pauseReading(): void {
    this.net.pause();
  }

  resumeReading(): void {
    this.net.resume();
  }

  destroy(): void {
    this.net.destroy();
  }

  #wakeAll(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const wake of waiting) wake();
  }
}
