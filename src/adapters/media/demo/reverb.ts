// A stereo reverb: parallel damped combs and allpasses in series, after Schroeder and Moorer. Knows buffers alone.
/* eslint-disable @typescript-eslint/no-non-null-assertion -- sample loops: every index is bounded by its loop, and a fallback per sample is slow */
import type { Stereo } from './stereo.ts';

// Delays in samples at 44.1 kHz, mutually prime, so that no pitch stands out.
const COMBS = [1117, 1187, 1277, 1361, 1423, 1493, 1559, 1619];
const ALLPASSES = [557, 443, 337, 229];
const RIGHT_OFFSET = 29;
const DAMPING = 0.32;
const WET = 0.11;
const PRE_DELAY = 700;

/** Adds the reverb of `input` to `output`. `decay` is the combs' feedback, below 1. */
export function addReverb(input: Stereo, output: Stereo, decay: number): void {
  addSide(input.left, output.left, decay, 0);
  addSide(input.right, output.right, decay, RIGHT_OFFSET);
}

function addSide(input: Float32Array, output: Float32Array, decay: number, offset: number): void {
  const sum = new Float32Array(input.length);
  for (const comb of COMBS) {
    const ring = new Float32Array(comb + offset);
    let at = 0;
    let damped = 0;
    for (let i = 0; i < input.length; i += 1) {
      const delayed = ring[at]!;
      damped = delayed * (1 - DAMPING) + damped * DAMPING;
      ring[at] = input[i]! + damped * decay + 1e-20; // The last term keeps denormals, which are slow, out of the loop.
      at = at + 1 === ring.length ? 0 : at + 1;
      sum[i]! += delayed;
    }
  }
  for (const allpass of ALLPASSES) {
    const ring = new Float32Array(allpass + offset);
    let at = 0;
    for (let i = 0; i < sum.length; i += 1) {
      const delayed = ring[at]!;
      const incoming = sum[i]!;
      ring[at] = incoming + delayed * 0.5;
      sum[i] = delayed - incoming * 0.5;
      at = at + 1 === ring.length ? 0 : at + 1;
    }
  }
  for (let i = PRE_DELAY; i < output.length; i += 1) output[i]! += sum[i - PRE_DELAY]! * WET;
}
