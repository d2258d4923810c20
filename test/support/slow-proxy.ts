// A network that takes its time: every piece is held back by a delay and a jitter, each way, in order, as TCP delivers.
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

export interface SlowLink {
  /** Each way, ms. */
  readonly delayMs: number;
  /** On top of it: exponential with this mean, each way, ms. */
  readonly jitterMs: number;
}

export class SlowProxy {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(server: Server) {
    this.#server = server;
  }

  /** @param random uniform in [0, 1) */
  static async to(targetPort: number, link: SlowLink, random: () => number): Promise<SlowProxy> {
    const proxy = new SlowProxy(
      createServer((client) => {
        const upstream = connect(targetPort, '127.0.0.1');
        proxy.#carry(client, upstream, link, random);
        proxy.#carry(upstream, client, link, random);
      }),
    );
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #carry(from: Socket, to: Socket, { delayMs, jitterMs }: SlowLink, random: () => number): void {
    this.#sockets.add(from);
    from.setNoDelay(true);
    /** A later piece never overtakes. */
    let freeAtMs = 0;
    const after = (act: () => void): void => {
      const nowMs = performance.now();
      freeAtMs = Math.max(freeAtMs, nowMs + delayMs - jitterMs * Math.log(1 - random()));
      setTimeout(act, freeAtMs - nowMs);
    };
    from.on('data', (chunk: Buffer) => after(() => to.writable && to.write(chunk)));
    from.on('end', () => after(() => to.end()));
    from.on('error', () => to.destroy());
    from.on('close', () => {
      this.#sockets.delete(from);
      after(() => to.destroy());
    });
  }
}
