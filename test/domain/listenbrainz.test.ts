// Listens of other players: what they got wrong beside the listen itself does not keep it out.
import { describe, expect, it } from 'vitest';
import { ImportSchema, importedListens } from '../../src/domain/listenbrainz.ts';

const AT_S = 1_700_000_000;
const NOW = (AT_S + 1) * 1_000;
const ID = '0b7c7a52-5f0b-4d0c-9a39-5f2f4f5d0e11';
const PLAIN = { at: AT_S * 1_000, title: 'Song', artist: 'Ana' };

function taken(metadata: object, listenedAt: unknown = AT_S) {
  const listen = {
    listened_at: listenedAt,
    track_metadata: { artist_name: 'Ana', track_name: 'Song', ...metadata },
  };
  return importedListens(ImportSchema.parse({ listen_type: 'import', payload: [listen] }), NOW);
}

const info = (additional_info: unknown) => ({ additional_info });

describe('a listen of ListenBrainz', () => {
  it('has its album, its length and the id that it was exported with', () => {
    const more = info({ duration_ms: 180_000.4, duration: 9, earshot_listen_id: ID });
    expect(taken({ release_name: 'An album', ...more })).toEqual({
      listens: [{ ...PLAIN, album: 'An album', durationMs: 180_000, sameAs: ID }],
      skipped: [],
    });
  });

  it.each([
    ['an empty album', { release_name: '' }],
    ['an album that is a number', { release_name: 7 }],
    ['an album without end', { release_name: 'a'.repeat(10_000) }],
    ['nothing said', { release_name: null, additional_info: null }],
    ['a length of nothing', info({ duration: 0, duration_ms: 0 })],
    ['a length below nothing', info({ duration: -1 })],
    ['a length without end', info({ duration_ms: 1e300 })],
    ['a length that is a text', info({ duration_ms: '180000' })],
    ['an id that is none', info({ earshot_listen_id: 'mine' })],
    ['more that is a text', info('none')],
    ['more that is a list', info([])],
  ])('is one also with %s', (_, metadata) => {
    expect(taken(metadata)).toEqual({ listens: [PLAIN], skipped: [] });
  });

  it('has what is well formed beside what is not', () => {
    const more = info({ duration_ms: '180000', duration: 180, earshot_listen_id: ID });
    expect(taken({ release_name: '', ...more }).listens).toEqual([
      { ...PLAIN, durationMs: 180_000, sameAs: ID },
    ]);
  });

  it.each([
    ['listened_at', {}, 'yesterday'],
    ['listened_at', {}, AT_S + 2],
    ['track_metadata.artist_name', { artist_name: '' }, AT_S],
    ['track_metadata.track_name', { track_name: 7 }, AT_S],
  ])('is none without its %s, and that is named', (field, metadata, listenedAt) => {
    const { listens, skipped } = taken({ release_name: '', ...metadata }, listenedAt);
    expect(listens).toEqual([]);
    expect(skipped).toMatchObject([
      { index: 0, why: expect.stringMatching(`^${field}: `) as string },
    ]);
  });
});
