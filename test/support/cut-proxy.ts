// A network between a client and the service that the test can cut: what is connected breaks, and nothing new gets through.
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

export class CutProxy {
  readonly #server: Server;
  readonly #pairs = new Set<Socket>();
  #isCut = false;

  private constructor(targetPort: number) {
    this.#server = createServer((client) => this.#join(client, targetPort));
  }

  static async to(targetPort: number): Promise<CutProxy> {
    const proxy = new CutProxy(targetPort);
    await new Promise<void>((resolve) => proxy.#server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  #join(client: Socket, targetPort: number): void {
    if (this.#isCut) {
      client.destroy();
      return;
    }
    const upstream = connect(targetPort, '127.0.0.1');
    for (const [a, b] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      a.setNoDelay(true);
      this.#pairs.add(a);
      a.pipe(b);
      a.on('error', () => b.destroy());
      a.on('close', () => {
        this.#pairs.delete(a);
        b.destroy();
      });
    }
  }

  cut(): void {
    this.#isCut = true;
    for (const socket of this.#pairs) socket.destroy();
  }

  mend(): void {
    this.#isCut = false;
  }

  async stop(): Promise<void> {
    for (const socket of this.#pairs) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
