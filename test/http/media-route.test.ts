import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openFolderCatalogue } from '../../src/adapters/media/folder-catalogue.ts';
import { createMediaRoutes } from '../../src/http/media-route.ts';
import { createMediaSignature } from '../../src/http/media-signature.ts';
import type { Catalogue, Track } from '../../src/ports/catalogue.ts';
import { KeptLog, MediaFolder, tinyWav } from '../adapters/media/media-folder.ts';

const NOW_MS = Date.parse('2026-03-04T05:06:07Z');
const MODIFIED = new Date('2020-01-02T03:04:05.678Z');
const BYTES = tinyWav(5);
const SIZE = BYTES.length;

let folder: MediaFolder;
let catalogue: Catalogue;
let track: Track;
const signature = createMediaSignature({ key: 'a key for tests only' });

beforeAll(async () => {
  folder = await MediaFolder.create();
  await folder.write('band/song.wav', BYTES, MODIFIED);
  await folder.write('band/cover.svg', '<svg xmlns="http://www.w3.org/2000/svg"/>');
  await folder.write('bare.wav', tinyWav(6));
  catalogue = await openFolderCatalogue({
    mediaDir: folder.path,
    log: new KeptLog(),
    isWatching: false,
  });
  track = trackOf('song');
});
afterAll(async () => {
  await catalogue.stop();
  await folder.remove();
});

function trackOf(title: string): Track {
  const found = catalogue.search(title, { offset: 0, limit: 1 }).tracks[0];
  if (found === undefined) throw new Error(`no ${title}`);
  return found;
}

const routes = () => createMediaRoutes({ catalogue, signature, nowMs: () => NOW_MS });
const url = () => signature.sign(track.id, NOW_MS).url;
const FROM = { remoteAddress: '192.0.2.1' };
const get = (headers: Record<string, string> = {}, method = 'GET', path = url()) =>
  routes().request(path, { method, headers }, FROM);
const bodyOf = async (response: Response) => Buffer.from(await response.arrayBuffer());

describe('the bytes of a track', () => {
  it('come whole, with all that a player and a cache need to know', async () => {
    const response = await get();
    expect(response.status).toBe(200);
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'content-type': 'audio/wav',
      'content-length': String(SIZE),
      'accept-ranges': 'bytes',
      'last-modified': 'Thu, 02 Jan 2020 03:04:05 GMT',
      'x-content-type-options': 'nosniff',
    });
    expect(response.headers.get('etag')).toMatch(/^"[^"]+"$/);
    expect(response.headers.get('cache-control')).toMatch(/^private, max-age=\d+$/);
    expect(await bodyOf(response)).toEqual(BYTES);
  });

  it('HEAD says the same and sends nothing, a range or not', async () => {
    const [headed, got] = await Promise.all([get({ range: 'bytes=0-9' }, 'HEAD'), get()]);
    expect(headed.status).toBe(200);
    expect(Object.fromEntries(headed.headers)).toEqual(Object.fromEntries(got.headers));
    expect((await bodyOf(headed)).length).toBe(0);
    await got.body?.cancel();
  });

  it.each([
    ['bytes=0-0', 0, 0],
    ['bytes=0-99', 0, 99],
    ['bytes=100-', 100, SIZE - 1],
    ['bytes=-44', SIZE - 44, SIZE - 1],
    [`bytes=-${SIZE * 2}`, 0, SIZE - 1],
    [`bytes=10-${SIZE * 9}`, 10, SIZE - 1],
    [`bytes=${SIZE - 1}-`, SIZE - 1, SIZE - 1],
    ['Bytes = 3 - 5', 3, 5],
    ['bytes =  -  44', SIZE - 44, SIZE - 1],
  ])('%s is answered with bytes %i to %i', async (range, start, end) => {
    const response = await get({ range });
    expect(response.status).toBe(206);
    expect(response.headers.get('content-range')).toBe(`bytes ${start}-${end}/${SIZE}`);
    expect(response.headers.get('content-length')).toBe(String(end - start + 1));
    expect(await bodyOf(response)).toEqual(BYTES.subarray(start, end + 1));
  });

  it.each([
    ['several ranges', 'bytes=0-1,5-6'],
    ['an end before the start', 'bytes=9-3'],
    ['another unit', 'seconds=0-9'],
    ['no number', 'bytes=-'],
    ['letters', 'bytes=a-b'],
    ['nothing', ''],
    ['more than a hundred characters', `bytes=${'0'.repeat(100)}-9`],
    ['much space', `bytes=${' '.repeat(4_000)}-${' '.repeat(4_000)}x`],
  ])('a range of %s is ignored', async (_, range) => {
    const response = await get({ range });
    expect(response.status).toBe(200);
    expect((await bodyOf(response)).length).toBe(SIZE);
  });

  it.each([
    `bytes=${SIZE}-`,
    `bytes=${SIZE + 5}-${SIZE + 9}`,
    'bytes=-0',
    'bytes=99999999999999999999-',
  ])('%s cannot be satisfied, and the answer tells the size', async (range) => {
    const response = await get({ range });
    expect(response.status).toBe(416);
    expect(response.headers.get('content-range')).toBe(`bytes */${SIZE}`);
    expect(response.headers.get('content-type')).toBe('application/problem+json');
    expect(await response.json()).toMatchObject({ status: 416, code: 'bad_request' });
  });
});

describe('conditions', () => {
  const etag = async () => (await get({}, 'HEAD')).headers.get('etag') ?? '';

  it.each([
    ['its tag', (tag: string) => tag],
    ['its tag, weakly', (tag: string) => `W/${tag}`],
    ['its tag among others', (tag: string) => `"x", ${tag}`],
    ['any', () => '*'],
  ])('If-None-Match with %s is answered 304, without a body', async (_, header) => {
    const tag = await etag();
    const response = await get({ 'if-none-match': header(tag), range: 'bytes=0-9' });
    expect(response.status).toBe(304);
    expect(response.headers.get('etag')).toBe(tag);
    expect((await bodyOf(response)).length).toBe(0);
  });

  it('If-None-Match with another tag goes before a date that would match', async () => {
    const response = await get({
      'if-none-match': '"another"',
      'if-modified-since': 'Thu, 02 Jan 2020 03:04:05 GMT',
    });
    expect(response.status).toBe(200);
    await response.body?.cancel();
  });

  it.each([
    ['Thu, 02 Jan 2020 03:04:05 GMT', 304],
    ['Fri, 03 Jan 2020 00:00:00 GMT', 304],
    ['Thu, 02 Jan 2020 03:04:04 GMT', 200],
    ['no date', 200],
  ])('If-Modified-Since %s is answered %i', async (since, status) => {
    const response = await get({ 'if-modified-since': since });
    expect(response.status).toBe(status);
    await response.body?.cancel();
  });

  it.each([
    ['the tag', (tag: string) => tag, 206],
    ['the exact date', () => 'Thu, 02 Jan 2020 03:04:05 GMT', 206],
    ['a weak tag', (tag: string) => `W/${tag}`, 200],
    ['another tag', () => '"another"', 200],
    ['another date', () => 'Fri, 03 Jan 2020 00:00:00 GMT', 200],
  ])('If-Range with %s', async (_, header, status) => {
    const response = await get({ range: 'bytes=0-9', 'if-range': header(await etag()) });
    expect(response.status).toBe(status);
    expect((await bodyOf(response)).length).toBe(status === 206 ? 10 : SIZE);
  });

  it('If-Range with a tag that no longer fits makes an impossible range a whole answer', async () => {
    const response = await get({ range: `bytes=${SIZE}-`, 'if-range': '"another"' });
    expect(response.status).toBe(200);
    await response.body?.cancel();
  });
});

describe('leave to hear', () => {
  const refused = async (path: string) => {
    const response = await get({}, 'GET', path);
    expect(response.headers.get('content-type')).toBe('application/problem+json');
    return { status: response.status, problem: (await response.json()) as Record<string, unknown> };
  };

  it('is refused without a signature, with one for another track, and with an altered expiry', async () => {
    const other = signature.sign(trackOf('bare').id, NOW_MS).url;
    const query = other.slice(other.indexOf('?'));
    const altered = url().replace(
      /expires=(\d+)/,
      (_, at: string) => `expires=${Number(at) + 3600}`,
    );
    for (const path of [`/media/${track.id}`, `/media/${track.id}${query}`, altered]) {
      const { status, problem } = await refused(path);
      expect(status).toBe(403);
      expect(problem).toMatchObject({ status: 403, code: 'forbidden' });
      expect(problem['detail']).toContain('not signed');
    }
  });

  it('ends, and says so', async () => {
    const old = signature.sign(track.id, NOW_MS - 30 * 86_400_000).url;
    const { status, problem } = await refused(old);
    expect(status).toBe(403);
    expect(problem['detail']).toContain('expired');
  });

  it('for a track that is not there is a 404', async () => {
    const { status, problem } = await refused(signature.sign('nothing' as Track['id'], NOW_MS).url);
    expect(status).toBe(404);
    expect(problem).toMatchObject({ code: 'not_found' });
  });
});

describe('covers', () => {
  const cover = (id: string, headers: Record<string, string> = {}, method = 'GET') =>
    routes().request(`/v1/tracks/${id}/cover`, { headers, method }, FROM);

  it('come unsigned, in a sandbox, with their own validator', async () => {
    const response = await cover(track.id);
    expect(response.status).toBe(200);
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'content-type': 'image/svg+xml',
      'x-content-type-options': 'nosniff',
      'cache-control': 'public, max-age=86400',
    });
    const policy = response.headers.get('content-security-policy') ?? '';
    expect(policy).toContain('sandbox');
    expect(policy).toContain("default-src 'none'");
    const tag = response.headers.get('etag') ?? '';
    expect((await cover(track.id, { 'if-none-match': tag })).status).toBe(304);
    expect((await cover(track.id, { 'if-none-match': '"other"' })).status).toBe(200);
    const headed = await cover(track.id, {}, 'HEAD');
    expect(headed.headers.get('content-length')).toBe(response.headers.get('content-length'));
    expect((await bodyOf(headed)).length).toBe(0);
  });

  it('go out whole, in pieces of what is kept: nobody has a copy of their own', async () => {
    const bytes = Uint8Array.from({ length: 200_000 }, (_, n) => n % 251);
    const kept = { mimeType: 'image/png', bytes, etag: '"tag"' };
    const routes = createMediaRoutes({
      catalogue: { cover: () => Promise.resolve(kept) } as unknown as Catalogue,
      signature,
      nowMs: () => NOW_MS,
    });
    const response = await routes.request('/v1/tracks/any/cover', {}, FROM);
    expect(response.headers.get('content-length')).toBe('200000');
    const pieces: Uint8Array[] = [];
    for await (const piece of response.body ?? []) pieces.push(piece);
    expect(pieces.map(({ length }) => length)).toEqual([65_536, 65_536, 65_536, 3_392]);
    expect(new Set(pieces.map(({ buffer }) => buffer))).toEqual(new Set([bytes.buffer]));
    expect(Buffer.concat(pieces).equals(bytes)).toBe(true);
  });

  it('that are not there are a 404 as problem+json', async () => {
    for (const id of [trackOf('bare').id, 'nothing']) {
      const response = await cover(id);
      expect(response.status).toBe(404);
      expect(response.headers.get('content-type')).toBe('application/problem+json');
    }
  });
});
