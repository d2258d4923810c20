// Owns what the lab's pages load, the way past every link to their node, and the machine's clock that each page's is compared with.
import { createServer, request as forward, type IncomingMessage, type Server } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { build, type Rolldown } from 'vite';
import { WebSocketServer } from 'ws';
import { answerProbe, isProbe } from '../../../protocol/clock-frames.ts';
import type { LabBatch } from './lab-wire.ts';
import { PageTape } from './page-tape.ts';

const PAGE =
  '<!doctype html><title>sync lab</title><link rel="icon" href="data:,"><script type="module" src="/lab/page.js"></script>';

/** One for each node: REST and media go to it, so that the page is of one origin with what it loads. */
export class LabServer {
  readonly #server: Server;
  readonly #tapes = new Map<string, PageTape>();
  #nodePort = 0;

  private constructor(script: string) {
    this.#server = createServer((request, response) => {
      const { pathname } = new URL(request.url ?? '/', 'http://lab');
      if (pathname === '/lab/') {
        response.writeHead(200, { 'content-type': 'text/html' }).end(PAGE);
      } else if (pathname === '/lab/page.js') {
        response.writeHead(200, { 'content-type': 'text/javascript' }).end(script);
      } else {
        const { method, headers, url } = request;
        const onward = forward(
          { port: this.#nodePort, host: '127.0.0.1', path: url, method, headers },
          (reply) => {
            response.writeHead(reply.statusCode ?? 502, reply.headers);
            reply.pipe(response);
          },
        );
        onward.on('error', () => response.destroy());
        request.pipe(onward);
      }
    });
    const sockets = new WebSocketServer({ server: this.#server, path: '/lab/truth' });
    sockets.on('connection', (socket, request: IncomingMessage) => {
      const tape = this.tape(
        new URL(request.url ?? '/', 'http://lab').searchParams.get('page') ?? '',
      );
      socket.binaryType = 'arraybuffer';
      socket.on('message', (data: ArrayBuffer | Buffer, isBinary) => {
        const t1 = performance.now();
        if (!isBinary) {
          tape.add(JSON.parse(Buffer.from(data as ArrayBuffer).toString()) as LabBatch);
          return;
        }
        const bytes = new Uint8Array(data);
        if (isProbe(bytes)) socket.send(answerProbe(bytes, 1, t1, performance.now()));
        else tape.capture(data as ArrayBuffer);
      });
    });
  }

  /** @param script of `bundleLabPage` */
  static async start(script: string): Promise<LabServer> {
    const lab = new LabServer(script);
    lab.#server.listen(0, '127.0.0.1');
    await once(lab.#server, 'listening');
    return lab;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get origin(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  forwardTo(nodePort: number): void {
    this.#nodePort = nodePort;
  }

  /** What the page of that name has told. */
  tape(page: string): PageTape {
    let tape = this.#tapes.get(page);
    if (tape === undefined) this.#tapes.set(page, (tape = new PageTape()));
    return tape;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    const closed = once(this.#server, 'close');
    this.#server.close();
    await closed;
  }
}

export async function bundleLabPage(): Promise<string> {
  const result = (await build({
    configFile: false,
    logLevel: 'silent',
    build: {
      write: false,
      minify: false,
      target: 'esnext',
      lib: {
        entry: path.resolve('test/support/sync-lab/lab-page.ts'),
        formats: ['es'],
        fileName: 'lab',
      },
    },
  })) as Rolldown.RolldownOutput | Rolldown.RolldownOutput[];
  const [output] = Array.isArray(result) ? result : [result];
  const chunk = output?.output[0];
  if (chunk?.type !== 'chunk') throw new Error('the lab’s page was not bundled');
  return chunk.code;
}
