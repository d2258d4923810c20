// Gentle percussion: each makes the samples of one stroke. Pure; what is random comes in.
import { SAMPLE_RATE } from './mixer.ts';
import type { Random } from './random.ts';

function stroke(seconds: number, sampleAt: (t: number) => number): Float32Array {
  const out = new Float32Array(Math.ceil(seconds * SAMPLE_RATE));
  for (let i = 0; i < out.length; i += 1) {
    const t = i / SAMPLE_RATE;
    const toEnd = (seconds - t) / 0.01;
    out[i] = sampleAt(t) * Math.min(1, toEnd);
  }
  return out;
}

/** White noise less its slow part: what is left above about `cutoff` (0 to 1, share of the sample rate's reach). */
function hiss(random: Random, cutoff: number): () => number {
  let slow = 0;
  return () => {
    const white = random() * 2 - 1;
    slow += (1 - cutoff) * (white - slow);
    return white - slow;
  };
}

export function kick(): Float32Array {
  return stroke(0.32, (t) => {
    const phase = 48 * t + (62 / 28) * (1 - Math.exp(-28 * t));
    return Math.sin(2 * Math.PI * phase) * Math.exp(-t * 11) * Math.min(1, t / 0.002);
  });
}

export function hat(random: Random, isOpen: boolean): Float32Array {
  const noise = hiss(random, 0.75);
  const decay = isOpen ? 16 : 62;
  return stroke(isOpen ? 0.25 : 0.09, (t) => noise() * Math.exp(-t * decay) * 0.7);
}

export function shaker(random: Random): Float32Array {
  const noise = hiss(random, 0.6);
  return stroke(
    0.13,
    (t) => noise() * 0.6 * Math.sin(Math.min(1, t / 0.035) * (Math.PI / 2)) * Math.exp(-t * 30),
  );
}

export function rim(random: Random): Float32Array {
  const noise = hiss(random, 0.3);
  return stroke(0.12, (t) => {
    const wood = Math.sin(2 * Math.PI * 420 * t) + 0.6 * Math.sin(2 * Math.PI * 1130 * t);
    return (wood * 0.5 + noise() * 0.35) * Math.exp(-t * 48) * Math.min(1, t / 0.001);
  });
}

export function snare(random: Random): Float32Array {
  const noise = hiss(random, 0.35);
  return stroke(0.2, (t) => {
    const skin = Math.sin(2 * Math.PI * 186 * t) * Math.exp(-t * 26);
    return 0.5 * skin + noise() * 0.55 * Math.exp(-t * 20);
  });
}

/** A long breath of noise, as of water: swells and falls once. */
export function wash(random: Random, seconds: number): Float32Array {
  let [low, lower] = [0, 0];
  return stroke(seconds, (t) => {
    const open = Math.sin((Math.PI * t) / seconds) ** 2;
    low += (0.02 + 0.08 * open) * (random() * 2 - 1 - low);
    lower += 0.004 * (low - lower);
    return (low - lower) * open;
  });
}
