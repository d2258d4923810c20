import { describe, expect, it } from 'vitest';
import type { TrackId } from '../../protocol/ids.ts';
import type { Samples } from '../../src/client/loudness.ts';
import { TrackLevels } from '../../src/client/track-levels.ts';

const a = 'a' as TrackId;
const b = 'b' as TrackId;

function tone(dbfs: number): Samples {
  const data = Float32Array.from(
    { length: 48_000 },
    (_, i) => 10 ** (dbfs / 20) * Math.sin((2 * Math.PI * 1_000 * i) / 48_000),
  );
  return { sampleRate: 48_000, length: 48_000, numberOfChannels: 2, getChannelData: () => data };
}

class Device {
  text: string | null = null;
  changes = 0;

  levels(): TrackLevels {
    return new TrackLevels({
      memory: { read: () => this.text, write: (text) => (this.text = text) },
      pause: () => Promise.resolve(),
      onChange: () => (this.changes += 1),
    });
  }
}

function dbOf(levels: TrackLevels, trackId: TrackId): number {
  return 20 * Math.log10(levels.levelOf(trackId));
}

describe('TrackLevels', () => {
  it('plays by the tag', () => {
    const levels = new Device().levels();
    levels.tell(a, { gainDb: -7.5, peak: 1 });
    expect(dbOf(levels, a)).toBeCloseTo(-7.5, 6);
  });

  it('measures what has no tag, to the same loudness', async () => {
    const device = new Device();
    const levels = device.levels();
    await levels.examine(a, tone(-10));
    await levels.examine(b, tone(-24));
    expect(dbOf(levels, a)).toBeCloseTo(-8, 1);
    expect(dbOf(levels, b)).toBeCloseTo(6, 1);
    expect(device.changes).toBe(2);
  });

  it('remembers what was measured, and does not measure it again', async () => {
    const device = new Device();
    await device.levels().examine(a, tone(-10));
    const later = device.levels();
    expect(dbOf(later, a)).toBeCloseTo(-8, 1);
    await later.examine(a, {
      ...tone(-10),
      getChannelData: () => {
        throw new Error('measured again');
      },
    });
  });

  it('does not measure what is tagged', async () => {
    const device = new Device();
    const levels = device.levels();
    levels.tell(a, { gainDb: -3 });
    await levels.examine(a, tone(-10));
    expect(dbOf(levels, a)).toBeCloseTo(-3, 6);
    expect(device.text).toBeNull();
  });

  it('never makes louder than full scale less a decibel', () => {
    const levels = new Device().levels();
    levels.tell(a, { gainDb: 9, peak: 0.5 });
    expect(dbOf(levels, a)).toBeCloseTo(-1 + 6.02, 2);
    levels.tell(a, { gainDb: 9, peak: 1 });
    expect(levels.levelOf(a)).toBe(1);
    levels.tell(a, { gainDb: 9 });
    expect(levels.levelOf(a)).toBe(1);
    levels.tell(a, { gainDb: -4, peak: 1.2 });
    expect(dbOf(levels, a)).toBeCloseTo(-4, 6);
  });

  it('takes what nobody knows for a record of common loudness', () => {
    expect(dbOf(new Device().levels(), a)).toBeCloseTo(-6, 6);
  });

  it('leaves silence as it is', async () => {
    const levels = new Device().levels();
    await levels.examine(a, tone(-Infinity));
    expect(levels.levelOf(a)).toBe(1);
  });

  it('plays as recorded when switched off', () => {
    const device = new Device();
    const levels = device.levels();
    levels.tell(a, { gainDb: -7.5 });
    levels.setMatching(false);
    expect(levels.levelOf(a)).toBe(1);
    expect(levels.levelOf(b)).toBe(1);
    levels.setMatching(true);
    expect(dbOf(levels, a)).toBeCloseTo(-7.5, 6);
    expect(device.changes).toBe(2);
  });

  it('takes a damaged memory for an empty one', () => {
    const device = new Device();
    for (const text of ['', '{', '{}', '[1, null, ["a"], ["a", "x", 1], ["a", null, 1]]']) {
      device.text = text;
      expect(dbOf(device.levels(), a)).toBeCloseTo(-6, 6);
    }
    device.text = '[["a", -9, 1]]';
    expect(dbOf(device.levels(), a)).toBeCloseTo(-9, 6);
  });

  it('remembers a bounded number, the newest', async () => {
    const device = new Device();
    device.text = JSON.stringify(Array.from({ length: 2_000 }, (_, i) => [`t${i}`, -9, 1]));
    const levels = device.levels();
    await levels.examine(a, tone(-10));
    expect(dbOf(levels, 't0' as TrackId)).toBeCloseTo(-6, 6);
    expect(dbOf(levels, 't1' as TrackId)).toBeCloseTo(-9, 6);
    expect((JSON.parse(device.text) as unknown[]).length).toBe(2_000);
  });
});
