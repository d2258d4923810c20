// A network between a client and the service that the test can cut: what is connected breaks, and nothing new gets through. Or freeze:
// nothing breaks, and nothing gets through.
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

export class CutProxy {
  readonly #server: Server;
  readonly #pairs = new Set<Socket>();
  readonly #words = new Set<string>();
  #isCut = false;
  #isFrozen = false;

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
    if (this.#isFrozen) {
      this.#pairs.add(client);
      client.on('error', () => client.destroy());
      return;
    }
    const upstream = connect(targetPort, '127.0.0.1');
    client.on('data', (chunk: Buffer) => {
      const word = [...this.#words].find((each) => chunk.includes(each));
      if (word === undefined) return;
      this.#words.delete(word);
      client.destroy();
      upstream.destroy();
    });
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

  /** Breaks the connection on which a client sends this text, once, before anything of it gets through. */
  cutAt(...words: readonly string[]): void {
    for (const word of words) this.#words.add(word);
  }

  /** The texts that nobody has sent yet. */
  get unsent(): readonly string[] {
    return [...this.#words];
  }

  cut(): void {
    this.#isCut = true;
    for (const socket of this.#pairs) socket.destroy();
  }

  /** As when a machine is lost without a word. For good. */
  freeze(): void {
    this.#isFrozen = true;
    for (const socket of this.#pairs) {
      socket.unpipe();
      socket.pause();
    }
  }

  mend(): void {
    this.#isCut = false;
  }

  async stop(): Promise<void> {
    for (const socket of this.#pairs) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
