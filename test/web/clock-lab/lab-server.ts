// Owns what the clock's lab loads: the page with the SDK in it and the SDK's worker, built as any bundler would, under the policy of the real page.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { build, type Rolldown } from 'vite';

export interface LabServer {
  readonly url: string;
  readonly origin: string;
  /** What was built. */
  readonly files: readonly string[];
  stop(): Promise<void>;
}

const LAB = path.resolve('test/web/clock-lab');
const PAGE =
  '<!doctype html><link rel="icon" href="data:,"><script type="module" src="/lab.js"></script>';

/** @param policy of the page, less where it may connect to: the hub is of another origin here */
export async function startClockLab(
  policy = "script-src 'self'; worker-src 'self'",
): Promise<LabServer> {
  const scripts = await bundle();
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://lab');
    const script = scripts.get(pathname);
    if (script !== undefined) {
      response.writeHead(200, { 'content-type': 'text/javascript' }).end(script);
    } else if (pathname === '/') {
      response
        .writeHead(200, { 'content-type': 'text/html', 'content-security-policy': policy })
        .end(PAGE);
    } else response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    origin,
    url: `${origin}/`,
    files: [...scripts.keys()],
    stop: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

async function bundle(): Promise<Map<string, string | Uint8Array>> {
  const result = (await build({
    configFile: false,
    logLevel: 'silent',
    root: LAB,
    build: {
      write: false,
      minify: false,
      target: 'esnext',
      modulePreload: { polyfill: false },
      rolldownOptions: {
        input: path.join(LAB, 'lab.ts'),
        output: { entryFileNames: 'lab.js' },
      },
    },
  })) as Rolldown.RolldownOutput | Rolldown.RolldownOutput[];
  const [built] = Array.isArray(result) ? result : [result];
  return new Map(
    built?.output.map((file) => [
      `/${file.fileName}`,
      file.type === 'chunk' ? file.code : file.source,
    ]),
  );
}
