import { readFile, stat } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { readGainTags } from '../../../src/adapters/media/gain-tags.ts';
import { moovLengthMs, mp3FrameLengthMs } from '../../../src/adapters/media/padding.ts';
import { readTrackFile, type TrackTags } from '../../../src/adapters/media/track-file.ts';

const SOUND = fileURLToPath(new URL('../../fixtures/sound/', import.meta.url));

async function read(name: string): Promise<TrackTags> {
  const path = SOUND + name;
  const { size } = await stat(path);
  return readTrackFile({
    path,
    relativePath: name,
    sizeBytes: size,
    modifiedMs: 0,
    folderCoverPath: undefined,
    inode: 1,
  });
}

describe('the length of a track', () => {
  // An MP3 or AAC encoder adds some 25 to 50 ms of its own, in which a room would wait in silence between two tracks.
  it.each([
    ['one.mp3', 3_000],
    ['two.mp3', 3_001],
    ['one.m4a', 3_000],
    ['two.m4a', 3_001],
  ])('%s is what was recorded, without the encoder’s padding', async (name, durationMs) => {
    expect((await read(name)).durationMs).toBe(durationMs);
  });

  it('of an MP3 is read from LAME’s part of the first frame alone', async () => {
    const bytes = await readFile(`${SOUND}two.mp3`);
    expect(mp3FrameLengthMs(bytes)).toBeCloseTo((132_329 / 44_100) * 1_000, 3);
    const info = bytes.indexOf('Xing') === -1 ? bytes.indexOf('Info') : bytes.indexOf('Xing');
    const damaged = (at: number, text: string): Buffer => {
      const copy = Buffer.from(bytes);
      copy.write(text, at, 'latin1');
      return copy;
    };
    expect(mp3FrameLengthMs(damaged(info, 'Nope'))).toBeUndefined();
    expect(mp3FrameLengthMs(damaged(bytes.indexOf('LAME'), 'Blah'))).toBeUndefined();
    expect(mp3FrameLengthMs(damaged(0, '\0\0'))).toBeUndefined();
    for (let cut = 0; cut < 250; cut += 1) mp3FrameLengthMs(bytes.subarray(0, cut));
  });

  it('of an MP4 survives whatever its boxes claim', async () => {
    const bytes = await readFile(`${SOUND}one.m4a`);
    const from = bytes.indexOf('moov') + 4;
    const moov = bytes.subarray(from);
    expect(moovLengthMs(moov)).toBeCloseTo((132_317 / 44_100) * 1_000, 3);
    for (let at = 0; at < Math.min(moov.length, 1_500); at += 1) {
      const copy = Buffer.from(moov);
      copy[at] = 255 - (copy[at] ?? 0);
      const lengthMs = moovLengthMs(copy);
      expect(lengthMs === undefined || lengthMs > 0).toBe(true);
    }
    for (let cut = 0; cut < 1_500; cut += 1) moovLengthMs(moov.subarray(0, cut));
  });
});

describe('the loudness of a track', () => {
  it('is that of its ReplayGain tags', async () => {
    expect(await read('one.mp3')).toMatchObject({ gainDb: -7.03, peak: 0.912345 });
  });

  it('or of Opus’ own, which aims 5 dB lower', async () => {
    expect((await read('gained.opus')).gainDb).toBeCloseTo(-1_234 / 256 + 5, 6);
  });

  it('or is not told', async () => {
    const tags = await read('two.mp3');
    expect(tags.gainDb).toBeUndefined();
    expect(tags.peak).toBeUndefined();
  });

  type TagValue = Parameters<typeof readGainTags>[0][string][number]['value'];
  const of = (id: string, value: TagValue) => readGainTags({ format: [{ id, value }] });

  it.each([
    ['TXXX:REPLAYGAIN_TRACK_GAIN', '-7.03 dB', -7.03],
    ['TXXX:replaygain_track_gain', ['+2,5 dB'], 2.5],
    ['----:com.apple.iTunes:replaygain_track_gain', '-1.5', -1.5],
    ['REPLAYGAIN_TRACK_GAIN', '3 dB', 3],
  ])('%s %s', (id, value, gainDb) => {
    expect(of(id, value)).toEqual({ gainDb });
  });

  it.each([
    ['REPLAYGAIN_TRACK_GAIN', 'loud'],
    ['REPLAYGAIN_TRACK_GAIN', '-300 dB'],
    ['REPLAYGAIN_TRACK_GAIN', 7],
    ['REPLAYGAIN_ALBUM_GAIN', '-7 dB'],
    ['REPLAYGAIN_TRACK_PEAK', '0.5'],
  ])('is not told by %s %s', (id, value) => {
    expect(of(id, value)).toEqual({});
  });

  it('leaves out a peak that no recording has', () => {
    const native = (peak: string) =>
      readGainTags({
        vorbis: [
          { id: 'REPLAYGAIN_TRACK_GAIN', value: '-7 dB' },
          { id: 'REPLAYGAIN_TRACK_PEAK', value: peak },
        ],
      });
    expect(native('0.98')).toEqual({ gainDb: -7, peak: 0.98 });
    expect(native('0')).toEqual({ gainDb: -7 });
    expect(native('-1')).toEqual({ gainDb: -7 });
  });
});
