// A network between a client and the service that the test can cut: what is connected breaks, and nothing new gets through.
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

export class CutProxy {
  readonly port: number;
  readonly #stop: () => Promise<void>;
  readonly #pairs: Set<Socket>;
  isCut = false;

  private constructor(port: number, pairs: Set<Socket>, stop: () => Promise<void>) {
    this.port = port;
    this.#pairs = pairs;
    this.#stop = stop;
  }

  static async to(targetPort: number): Promise<CutProxy> {
    const pairs = new Set<Socket>();
    let self: CutProxy | undefined;
    const server = createServer((client) => {
      if (self?.isCut === true) {
        client.destroy();
        return;
      }
      const upstream = connect(targetPort, '127.0.0.1');
      for (const [a, b] of [
        [client, upstream],
        [upstream, client],
      ] as const) {
        a.setNoDelay(true);
        pairs.add(a);
        a.pipe(b);
        a.on('error', () => b.destroy());
        a.on('close', () => {
          pairs.delete(a);
          b.destroy();
        });
      }
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    self = new CutProxy((server.address() as AddressInfo).port, pairs, async () => {
      for (const socket of pairs) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    });
    return self;
  }

  cut(): void {
    this.isCut = true;
    for (const socket of this.#pairs) socket.destroy();
  }

  mend(): void {
    this.isCut = false;
  }

  stop(): Promise<void> {
    return this.#stop();
  }
}
