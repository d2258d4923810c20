// Owns what the lab's pages load, the way past every link to their node, and the machine's clock that each page's is compared with.
import { createServer, request as forward, type IncomingMessage, type Server } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { build, type Rolldown } from 'vite';
import { WebSocketServer } from 'ws';
import { answerProbe, isProbe } from '../../../protocol/clock-frames.ts';
import { crystalScript } from './crystal.ts';
import type { LabBatch } from './lab-wire.ts';
import { PageTape } from './page-tape.ts';

const PAGE =
  '<!doctype html><title>sync lab</title><link rel="icon" href="data:,"><script type="module" src="/lab/page.js"></script>';

/** Path → text. */
type LabScripts = ReadonlyMap<string, string>;

/** When all crystals agreed. */
const EPOCH_MS = performance.timeOrigin;

/** One for each page: REST and media go to it, so that the page is of one origin with what it loads. */
export class LabServer {
  readonly #server: Server;
  readonly #tapes = new Map<string, PageTape>();
  #nodePort = 0;

  /** Of the pages that are loaded from here on. */
  crystalPpm = 0;

  private constructor(scripts: LabScripts) {
    this.#server = createServer((request, response) => {
      const { pathname } = new URL(request.url ?? '/', 'http://lab');
      const script = scripts.get(pathname);
      if (pathname === '/lab/') {
        response.writeHead(200, { 'content-type': 'text/html' }).end(PAGE);
      } else if (script !== undefined) {
        response
          .writeHead(200, { 'content-type': 'text/javascript' })
          .end(crystalScript(this.crystalPpm, EPOCH_MS) + script);
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

  /** @param scripts of `bundleLabPage` */
  static async start(scripts: LabScripts): Promise<LabServer> {
    const lab = new LabServer(scripts);
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

/** The page, and what it starts besides, as any bundler would build them. */
export async function bundleLabPage(): Promise<LabScripts> {
  const root = path.resolve('test/support/sync-lab');
  const result = (await build({
    configFile: false,
    logLevel: 'silent',
    root,
    build: {
      write: false,
      minify: false,
      target: 'esnext',
      modulePreload: { polyfill: false },
      rolldownOptions: {
        input: path.join(root, 'lab-page.ts'),
        output: { entryFileNames: 'lab/page.js' },
      },
    },
  })) as Rolldown.RolldownOutput | Rolldown.RolldownOutput[];
  const [built] = Array.isArray(result) ? result : [result];
  const scripts = (built?.output ?? []).map((file): [string, string] => [
    `/${file.fileName}`,
    file.type === 'chunk' ? file.code : file.source.toString(),
  ]);
  return new Map(scripts);
}
