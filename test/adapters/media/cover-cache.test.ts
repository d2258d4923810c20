// Which covers are read anew, and how much of them is kept.
import { rm } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CoverCache } from '../../../src/adapters/media/cover-cache.ts';
import type { Cover } from '../../../src/ports/catalogue.ts';
import { MediaFolder } from './media-folder.ts';

const KIB = 1024;

let folder: MediaFolder;
/** The names of what was read, in its order. */
let reads: string[];

beforeEach(async () => {
  folder = await MediaFolder.create();
  reads = [];
});
afterEach(() => folder.remove());

function coverOf(bytes: number): Cover {
  return { mimeType: 'image/png', bytes: new Uint8Array(bytes), etag: `"${bytes}"` };
}

/** Asks for the cover of `name`, which is one of so many bytes, or is none. */
function ask(cache: CoverCache, name: string, bytes?: number): Promise<Cover | undefined> {
  return cache.get(folder.at(name), () => {
    reads.push(name);
    return Promise.resolve(bytes === undefined ? undefined : coverOf(bytes));
  });
}

describe('a cover', () => {
  it('is read once for all who ask at the same time, and for those who ask later', async () => {
    await folder.write('a.png', 'x');
    const cache = new CoverCache();
    const covers = await Promise.all([1, 2, 3].map(() => ask(cache, 'a.png', 10)));
    covers.push(await ask(cache, 'a.png', 10));
    expect(reads).toEqual(['a.png']);
    expect(new Set(covers).size).toBe(1);
  });

  it('is read again once its file has changed', async () => {
    const cache = new CoverCache();
    await folder.write('a.png', 'x');
    await ask(cache, 'a.png', 10);
    await folder.write('a.png', 'y', new Date('2022-02-02'));
    expect((await ask(cache, 'a.png', 11))?.etag).toBe('"11"');
    await folder.write('a.png', 'longer', new Date('2022-02-02'));
    expect((await ask(cache, 'a.png', 12))?.etag).toBe('"12"');
  });

  it('that is none is looked for once, too', async () => {
    await folder.write('a.png', 'x');
    const cache = new CoverCache();
    expect([await ask(cache, 'a.png'), await ask(cache, 'a.png')]).toEqual([undefined, undefined]);
    expect(reads).toEqual(['a.png']);
  });

  it('that cannot be read is tried again', async () => {
    await folder.write('a.png', 'x');
    const cache = new CoverCache();
    const failing = cache.get(folder.at('a.png'), () => Promise.reject(new Error('in the way')));
    await expect(failing).rejects.toThrow('in the way');
    expect((await ask(cache, 'a.png', 10))?.etag).toBe('"10"');
    await rm(folder.at('a.png'));
    await expect(ask(cache, 'a.png', 10)).rejects.toThrow('ENOENT');
  });
});

describe('of many covers', () => {
  it('those are kept that were asked for last, up to so many bytes', async () => {
    for (const name of ['a', 'b', 'c', 'd']) await folder.write(name, 'x');
    const cache = new CoverCache(10 * KIB);
    for (const name of ['a', 'b', 'a', 'c']) await ask(cache, name, 4 * KIB);
    expect(reads.splice(0)).toEqual(['a', 'b', 'c']);
    // Each with a KiB for itself: two of them find place.
    for (const name of ['a', 'c', 'b', 'c', 'a']) await ask(cache, name, 4 * KIB);
    expect(reads.splice(0)).toEqual(['b', 'a']);
    await ask(cache, 'd', 11 * KIB);
    await ask(cache, 'd', 11 * KIB);
    expect(reads).toEqual(['d', 'd']);
  });

  it('those that are none take place, too', async () => {
    for (const name of ['a', 'b', 'c']) await folder.write(name, 'x');
    const cache = new CoverCache(2 * KIB);
    for (const name of ['a', 'b', 'c', 'a']) await ask(cache, name);
    expect(reads).toEqual(['a', 'b', 'c', 'a']);
  });

  it('a few are read at once, and all of them in the end', async () => {
    const names = Array.from({ length: 20 }, (_, n) => `${n}.png`);
    for (const name of names) await folder.write(name, 'x');
    const cache = new CoverCache();
    let underWay = 0;
    let most = 0;
    const covers = names.map((name) =>
      cache.get(folder.at(name), async () => {
        most = Math.max(most, (underWay += 1));
        await new Promise(setImmediate);
        underWay -= 1;
        if (name === '3.png') throw new Error('in the way');
        return coverOf(1);
      }),
    );
    const settled = await Promise.allSettled(covers);
    expect(settled.filter(({ status }) => status === 'rejected')).toHaveLength(1);
    expect(most).toBe(4);
  });
});
