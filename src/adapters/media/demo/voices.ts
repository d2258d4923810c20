// The pitched instruments: each makes the samples of one note. Pure; what is random comes in.
/* eslint-disable @typescript-eslint/no-non-null-assertion -- sample loops: every index is bounded by its loop, and a fallback per sample is slow */
import { SAMPLE_RATE } from './mixer.ts';
import type { Random } from './random.ts';

export interface Tone {
  readonly hz: number;
  /** How long the note is held; its release comes after. */
  readonly seconds: number;
  /** 0 to 1; louder is also brighter. */
  readonly velocity: number;
  readonly random: Random;
}

export type Voice = (tone: Tone) => Float32Array;

const TABLE_SIZE = 2048;
const HIGHEST_PARTIAL_HZ = 14_000;
const TAU = 2 * Math.PI;

const SINE = Float32Array.from({ length: TABLE_SIZE + 1 }, (_, i) =>
  Math.sin((TAU * i) / TABLE_SIZE),
);

/** One cycle of a sum of sines; partials that would alias at `hz` are left out. `amplitude` is of partial 1, 2, 3 … */
function wavetable(
  hz: number,
  partials: number,
  amplitude: (partial: number) => number,
): Float32Array {
  const table = new Float32Array(TABLE_SIZE + 1);
  for (let partial = 1; partial <= partials && partial * hz < HIGHEST_PARTIAL_HZ; partial += 1) {
    const level = amplitude(partial);
    if (level === 0) continue;
    for (let i = 0; i <= TABLE_SIZE; i += 1) table[i]! += level * SINE[(partial * i) % TABLE_SIZE]!;
  }
  return table;
}

/** `phase` in cycles, not negative. */
function lookUp(table: Float32Array, phase: number): number {
  // In 32 bits: good for 2^20 cycles, which no note reaches.
  const position = phase * TABLE_SIZE;
  const whole = position | 0;
  const index = whole & (TABLE_SIZE - 1);
  const low = table[index]!;
  return low + (table[index + 1]! - low) * (position - whole);
}

function buffer(seconds: number): Float32Array {
  return new Float32Array(Math.ceil(seconds * SAMPLE_RATE));
}

/** Raised-cosine attack, flat, raised-cosine release from `held` on; seconds. */
function swell(t: number, attack: number, held: number, release: number): number {
  const rise = t < attack ? 0.5 - 0.5 * Math.cos((Math.PI * t) / attack) : 1;
  if (t < held) return rise;
  return t < held + release ? rise * (0.5 + 0.5 * Math.cos((Math.PI * (t - held)) / release)) : 0;
}

/** A warm pad: two slightly detuned oscillators that move between a dark and a bright wave. */
export const pad: Voice = ({ hz, seconds, velocity, random }) => {
  const dark = wavetable(hz, 5, (n) => 1 / n ** 2.2);
  const bright = wavetable(hz, 14, (n) => (n % 2 === 0 ? 0.7 : 1) / n ** 1.45);
  const [attack, release] = [Math.min(1.8, seconds * 0.35), 2.8];
  const out = buffer(seconds + release);
  const detunes = [1.0009, 0.9988];
  const phases = detunes.map(() => random());
  const [motionHz, motionPhase] = [0.06 + 0.08 * random(), random()];
  for (let i = 0; i < out.length; i += 1) {
    const t = i / SAMPLE_RATE;
    const brightness = velocity * (0.35 + 0.3 * lookUp(SINE, t * motionHz + motionPhase));
    let sum = 0;
    for (let k = 0; k < detunes.length; k += 1) {
      const phase = phases[k]! + t * hz * detunes[k]!;
      const low = lookUp(dark, phase);
      sum += low + (lookUp(bright, phase) - low) * brightness;
    }
    out[i] = sum * 0.5 * velocity * swell(t, attack, seconds, release);
  }
  return out;
};

/** A plucked string: Karplus and Strong's delay line, with a pick position, fractional tuning and a decay that follows the pitch. */
export const pluck: Voice = ({ hz, seconds, velocity, random }) => {
  const out = buffer(seconds + 0.5);
  const period = SAMPLE_RATE / hz;
  const length = Math.max(2, Math.floor(period - 0.5));
  const fraction = period - 0.5 - length;
  const tuning = (1 - fraction) / (1 + fraction);
  const loss = 0.001 ** (1 / (hz * (1.6 + 320 / hz)));
  const noise = new Float32Array(length);
  const softness = 0.82 - 0.4 * velocity;
  const white = Float32Array.from(noise, () => random() * 2 - 1);
  let smooth = 0;
  // Twice around: the second lap starts from the end of the first, so that the burst closes on itself without a step.
  for (let i = 0; i < 2 * length; i += 1) {
    smooth = softness * smooth + (1 - softness) * white[i % length]!;
    noise[i % length] = smooth;
  }
  const pick = Math.max(1, Math.floor(length * 0.17));
  const ring = noise.map((value, i) => value - 0.85 * noise[(i + length - pick) % length]!);
  const mean = ring.reduce((sum, value) => sum + value, 0) / length;
  const peak = ring.reduce((most, value) => Math.max(most, Math.abs(value - mean)), 1e-9);
  for (let i = 0; i < length; i += 1) ring[i] = (ring[i]! - mean) / peak;
  let [at, before, allpassIn, allpassOut] = [0, 0, 0, 0];
  for (let i = 0; i < out.length; i += 1) {
    const current = ring[at]!;
    const filtered = loss * 0.5 * (current + before);
    before = current;
    allpassOut = tuning * (filtered - allpassOut) + allpassIn;
    allpassIn = filtered;
    ring[at] = allpassOut;
    at = at + 1 === length ? 0 : at + 1;
    const t = i / SAMPLE_RATE;
    out[i] =
      current * velocity * 0.8 * (t < seconds ? 1 : Math.max(0, 1 - (t - seconds) / 0.5) ** 2);
  }
  return out;
};

/** An electric piano by frequency modulation: a body whose brightness follows the key, and the short tine above it. */
export const electricPiano: Voice = ({ hz, seconds, velocity, random }) => {
  const out = buffer(seconds + 0.35);
  const start = random();
  for (let i = 0; i < out.length; i += 1) {
    const t = i / SAMPLE_RATE;
    const body = velocity * 2.1 * Math.exp(-t * 2.2) * lookUp(SINE, t * hz + start + 1);
    const tine = velocity * 0.55 * Math.exp(-t * 14) * lookUp(SINE, t * hz * 14 + 1);
    const carrier = lookUp(SINE, t * hz + 4 + (body + tine) / TAU);
    const second = 0.35 * lookUp(SINE, t * hz * 1.0012 + 4 + (body * 0.6) / TAU);
    const decay = Math.exp(-t * (0.7 + hz / 900));
    out[i] = (carrier + second) * 0.7 * velocity * decay * swell(t, 0.004, seconds, 0.3);
  }
  return out;
};

/** Per sample: what an exponential decay of `rate` per second multiplies by. */
function decayOf(rate: number): number {
  return Math.exp(-rate / SAMPLE_RATE);
}

/** Adds a sine of `hz` that decays at `rate` per second. */
function ring(out: Float32Array, hz: number, level: number, rate: number): void {
  const keep = decayOf(rate);
  const step = hz / SAMPLE_RATE;
  let [phase, amplitude] = [0, level];
  for (let i = 0; i < out.length && amplitude > 1e-5; i += 1) {
    out[i]! += amplitude * lookUp(SINE, phase);
    phase += step;
    amplitude *= keep;
  }
}

/** A marimba bar: fundamental, the two tuned overtones (4:1 and 9.9:1), the knock of the mallet. */
export const marimba: Voice = ({ hz, velocity, random }) => {
  const decay = 2.4 + hz / 130;
  const out = buffer(Math.min(2.5, 6.5 / decay));
  const end = out.length / SAMPLE_RATE;
  ring(out, hz, velocity, decay);
  ring(out, hz * 3.98, 0.34 * velocity, decay * 3.4);
  ring(out, hz * 9.9, 0.14 * velocity, decay * 8);
  let knock = 0;
  for (let i = 0; i < 0.06 * SAMPLE_RATE; i += 1) {
    knock += 0.18 * (random() * 2 - 1 - knock);
    out[i]! += 0.5 * velocity * knock * Math.exp((-140 * i) / SAMPLE_RATE);
  }
  for (let i = 0; i < 0.002 * SAMPLE_RATE; i += 1) out[i]! *= i / (0.002 * SAMPLE_RATE);
  fadeTail(out, end, 0.1);
  return out;
};

function fadeTail(out: Float32Array, end: number, seconds: number): void {
  for (let i = Math.max(0, Math.floor((end - seconds) * SAMPLE_RATE)); i < out.length; i += 1) {
    out[i]! *= swell(i / SAMPLE_RATE, 0, end - seconds, seconds);
  }
}

/** A glassy bell with stretched partials. */
export const bell: Voice = ({ hz, seconds, velocity }) => {
  const out = buffer(seconds + 2.5);
  const level = 0.55 * velocity;
  ring(out, hz, level, 0.9);
  ring(out, hz * 2.003, 0.42 * level, 1.5);
  ring(out, hz * 3.01, 0.18 * level, 2.6);
  ring(out, hz * 4.2, 0.12 * level, 4.2);
  ring(out, hz * 5.43, 0.06 * velocity * level, 7);
  for (let i = 0; i < 0.006 * SAMPLE_RATE; i += 1) out[i]! *= i / (0.006 * SAMPLE_RATE);
  fadeTail(out, out.length / SAMPLE_RATE, 1);
  return out;
};

/** A small string section: detuned saws with a vibrato that comes in late, darker when soft. */
export const strings: Voice = ({ hz, seconds, velocity, random }) => {
  const table = wavetable(hz, 22, (n) => 1 / n ** (1.75 - 0.45 * velocity));
  const [attack, release] = [Math.min(0.16, seconds * 0.3), 0.42];
  const out = buffer(seconds + release);
  const players = Array.from({ length: 3 }, (_, k) => ({
    phase: random(),
    detune: 1 + (k - 1) * 0.0021 + (random() - 0.5) * 0.0008,
    vibratoHz: 4.9 + random() * 0.9,
    vibratoPhase: random(),
  }));
  for (const player of players) {
    let phase = player.phase;
    for (let i = 0; i < out.length; i += 1) {
      const t = i / SAMPLE_RATE;
      const depth = 0.0042 * Math.min(1, Math.max(0, (t - 0.22) / 0.5));
      const vibrato =
        depth === 0 ? 0 : depth * lookUp(SINE, t * player.vibratoHz + player.vibratoPhase);
      phase += (hz * player.detune * (1 + vibrato)) / SAMPLE_RATE;
      out[i]! += lookUp(table, phase);
    }
  }
  for (let i = 0; i < out.length; i += 1)
    out[i]! *= 0.25 * velocity * swell(i / SAMPLE_RATE, attack, seconds, release);
  return out;
};

/** A pulse wave of an old sound chip; `duty` is the part of the cycle that it is high. */
export function pulse(duty: number): Voice {
  return ({ hz, seconds, velocity }) => {
    const table = wavetable(hz, 40, (n) => Math.sin(Math.PI * n * duty) / n);
    const out = buffer(seconds + 0.03);
    for (let i = 0; i < out.length; i += 1) {
      const t = i / SAMPLE_RATE;
      const vibrato = t < 0.18 ? 0 : (0.02 * lookUp(SINE, t * 6) * hz) / 440;
      const level = 0.45 + 0.55 * Math.exp(-t * 5);
      out[i] =
        lookUp(table, t * hz + vibrato + 1) *
        0.5 *
        velocity *
        level *
        swell(t, 0.002, seconds, 0.03);
    }
    return out;
  };
}

/** A triangle wave: the bass of that chip. */
export const triangle: Voice = ({ hz, seconds, velocity }) => {
  const table = wavetable(hz, 15, (n) => (n % 2 === 0 ? 0 : (n % 4 === 1 ? 0.81 : -0.81) / n ** 2));
  const out = buffer(seconds + 0.03);
  for (let i = 0; i < out.length; i += 1) {
    const t = i / SAMPLE_RATE;
    out[i] = lookUp(table, t * hz) * velocity * swell(t, 0.003, seconds, 0.03);
  }
  return out;
};

/** A round bass: a sine with a little of its next partials, which fade first. */
export const bass: Voice = ({ hz, seconds, velocity }) => {
  const out = buffer(seconds + 0.12);
  for (let i = 0; i < out.length; i += 1) {
    const t = i / SAMPLE_RATE;
    const growl = Math.exp(-t * 5) * velocity;
    const wave =
      lookUp(SINE, t * hz) +
      (0.22 + 0.25 * growl) * lookUp(SINE, t * hz * 2) +
      0.16 * growl * lookUp(SINE, t * hz * 3);
    out[i] = 0.75 * wave * velocity * Math.exp(-t * 0.9) * swell(t, 0.008, seconds, 0.11);
  }
  return out;
};
