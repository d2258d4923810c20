import { describe, expect, it } from 'vitest';
import { LoudnessMeter, measureLoudness, type Samples } from '../../src/client/loudness.ts';

interface Tone {
  readonly dbfs: number;
  readonly sec: number;
  readonly hz?: number;
}

/** The same tones on every channel, one after the other. */
function tones(sampleRate: number, channels: number, parts: readonly Tone[]): Samples {
  const frames = parts.map(({ sec }) => Math.round(sec * sampleRate));
  const data = new Float32Array(frames.reduce((sum, n) => sum + n, 0));
  let at = 0;
  for (const [i, { dbfs, hz = 1_000 }] of parts.entries()) {
    const size = 10 ** (dbfs / 20);
    const n = frames[i] ?? 0;
    for (let k = 0; k < n; k += 1)
      data[at + k] = size * Math.sin((2 * Math.PI * hz * k) / sampleRate);
    at += n;
  }
  return {
    sampleRate,
    length: data.length,
    numberOfChannels: channels,
    getChannelData: () => data,
  };
}

const noPause = () => Promise.resolve();

async function lufsOf(samples: Samples): Promise<number | undefined> {
  return (await measureLoudness(samples, noPause))?.lufs;
}

describe('the meter, by the test signals of EBU Tech 3341', () => {
  // Table 1, cases 1 to 5: integrated loudness of stereo sines of 1 kHz, to within 0.1 LU.
  const cases: readonly (readonly [string, readonly Tone[], number])[] = [
    ['1: −23 dBFS', [{ dbfs: -23, sec: 20 }], -23],
    ['2: −33 dBFS', [{ dbfs: -33, sec: 20 }], -33],
    [
      '3: what is 10 LU below is gated',
      [
        { dbfs: -36, sec: 10 },
        { dbfs: -23, sec: 60 },
        { dbfs: -36, sec: 10 },
      ],
      -23,
    ],
    [
      '4: and what is below −70 LUFS does not move that gate',
      [
        { dbfs: -72, sec: 10 },
        { dbfs: -36, sec: 10 },
        { dbfs: -23, sec: 60 },
        { dbfs: -36, sec: 10 },
        { dbfs: -72, sec: 10 },
      ],
      -23,
    ],
    [
      '5: within the gate all counts',
      [
        { dbfs: -26, sec: 20 },
        { dbfs: -20, sec: 20.1 },
        { dbfs: -26, sec: 20 },
      ],
      -23,
    ],
  ];
  for (const [name, parts, expected] of cases) {
    for (const sampleRate of [44_100, 48_000, 96_000]) {
      it(`${name} at ${sampleRate} Hz`, async () => {
        const lufs = await lufsOf(tones(sampleRate, 2, parts));
        expect(Math.abs((lufs ?? NaN) - expected)).toBeLessThan(0.1);
      });
    }
  }
});

describe('the meter', () => {
  it('weighs by the ear: a low tone counts less, a high one more (BS.1770-4, the K weighting)', async () => {
    const at = async (hz: number) =>
      (await lufsOf(tones(48_000, 2, [{ dbfs: -23, sec: 5, hz }]))) ?? NaN;
    const reference = await at(997);
    expect(reference - (await at(50))).toBeGreaterThan(3);
    expect((await at(8_000)) - reference).toBeCloseTo(3.3, 0);
  });

  it('counts a single channel as the two speakers that it comes from', async () => {
    const mono = await lufsOf(tones(48_000, 1, [{ dbfs: -23, sec: 5 }]));
    expect(mono).toBeCloseTo(-23, 1);
  });

  it('counts channels behind the listener for more, and low-frequency effects for nothing', () => {
    const only = (channel: number): number => {
      const meter = new LoudnessMeter(48_000, 6);
      const tone = tones(48_000, 1, [{ dbfs: -23, sec: 5 }]).getChannelData(0);
      const silence = new Float32Array(tone.length);
      const data = Array.from({ length: 6 }, (_, i) => (i === channel ? tone : silence));
      meter.add(data, 0, tone.length);
      return meter.result()?.lufs ?? -Infinity;
    };
    expect(only(0)).toBeCloseTo(-26, 1);
    expect(only(4) - only(0)).toBeCloseTo(1.5, 1);
    expect(only(3)).toBe(-Infinity);
  });

  it('says the same however the recording is cut into pieces', () => {
    const samples = tones(44_100, 2, [
      { dbfs: -20, sec: 3 },
      { dbfs: -30, sec: 2 },
    ]);
    const data = [samples.getChannelData(0), samples.getChannelData(1)];
    const [whole, pieces] = [new LoudnessMeter(44_100, 2), new LoudnessMeter(44_100, 2)];
    whole.add(data, 0, samples.length);
    for (let at = 0; at < samples.length; at += 1_237) {
      pieces.add(data, at, Math.min(samples.length, at + 1_237));
    }
    expect(pieces.result()?.lufs).toBeCloseTo(whole.result()?.lufs ?? NaN, 9);
    expect(pieces.result()?.peak).toBeCloseTo(0.1, 3);
  });

  it('says nothing of silence', async () => {
    expect(await lufsOf(tones(48_000, 2, [{ dbfs: -Infinity, sec: 2 }]))).toBeUndefined();
    expect(await lufsOf(tones(48_000, 2, [{ dbfs: -20, sec: 0.2 }]))).toBeUndefined();
  });

  it('lets the page breathe while it measures', async () => {
    let pauses = 0;
    const count = () => Promise.resolve(void (pauses += 1));
    await measureLoudness(tones(48_000, 2, [{ dbfs: -20, sec: 60 }]), count);
    expect(pauses).toBeGreaterThanOrEqual(15);
  });
});
