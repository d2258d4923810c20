// The metronome track: a click every half second, each unlike all others, so that any second of it tells where it is from.
/* eslint-disable @typescript-eslint/no-non-null-assertion -- sample loops: every index is bounded by its loop */
import { createRandom } from './random.ts';

/**
 * The layout. Click `k` (0 to 119) begins exactly at sample `k · 22050`, lasts 220 samples (5 ms), and is the same on both channels.
 * It is a burst of noise from a generator that is seeded with `k`, so two different clicks correlate hardly at all: the
 * cross-correlation of any window that holds a whole click has one peak in the track. Every fourth click, from the first, is the
 * accent. Between the clicks there is digital silence. Nothing is faded, limited or dithered.
 */
export const METRONOME = {
  sampleRate: 44_100,
  clicks: 120,
  intervalMs: 500,
  intervalSamples: 22_050,
  clickSamples: 220,
  accentEvery: 4,
  durationMs: 60_000,
} as const;

const SEED = 0xc11c;
const ACCENT_PEAK = 0.8;
const CLICK_PEAK = 0.5;

/** When each click begins, in ms from the track's start. */
export function metronomeClickTimesMs(): readonly number[] {
  return Array.from({ length: METRONOME.clicks }, (_, k) => k * METRONOME.intervalMs);
}

/** The samples of click `k`, at 44.1 kHz, from −1 to 1. */
export function metronomeClick(k: number): Float32Array {
  const random = createRandom(SEED + k * 7919);
  const click = new Float32Array(METRONOME.clickSamples);
  let smooth = 0;
  let peak = 0;
  for (let i = 0; i < click.length; i += 1) {
    // A little less of the top octave: softer to the ear, and the same after a lossy codec.
    smooth += 0.7 * (random() * 2 - 1 - smooth);
    const x = i / (click.length - 1);
    const envelope = Math.min(1, x / 0.04) * (0.5 + 0.5 * Math.cos(Math.PI * x)) ** 0.6;
    click[i] = smooth * envelope;
    peak = Math.max(peak, Math.abs(click[i]!));
  }
  const level = (k % METRONOME.accentEvery === 0 ? ACCENT_PEAK : CLICK_PEAK) / peak;
  return click.map((sample) => sample * level);
}

/** The whole track, one channel: the reference to correlate a recording with. */
export function metronomeReference(): Float32Array {
  const track = new Float32Array(METRONOME.clicks * METRONOME.intervalSamples);
  for (let k = 0; k < METRONOME.clicks; k += 1) {
    track.set(metronomeClick(k), k * METRONOME.intervalSamples);
  }
  return track;
}
