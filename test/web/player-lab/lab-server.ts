// Owns what the lab's page loads: the bundled player, the ear and the click track, with ranges as media elements ask for them.
import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { build, type Rolldown } from 'vite';
import { clickTrackWav } from './click-track.ts';
import { onsetWorklet } from './onset-worklet.ts';
import { tonePartWav } from './tone-track.ts';

const here = new URL('.', import.meta.url);

export async function startLabServer(): Promise<{ url: string; stop: () => Promise<void> }> {
  const script = await bundle();
  const clicks = clickTrackWav();
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
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
      const { type, bytes: wav } = await mediaOf(path, clicks);
      const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '');
      const from = Number(range?.[1] ?? 0);
      const until = range?.[2] ? Number(range[2]) : wav.length - 1;
      response
        .writeHead(range === null ? 200 : 206, {
          'content-type': type,
          'accept-ranges': 'bytes',
          'content-length': until - from + 1,
          ...(range !== null && { 'content-range': `bytes ${from}-${until}/${wav.length}` }),
        })
        .end(wav.subarray(from, until + 1));
    } else response.writeHead(404).end();
  };
  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => response.destroy(error as Error));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    stop: () => close(server),
  };
}

/** `t-{one|two}.{rate}.wav`, `.mp3` and `.m4a` are the parts of the tone; every other track is the one of clicks. */
async function mediaOf(path: string, clicks: Buffer): Promise<{ type: string; bytes: Buffer }> {
  const [, part, rate, format] =
    /^\/media\/t-(one|two)(?:\.(\d+))?\.(wav|mp3|m4a)/.exec(path) ?? [];
  if (part === undefined) return { type: 'audio/wav', bytes: clicks };
  if (format === 'wav') {
    const bytes = tonePartWav(part === 'one' ? 'one' : 'two', Number(rate));
    return { type: 'audio/wav', bytes };
  }
  const file = new URL(`../../fixtures/sound/${part}.${format ?? ''}`, here);
  return { type: format === 'mp3' ? 'audio/mpeg' : 'audio/mp4', bytes: await readFile(file) };
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
