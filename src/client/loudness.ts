// Owns the measuring of a recording's loudness and peak, by ITU-R BS.1770-4 and EBU R 128; pure, knows no audio API.

export interface Loudness {
  /** Integrated over the whole recording. */
  readonly lufs: number;
  /** The largest sample; 1 is full scale. */
  readonly peak: number;
}

/** What is read of an `AudioBuffer`. */
export interface Samples {
  readonly sampleRate: number;
  readonly length: number;
  readonly numberOfChannels: number;
  getChannelData(channel: number): Float32Array;
}

/** Direct form II transposed: y = b0·x + s1, with the state s1, s2. */
interface Biquad {
  readonly b0: number;
  readonly b1: number;
  readonly b2: number;
  readonly a1: number;
  readonly a2: number;
}

interface Channel {
  readonly weight: number;
  /** The states of both filters. */
  readonly state: [number, number, number, number];
}

/** Blocks of 400 ms that overlap by three quarters: four steps of 100 ms each. */
const stepSec = 0.1;
const stepsPerBlock = 4;
const absoluteGateLufs = -70;
const relativeGateLu = -10;
/** Of a full-scale 997 Hz sine, the filters' gain makes up for it (BS.1770-4, annex 1). */
const offsetLu = -0.691;
const surround = 1.41;
/**
 * By number of channels, in Web Audio's order. A single one comes from both speakers, so it counts as the two that it will be.
 * Low-frequency effects do not count.
 */
const weights: Readonly<Record<number, readonly number[]>> = {
  1: [2],
  2: [1, 1],
  4: [1, 1, surround, surround],
  6: [1, 1, 1, 0, surround, surround],
};
/** Between pauses: some 4 ms of a desktop's core. */
const pieceSec = 4;
/** Below this a filter's memory is nothing but slow arithmetic. */
const denormal = 1e-30;

/** Takes in a recording piece by piece. */
export class LoudnessMeter {
  readonly #shelf: Biquad;
  readonly #highPass: Biquad;
  readonly #channels: readonly Channel[];
  readonly #stepFrames: number;
  /** Mean squares of the steps, weighted and summed over the channels. */
  readonly #steps: number[] = [];
  #sum = 0;
  #inStep = 0;
  #peak = 0;

  constructor(sampleRate: number, channels: number) {
    this.#shelf = headShelf(sampleRate);
    this.#highPass = lowCut(sampleRate);
    this.#stepFrames = Math.round(sampleRate * stepSec);
    this.#channels = Array.from({ length: channels }, (_, i) => ({
      weight: (weights[channels] ?? [])[i] ?? (i < 2 ? 1 : 0),
      state: [0, 0, 0, 0],
    }));
  }

  /** @param data one array a channel, of the same length; read from frame `from` on, before `until` */
  add(data: readonly Float32Array[], from: number, until: number): void {
    for (let at = from; at < until;) {
      const end = Math.min(until, at + this.#stepFrames - this.#inStep);
      for (const [i, channel] of this.#channels.entries()) {
        const samples = data[i];
        if (samples !== undefined)
          this.#sum += channel.weight * this.#filter(channel, samples, at, end);
      }
      this.#inStep += end - at;
      at = end;
      if (this.#inStep === this.#stepFrames) {
        this.#steps.push(this.#sum / this.#stepFrames);
        this.#sum = 0;
        this.#inStep = 0;
      }
    }
  }

  /** Undefined where nothing is above the gate: silence, or less than a block. */
  result(): Loudness | undefined {
    const powers: number[] = [];
    for (let i = stepsPerBlock; i <= this.#steps.length; i += 1) {
      let sum = 0;
      for (let k = i - stepsPerBlock; k < i; k += 1) sum += this.#steps[k] ?? 0;
      powers.push(sum / stepsPerBlock);
    }
    const audible = powers.filter((power) => lufsOf(power) > absoluteGateLufs);
    const gateLufs = lufsOf(mean(audible)) + relativeGateLu;
    const lufs = lufsOf(mean(audible.filter((power) => lufsOf(power) > gateLufs)));
    return Number.isFinite(lufs) ? { lufs, peak: this.#peak } : undefined;
  }

  /** The sum of squares behind both filters. */
  #filter({ state }: Channel, samples: Float32Array, from: number, until: number): number {
    const { b0, b1, b2, a1, a2 } = this.#shelf;
    const { a1: c1, a2: c2 } = this.#highPass;
    let [s1, s2, t1, t2] = state;
    let sum = 0;
    let peak = this.#peak;
    for (let i = from; i < until; i += 1) {
      const x = samples[i] ?? 0;
      const size = x < 0 ? -x : x;
      if (size > peak) peak = size;
      const y = b0 * x + s1;
      s1 = b1 * x - a1 * y + s2;
      s2 = b2 * x - a2 * y;
      const z = y + t1;
      t1 = -2 * y - c1 * z + t2;
      t2 = y - c2 * z;
      sum += z * z;
    }
    this.#peak = peak;
    state[0] = flushed(s1);
    state[1] = flushed(s2);
    state[2] = flushed(t1);
    state[3] = flushed(t2);
    return sum;
  }
}

/**
 * The loudness of a whole recording, in pieces, so that the page stays alive meanwhile.
 * @param pause lets others run, between the pieces
 */
export async function measureLoudness(
  samples: Samples,
  pause: () => Promise<void>,
): Promise<Loudness | undefined> {
  const { sampleRate, length, numberOfChannels } = samples;
  const meter = new LoudnessMeter(sampleRate, numberOfChannels);
  const data = Array.from({ length: numberOfChannels }, (_, i) => samples.getChannelData(i));
  const piece = Math.round(sampleRate * pieceSec);
  for (let from = 0; from < length; from += piece) {
    meter.add(data, from, Math.min(length, from + piece));
    await pause();
  }
  return meter.result();
}

function flushed(state: number): number {
  return Math.abs(state) < denormal ? 0 : state;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function lufsOf(power: number): number {
  return offsetLu + 10 * Math.log10(power);
}

/*
 * The standard gives both filters for 48 kHz alone. These are the analogue ones behind them, as libebur128 has worked them out, and give
 * the standard's coefficients at 48 kHz.
 */

function headShelf(sampleRate: number): Biquad {
  const k = Math.tan((Math.PI * 1681.974450955533) / sampleRate);
  const q = 0.7071752369554196;
  const high = 10 ** (3.999843853973347 / 20);
  const band = high ** 0.4996667741545416;
  const a0 = 1 + k / q + k * k;
  return {
    b0: (high + (band * k) / q + k * k) / a0,
    b1: (2 * (k * k - high)) / a0,
    b2: (high - (band * k) / q + k * k) / a0,
    a1: (2 * (k * k - 1)) / a0,
    a2: (1 - k / q + k * k) / a0,
  };
}

function lowCut(sampleRate: number): Biquad {
  const k = Math.tan((Math.PI * 38.13547087602444) / sampleRate);
  const q = 0.5003270373238773;
  const a0 = 1 + k / q + k * k;
  return { b0: 1, b1: -2, b2: 1, a1: (2 * (k * k - 1)) / a0, a2: (1 - k / q + k * k) / a0 };
}
