// Makes a finished recording of a mix: no offset, a common loudness, soft peaks, faded ends, 16 bits. Knows no music.
/* eslint-disable @typescript-eslint/no-non-null-assertion -- sample loops: every index is bounded by its loop, and a fallback per sample is slow */
import { SAMPLE_RATE } from './mixer.ts';
import type { Stereo } from './stereo.ts';
import { createRandom } from './random.ts';

export interface MasterOptions {
  readonly fadeInSeconds: number;
  readonly fadeOutSeconds: number;
}

/** −20 dBFS over the whole piece: quiet enough that soft music keeps its peaks. */
const TARGET_RMS = 0.1;
/** Above this the curve bends; it never reaches the ceiling (−1 dBFS). */
const KNEE = 0.6;
const CEILING = 0.89;
const HIGH_PASS_HZ = 24;

/** Changes `mix` in place. */
export function master(mix: Stereo, { fadeInSeconds, fadeOutSeconds }: MasterOptions): void {
  const sides = [mix.left, mix.right];
  for (const side of sides) {
    removeOffset(side);
    fade(side, fadeInSeconds, fadeOutSeconds);
  }
  let power = 0;
  for (const side of sides) {
    for (let i = 0; i < side.length; i += 1) power += side[i]! * side[i]!;
  }
  const gain = TARGET_RMS / Math.sqrt(power / (2 * mix.left.length) || 1);
  for (const side of sides)
    for (let i = 0; i < side.length; i += 1) side[i] = limit(side[i]! * gain);
}

function limit(sample: number): number {
  const size = Math.abs(sample);
  if (size <= KNEE) return sample;
  const room = CEILING - KNEE;
  return Math.sign(sample) * (KNEE + room * Math.tanh((size - KNEE) / room));
}

function removeOffset(side: Float32Array): void {
  const keep = Math.exp((-2 * Math.PI * HIGH_PASS_HZ) / SAMPLE_RATE);
  let [before, out] = [0, 0];
  for (let i = 0; i < side.length; i += 1) {
    const sample = side[i]!;
    out = keep * (out + sample - before);
    before = sample;
    side[i] = out;
  }
}

function fade(side: Float32Array, inSeconds: number, outSeconds: number): void {
  const edge = (count: number, indexOf: (i: number) => number) => {
    for (let i = 0; i < count; i += 1)
      side[indexOf(i)]! *= 0.5 - 0.5 * Math.cos((Math.PI * i) / count);
  };
  edge(Math.round(inSeconds * SAMPLE_RATE), (i) => i);
  edge(Math.round(outSeconds * SAMPLE_RATE), (i) => side.length - 1 - i);
}

/** Interleaved 16-bit samples, with triangular dither so that a fade ends in hiss below hearing and not in crackle. */
export function toPcm16({ left, right }: Stereo, isDithered: boolean): Int16Array {
  const random = createRandom(0xd17e);
  const pcm = new Int16Array(left.length * 2);
  const quantise = (sample: number) => {
    const dither = isDithered ? random() - random() : 0;
    return Math.max(-32_768, Math.min(32_767, Math.round(sample * 32_767 + dither)));
  };
  for (let i = 0; i < left.length; i += 1) {
    pcm[2 * i] = quantise(left[i]!);
    pcm[2 * i + 1] = quantise(right[i]!);
  }
  return pcm;
}
