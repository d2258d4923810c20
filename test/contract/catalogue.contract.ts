// What every Catalogue must do, whatever it is made of (src/ports/catalogue.ts).
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { TrackId } from '../../protocol/ids.ts';
import type { Catalogue } from '../../src/ports/catalogue.ts';

/** Changes the music under the catalogue and resolves once the catalogue has taken notice. */
export interface CatalogueWorld {
  readonly catalogue: Catalogue;
  /** Adds a track whose bytes depend on `seed`. */
  add(track: {
    title: string;
    artist: string;
    album?: string;
    seed: number;
    cover?: Uint8Array;
  }): Promise<void>;
  remove(title: string): Promise<void>;
  /** Changes the bytes, not the size. */
  overwrite(title: string): Promise<void>;
  stop(): Promise<void>;
}

const ALL = { offset: 0, limit: 100 };
const PNG = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
);

export function catalogueContract(name: string, createWorld: () => Promise<CatalogueWorld>): void {
  describe(`the catalogue: ${name}`, () => {
    let world: CatalogueWorld;
    beforeEach(async () => {
      world = await createWorld();
    });
    afterEach(async () => {
      await world.stop();
    });

    const find = (title: string) => {
      const track = world.catalogue.search(title, ALL).tracks[0];
      if (track === undefined) throw new Error(`no ${title}`);
      return track;
    };
    const titles = (query: string, page = ALL) =>
      world.catalogue.search(query, page).tracks.map((track) => track.title);

    it('lists all tracks by artist, album and title, a page at a time', async () => {
      await world.add({ title: 'b', artist: 'Zed', album: 'One', seed: 1 });
      await world.add({ title: 'a', artist: 'Zed', album: 'Two', seed: 2 });
      await world.add({ title: 'C', artist: 'zed', album: 'one', seed: 3 });
      await world.add({ title: 'd', artist: 'Ärzte', seed: 4 });
      expect(titles('')).toEqual(['d', 'b', 'C', 'a']);
      expect(titles('', { offset: 1, limit: 2 })).toEqual(['b', 'C']);
      expect(world.catalogue.search('', { offset: 9, limit: 2 })).toEqual({ tracks: [], total: 4 });
    });

    it('finds tracks that contain every word, in title, artist or album, best first', async () => {
      await world.add({ title: 'Harbour Lights', artist: 'Søren Ågård', album: 'Größe', seed: 1 });
      await world.add({ title: 'The Lighthouse', artist: 'Harbour Choir', seed: 2 });
      await world.add({ title: 'Night', artist: 'Moonlight Trio', album: 'Harbour', seed: 3 });
      expect(titles('harbour LIGHT')).toEqual(['Harbour Lights', 'The Lighthouse', 'Night']);
      expect(titles('soren grosse')).toEqual(['Harbour Lights']);
      expect(titles('ÅGÅRD')).toEqual(['Harbour Lights']);
      expect(titles('  night ')).toEqual(['Night']);
      expect(titles('harbour absent')).toEqual([]);
      expect(world.catalogue.search('harbour', { offset: 0, limit: 1 }).total).toBe(3);
    });

    it('gives a track by id, with what it says about itself', async () => {
      await world.add({ title: 'One', artist: 'Someone', album: 'Album', seed: 7 });
      const track = find('One');
      expect(world.catalogue.get(track.id)).toEqual(track);
      expect(track).toMatchObject({
        title: 'One',
        artist: 'Someone',
        album: 'Album',
        hasCover: false,
      });
      expect(track.id).toMatch(/^[\w-]{22}$/);
      expect(track.durationMs).toBeGreaterThan(0);
      expect(world.catalogue.get('nothing' as TrackId)).toBeUndefined();
    });

    it('tells listeners of additions and removals, until they are removed', async () => {
      let heard = 0;
      const remove = world.catalogue.onChange(() => {
        heard += 1;
      });
      await world.add({ title: 'One', artist: 'A', seed: 1 });
      expect(heard).toBe(1);
      const { id } = find('One');
      await world.remove('One');
      expect(heard).toBe(2);
      expect(world.catalogue.get(id)).toBeUndefined();
      expect(await world.catalogue.open(id)).toBeUndefined();
      expect(await world.catalogue.cover(id)).toBeUndefined();
      remove();
      await world.add({ title: 'Two', artist: 'A', seed: 2 });
      expect(heard).toBe(2);
    });

    it('reads any range of the bytes, and the same bytes together as in parts', async () => {
      await world.add({ title: 'One', artist: 'A', seed: 1 });
      const track = find('One');
      const file = await world.catalogue.open(track.id);
      expect(file).toMatchObject({ mimeType: track.mimeType, sizeBytes: track.sizeBytes });
      expect(file?.etag).toMatch(/^"[^"]+"$/);
      const bytes = async (start: number, end: number) => {
        const chunks: Uint8Array[] = [];
        for await (const chunk of file?.read({ start, end }) ?? []) chunks.push(chunk);
        return Buffer.concat(chunks);
      };
      const whole = await bytes(0, track.sizeBytes - 1);
      expect(whole.length).toBe(track.sizeBytes);
      expect(await bytes(0, 0)).toEqual(whole.subarray(0, 1));
      expect(await bytes(5, 1_000)).toEqual(whole.subarray(5, 1_001));
      expect(await bytes(track.sizeBytes - 3, track.sizeBytes - 1)).toEqual(whole.subarray(-3));
    });

    it('errors the stream of a file that has changed since it was opened', async () => {
      await world.add({ title: 'One', artist: 'A', seed: 1 });
      const { id, sizeBytes } = find('One');
      const file = await world.catalogue.open(id);
      await world.overwrite('One');
      const reader = file?.read({ start: 0, end: sizeBytes - 1 }).getReader();
      await expect(reader?.read()).rejects.toThrow(/changed/);
    });

    it('errors the stream of a file that has gone', async () => {
      await world.add({ title: 'One', artist: 'A', seed: 1 });
      const { id } = find('One');
      const file = await world.catalogue.open(id);
      await world.remove('One');
      await expect(file?.read({ start: 0, end: 9 }).getReader().read()).rejects.toThrow();
    });

    it('gives the cover, with a validator of its bytes', async () => {
      await world.add({ title: 'One', artist: 'A', seed: 1, cover: PNG });
      const track = find('One');
      expect(track.hasCover).toBe(true);
      const cover = await world.catalogue.cover(track.id);
      expect(cover?.mimeType).toBe('image/png');
      expect(Buffer.from(cover?.bytes ?? [])).toEqual(PNG);
      expect(cover?.etag).toMatch(/^"[^"]+"$/);
    });

    it('stops twice without harm, and still answers from memory', async () => {
      await world.add({ title: 'One', artist: 'A', seed: 1 });
      await world.catalogue.stop();
      await world.catalogue.stop();
      expect(titles('one')).toEqual(['One']);
    });
  });
}
