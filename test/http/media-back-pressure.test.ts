// A slow reader and an abort over a real server: the bytes wait on the disk, not in memory, and nothing stays open.
import { serve } from '@hono/node-server';
import type { ServerType } from '@hono/node-server';
import { once } from 'node:events';
import { open, readdir, readlink } from 'node:fs/promises';
import { get } from 'node:http';
import type { IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openFolderCatalogue } from '../../src/adapters/media/folder-catalogue.ts';
import { createMediaRoutes } from '../../src/http/media-route.ts';
import { createMediaSignature } from '../../src/http/media-signature.ts';
import type { ByteRange, Catalogue, MediaFile } from '../../src/ports/catalogue.ts';
import { KeptLog, MediaFolder, wavHeader } from '../adapters/media/media-folder.ts';

const MIB = 1024 * 1024;
const SIZE = 100 * MIB;

let folder: MediaFolder;
let catalogue: Catalogue;
let server: ServerType;
let url: string;
let pulledBytes = 0;
let cancelled: Promise<void>;
let path: string;

beforeEach(async () => {
  pulledBytes = 0;
  folder = await MediaFolder.create();
  path = await folder.write('long.wav', wavHeader(SIZE - 44));
  const file = await open(path, 'r+');
  await file.truncate(SIZE); // Sparse: it takes no room on the disk.
  await file.close();
  catalogue = await openFolderCatalogue({
    mediaDir: folder.path,
    log: new KeptLog(),
    isWatching: false,
    settleMs: 0,
  });
  const signature = createMediaSignature({ key: 'a key for tests only' });
  const routes = createMediaRoutes({
    catalogue: {
      get: (id) => catalogue.get(id),
      search: (query, page) => catalogue.search(query, page),
      cover: (id) => catalogue.cover(id),
      onChange: (listener) => catalogue.onChange(listener),
      stop: () => catalogue.stop(),
      open: async (id) => counted(await catalogue.open(id)),
    },
    signature,
    nowMs: () => Date.now(),
  });
  server = serve({ fetch: routes.fetch, port: 0, hostname: '127.0.0.1' });
  if (!server.listening) await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const id = catalogue.search('', { offset: 0, limit: 1 }).tracks[0]!.id;
  url = `http://127.0.0.1:${port}${signature.sign(id, Date.now()).url}`;
});

afterEach(async () => {
  await new Promise((resolve) => {
    server.close(resolve);
    if ('closeAllConnections' in server) server.closeAllConnections();
  });
  await catalogue.stop();
  await folder.remove();
});

/** The same file, with its pulls counted and its end observed; it holds back exactly as much. */
function counted(file: MediaFile | undefined): MediaFile | undefined {
  if (!file) return undefined;
  const read = (range: ByteRange) => {
    const reader = file.read(range).getReader();
    let settle = (): void => undefined;
    cancelled = new Promise((resolve) => {
      settle = resolve;
    });
    return new ReadableStream<Uint8Array>(
      {
        async pull(controller) {
          const { done, value } = await reader.read();
          if (done) {
            controller.close();
            return;
          }
          pulledBytes += value.length;
          controller.enqueue(value);
        },
        async cancel() {
          await reader.cancel();
          settle();
        },
      },
      { highWaterMark: 0 },
    );
  };
  return { ...file, read };
}

async function request(): Promise<IncomingMessage> {
  const [response] = (await once(get(url, { agent: false }), 'response')) as [IncomingMessage];
  response.pause();
  return response;
}

async function isFileOpen(): Promise<boolean> {
  const links = (await readdir('/proc/self/fd')).map(async (fd) => {
    try {
      return await readlink(`/proc/self/fd/${fd}`);
    } catch {
      return ''; // Closed since it was listed.
    }
  });
  return (await Promise.all(links)).includes(path);
}

it('a slow reader of 100 MB leaves memory flat', async () => {
  const response = await request();
  expect(response.headers['content-length']).toBe(String(SIZE));
  // From the first third on: by then what the server and this client need at all has been allocated.
  let baseline: number | undefined;
  let received = 0;
  let furthestAhead = 0;
  let mostGrown = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    received += chunk.length;
    furthestAhead = Math.max(furthestAhead, pulledBytes - received);
    if (received > SIZE / 3) {
      const { rss } = process.memoryUsage();
      baseline ??= rss;
      mostGrown = Math.max(mostGrown, rss - baseline);
    }
    // Others' turns between two reads: whoever would read ahead has the time to.
    for (let turn = 0; turn < 3; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  }
  expect(received).toBe(SIZE);
  // What the kernel's two socket buffers hold, and no more.
  expect(furthestAhead).toBeLessThan(16 * MIB);
  expect(mostGrown).toBeLessThan(30 * MIB);
});

it.skipIf(process.platform !== 'linux')('a reader that leaves closes the file', async () => {
  const response = await request();
  response.resume();
  await once(response, 'data');
  expect(await isFileOpen()).toBe(true);
  response.destroy();
  await cancelled;
  expect(await isFileOpen()).toBe(false);
  expect(pulledBytes).toBeLessThan(SIZE);
});

it.skipIf(process.platform !== 'linux')('a body that nobody reads opens nothing', async () => {
  const id = catalogue.search('', { offset: 0, limit: 1 }).tracks[0]!.id;
  const file = await catalogue.open(id);
  const stream = file?.read({ start: 0, end: SIZE - 1 });
  expect(await isFileOpen()).toBe(false);
  const reader = stream?.getReader();
  const first = await reader?.read();
  expect(first?.value?.length).toBe(64 * 1024);
  expect(await isFileOpen()).toBe(true);
  await reader?.cancel();
  expect(await isFileOpen()).toBe(false);
});
