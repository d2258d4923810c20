import { expect, it } from 'vitest';
import {
  METRONOME,
  metronomeClick,
  metronomeClickTimesMs,
  metronomeReference,
} from '../../../src/adapters/media/demo/metronome.ts';
import { DEMO_TRACKS } from '../../../src/adapters/media/demo/demo-tracks.ts';
import { createRandom } from '../../../src/adapters/media/demo/random.ts';

const reference = metronomeReference();

/**
 * The normalised correlation of `window` with the reference at each offset, best and second best; offsets within 1 ms of the best
 * count as the same peak. Sparse: only the window's sounding samples are multiplied.
 */
function align(window: Float32Array): {
  readonly at: number;
  readonly best: number;
  readonly second: number;
} {
  const sounding = [...window.keys()].filter((i) => Math.abs(window[i]!) > 1e-4);
  const norm = Math.hypot(...sounding.map((i) => window[i]!));
  const offsets = reference.length - window.length;
  const scores = new Float32Array(offsets + 1);
  const { intervalSamples, clickSamples } = METRONOME;
  for (let offset = 0; offset <= offsets; offset += 1) {
    // Clicks lie on a grid: where none of the window can meet one of the track there is nothing to add up.
    const phase = (offset + sounding[0]! + clickSamples) % intervalSamples;
    if (phase > 2 * clickSamples) continue;
    let [product, power] = [0, 0];
    for (const i of sounding) {
      const sample = reference[offset + i]!;
      product += window[i]! * sample;
      power += sample * sample;
    }
    scores[offset] = Math.abs(product) / (norm * Math.max(0.5, Math.sqrt(power)));
  }
  const at = scores.reduce((most, score, i) => (score > scores[most]! ? i : most), 0);
  let second = 0;
  for (const [i, score] of scores.entries()) {
    if (Math.abs(i - at) > METRONOME.sampleRate / 1000) second = Math.max(second, score);
  }
  return { at, best: scores[at]!, second };
}

it('has its clicks where it says, silence between them, and an accent every fourth', () => {
  const times = metronomeClickTimesMs();
  expect(times).toHaveLength(120);
  expect(reference.length).toBe((METRONOME.durationMs / 1000) * METRONOME.sampleRate);
  for (const [k, ms] of times.entries()) {
    const start = (ms * METRONOME.sampleRate) / 1000;
    expect(start).toBe(k * METRONOME.intervalSamples);
    const end = start + METRONOME.clickSamples;
    const peak = reference.subarray(start, end).reduce((most, v) => Math.max(most, Math.abs(v)), 0);
    expect(peak).toBeCloseTo(k % 4 === 0 ? 0.8 : 0.5, 5);
    const rest = reference.subarray(end, start + METRONOME.intervalSamples);
    expect(rest.every((sample) => sample === 0)).toBe(true);
  }
});

it('no two clicks are alike, at any shift', () => {
  const clicks = Array.from({ length: METRONOME.clicks }, (_, k) => metronomeClick(k));
  const norms = clicks.map((click) => Math.hypot(...click));
  let most = 0;
  for (let a = 0; a < clicks.length; a += 1) {
    for (let b = a + 1; b < clicks.length; b += 1) {
      for (let shift = -60; shift <= 60; shift += 1) {
        let product = 0;
        for (let i = Math.max(0, -shift); i < Math.min(220, 220 - shift); i += 1) {
          product += clicks[a]![i]! * clicks[b]![i + shift]!;
        }
        most = Math.max(most, Math.abs(product) / (norms[a]! * norms[b]!));
      }
    }
  }
  expect(most).toBeLessThan(0.65);
});

it.each([0.4, 17.123, 33.77, 58.2])(
  'one second from %f s on is found there, and nowhere else',
  (from) => {
    const start = Math.round(from * METRONOME.sampleRate);
    const random = createRandom(5);
    const window = reference
      .slice(start, start + METRONOME.sampleRate)
      .map((sample) => (sample === 0 ? 0 : 0.3 * sample + 0.01 * (random() - 0.5)));
    const { at, best, second } = align(window);
    expect(at).toBe(start);
    expect(best).toBeGreaterThan(0.9);
    expect(second).toBeLessThan(0.7 * best);
  },
);

it('reaches the file sample for sample', () => {
  const pcm = DEMO_TRACKS.find(({ title }) => title === 'Metronome')!.record();
  expect(pcm.length).toBe(2 * reference.length);
  for (let i = 0; i < reference.length; i += 1) {
    if (pcm[2 * i] !== Math.round(reference[i]! * 32_767) || pcm[2 * i + 1] !== pcm[2 * i]) {
      throw new Error(`sample ${i}`);
    }
  }
});
