import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { TrackId } from '../../../protocol/ids.ts';
import { TrackIndex, fold } from '../../../src/adapters/media/track-index.ts';
import type { Track } from '../../../src/ports/catalogue.ts';

const ALL = { offset: 0, limit: 1_000 };
const track = (id: number, title: string, artist = 'Artist', album?: string): Track => ({
  id: `t${id}` as TrackId,
  title,
  artist,
  durationMs: 1,
  mimeType: 'audio/wav',
  sizeBytes: 1,
  hasCover: false,
  ...(album === undefined ? {} : { album }),
});

it.each([
  ['Größe', 'grosse'],
  ['Sigur Rós', 'sigur ros'],
  ['Łódź', 'lodz'],
  ['ÆØÅ', 'aeoa'],
  ['Ｆｕｌｌ', 'full'],
  ['İstanbul', 'istanbul'],
  ['don’t', "don't"],
])('%s folds to %s', (text, folded) => {
  expect(fold(text)).toBe(folded);
  expect(fold(folded)).toBe(folded);
});

it('ranks the exact title, its beginning, words of the title, words anywhere, then parts of words', () => {
  const index = new TrackIndex([
    track(1, 'Unraining'),
    track(2, 'Other', 'Rain'),
    track(3, 'Summer Rain'),
    track(4, 'Rainbow'),
    track(5, 'Rain'),
  ]);
  const found = index.search('rain', ALL).tracks.map(({ title }) => title);
  expect(found).toEqual(['Rain', 'Rainbow', 'Summer Rain', 'Other', 'Unraining']);
});

it('finds exactly the tracks that contain every word, whatever the words are', () => {
  const word = fc.constantFrom('ra', 'in', 'Été', 'x-y', 'B', 'øre', "don't", '東京', '(live)');
  const text = fc.array(word, { minLength: 1, maxLength: 4 }).map((words) => words.join(' '));
  fc.assert(
    fc.property(fc.array(fc.tuple(text, text, text), { maxLength: 12 }), text, (rows, query) => {
      const tracks = rows.map(([title, artist, album], id) => track(id, title, artist, album));
      const index = new TrackIndex(tracks);
      const wanted = tracks.filter((one) =>
        fold(query)
          .split(' ')
          .every((part) =>
            [one.title, one.artist, one.album ?? ''].some((field) => fold(field).includes(part)),
          ),
      );
      const { tracks: found, total } = index.search(query, ALL);
      expect(total).toBe(wanted.length);
      expect(new Set(found)).toEqual(new Set(wanted));
    }),
  );
});

it('pages without a gap or a repeat', () => {
  const tracks = Array.from({ length: 57 }, (_, id) => track(id, `Song ${id % 9}`, `By ${id % 5}`));
  const index = new TrackIndex(tracks);
  const pages = Array.from({ length: 6 }, (_, page) =>
    index.search('song', { offset: page * 10, limit: 10 }),
  );
  expect(new Set(pages.flatMap((page) => page.tracks)).size).toBe(57);
  expect(pages.map((page) => page.tracks.length)).toEqual([10, 10, 10, 10, 10, 7]);
});
