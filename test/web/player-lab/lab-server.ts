// Owns what the lab's page loads: the bundled player, the ear and the click track, with ranges as media elements ask for them.
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { build, type Rolldown } from 'vite';
import { clickTrackWav } from './click-track.ts';
import { onsetWorklet } from './onset-worklet.ts';

const here = new URL('.', import.meta.url);

export async function startLabServer(): Promise<{ url: string; stop: () => Promise<void> }> {
  const script = await bundle();
  const wav = clickTrackWav();
  const server = createServer((request, response) => {
    const path = new URL(request.url ?? '/', 'http://lab').pathname;
    const reply = (type: string, body: string | Buffer): void => {
      response.writeHead(200, { 'content-type': type }).end(body);
    };
    if (path === '/')
      reply(
        'text/html',
        '<!doctype html><link rel="icon" href="data:,"><script type="module" src="/lab.js"></script>',
      );
    else if (path === '/lab.js') reply('text/javascript', script);
    else if (path === '/onset-worklet.js') reply('text/javascript', onsetWorklet);
    else if (path.startsWith('/media/')) {
      const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '');
      const from = Number(range?.[1] ?? 0);
      const until = range?.[2] ? Number(range[2]) : wav.length - 1;
      response
        .writeHead(range === null ? 200 : 206, {
          'content-type': 'audio/wav',
          'accept-ranges': 'bytes',
          'content-length': until - from + 1,
          ...(range !== null && { 'content-range': `bytes ${from}-${until}/${wav.length}` }),
        })
        .end(wav.subarray(from, until + 1));
    } else response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    stop: () => close(server),
  };
}

async function bundle(): Promise<string> {
  const result = (await build({
    configFile: false,
    logLevel: 'silent',
    build: {
      write: false,
      minify: false,
      target: 'esnext',
      lib: { entry: new URL('lab.ts', here).pathname, formats: ['es'], fileName: 'lab' },
    },
  })) as Rolldown.RolldownOutput | Rolldown.RolldownOutput[];
  const [output] = Array.isArray(result) ? result : [result];
  const chunk = output?.output[0];
  if (chunk?.type !== 'chunk') throw new Error('the lab was not bundled');
  return chunk.code;
}

function close(server: Server): Promise<void> {
  server.closeAllConnections();
  return new Promise((resolve) => server.close(() => resolve()));
}
