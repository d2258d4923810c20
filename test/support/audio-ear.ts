// An ear at a page's loudspeaker: tells which click of the metronome left the page at which moment of the machine's one clock.
// It knows the sound alone: nothing of what the page believes.
import type { Page } from 'playwright-core';
import { METRONOME, metronomeClick } from '../../src/adapters/media/demo/metronome.ts';

/** A click as it was heard. */
export interface HeardClick {
  /** Which of the metronome's clicks, by correlation with all of them. */
  readonly click: number;
  /** Unix ms, to a tenth: when its first sample left the page. */
  readonly atMs: number;
}

interface Capture {
  /** Context time of the first sample, s. */
  readonly sec: number;
  readonly sampleRate: number;
  readonly samples: readonly number[];
}

interface Tap {
  readonly captures: Capture[];
  /** Pairs of context time (s) and performance time (ms), as the browser tells them. */
  readonly stamps: { readonly sec: number; readonly ms: number }[];
  readonly timeOriginMs: number;
}

/** Samples kept from before the threshold, and of the click itself. */
const BEFORE = 48;
const CAPTURED = 400;
/** A stretch of the output is not the player's doing for this long before and after the device had no samples. */
const STARVED_BEFORE_MS = 500;
const STARVED_AFTER_MS = 1_500;
const STARVED_JUMP_MS = 3;

/** Posts each click-like sound as a `Capture`; its processor is called `ear`. */
export const EAR_WORKLET = `
class Ear extends AudioWorkletProcessor {
  #ring = new Float32Array(${BEFORE});
  #at = 0;
  #taken;
  #quietSince = 0;
  process([input]) {
    const channel = input[0];
    for (let i = 0; i < 128; i += 1) {
      const sample = channel?.[i] ?? 0;
      const frame = currentFrame + i;
      if (this.#taken) {
        this.#taken.samples.push(sample);
        if (this.#taken.samples.length >= ${CAPTURED}) {
          this.port.postMessage(this.#taken);
          this.#taken = undefined;
          this.#quietSince = frame;
        }
      } else if (Math.abs(sample) > 0.03 && frame - this.#quietSince > sampleRate * 0.1) {
        const before = [];
        for (let k = 0; k < ${BEFORE}; k += 1) before.push(this.#ring[(this.#at + k) % ${BEFORE}]);
        this.#taken = { sec: (frame - ${BEFORE}) / sampleRate, sampleRate, samples: [...before, sample] };
      }
      this.#ring[this.#at] = sample;
      this.#at = (this.#at + 1) % ${BEFORE};
    }
    return true;
  }
}
registerProcessor('ear', Ear);
`;

/** Puts an ear into every page of the context from its next load on. Needs `bypassCSP`, as the page allows no foreign worklets. */
export async function putEarInto(page: Page): Promise<void> {
  await page.addInitScript((worklet) => {
    const tap: Tap = { captures: [], stamps: [], timeOriginMs: performance.timeOrigin };
    (globalThis as unknown as { earTap: Tap }).earTap = tap;
    const ears = new WeakMap<BaseAudioContext, Promise<AudioWorkletNode>>();
    const open = async (context: AudioContext): Promise<AudioWorkletNode> => {
      const address = URL.createObjectURL(new Blob([worklet], { type: 'text/javascript' }));
      await context.audioWorklet.addModule(address);
      const ear = new AudioWorkletNode(context, 'ear', { numberOfOutputs: 0 });
      ear.port.onmessage = ({ data }: MessageEvent<Capture>) => tap.captures.push(data);
      setInterval(() => {
        const { contextTime, performanceTime } = context.getOutputTimestamp();
        if (contextTime && performanceTime)
          tap.stamps.push({ sec: contextTime, ms: performanceTime });
      }, 20);
      return ear;
    };
    // eslint-disable-next-line @typescript-eslint/unbound-method -- called with its own node below
    const connect = AudioNode.prototype.connect as (this: AudioNode, ...args: unknown[]) => unknown;
    AudioNode.prototype.connect = function (this: AudioNode, ...args: unknown[]) {
      if (args[0] instanceof AudioDestinationNode) {
        const context = this.context as AudioContext;
        const ear = ears.get(context) ?? open(context);
        ears.set(context, ear);
        void ear.then((node) => connect.call(this, node));
      }
      return connect.apply(this, args);
    } as typeof AudioNode.prototype.connect;
  }, EAR_WORKLET);
}

/** Unix ms by the machine's clock, to compare with what was heard. */
export async function nowIn(page: Page): Promise<number> {
  return page.evaluate(() => performance.timeOrigin + performance.now());
}

/** What left this page's loudspeaker between two moments; without what a starved audio device garbled. */
export async function heardBy(
  page: Page,
  fromMs: number,
  untilMs: number,
): Promise<{ readonly clicks: readonly HeardClick[]; readonly starved: number }> {
  const tap = await page.evaluate(() => (globalThis as unknown as { earTap: Tap }).earTap);
  const starvedAt = tap.stamps.flatMap((stamp, index) => {
    const next = tap.stamps[index + 1];
    if (next === undefined) return [];
    const movedMs = next.ms - next.sec * 1_000 - (stamp.ms - stamp.sec * 1_000);
    return Math.abs(movedMs) > STARVED_JUMP_MS ? [next.ms + tap.timeOriginMs] : [];
  });
  const clicks = tap.captures.flatMap((capture): HeardClick[] => {
    const startMs = atMs(tap, capture.sec);
    if (startMs < fromMs || startMs > untilMs) return [];
    if (starvedAt.some((at) => startMs > at - STARVED_BEFORE_MS && startMs < at + STARVED_AFTER_MS))
      return [];
    const found = recogniseClick(capture);
    return found === undefined ? [] : [{ click: found.click, atMs: startMs + found.lagMs }];
  });
  const starved = starvedAt.filter((at) => at > fromMs && at < untilMs).length;
  return { clicks, starved };
}

/** Context time to the machine's clock, by the median of the browser's stamps around it. */
function atMs({ stamps, timeOriginMs }: Tap, sec: number): number {
  const offsets = stamps
    .filter((stamp) => Math.abs(stamp.sec - sec) < 0.4)
    .map((stamp) => stamp.ms - stamp.sec * 1_000)
    .sort((a, b) => a - b);
  return sec * 1_000 + (offsets[Math.floor(offsets.length / 2)] ?? NaN) + timeOriginMs;
}

const references = new Map<number, readonly Float32Array[]>();

/** The metronome's clicks at the context's own rate, each of energy 1. */
function referencesAt(sampleRate: number): readonly Float32Array[] {
  let made = references.get(sampleRate);
  if (made === undefined) {
    const ratio = METRONOME.sampleRate / sampleRate;
    made = Array.from({ length: METRONOME.clicks }, (_, k) => {
      const click = metronomeClick(k);
      const resampled = Float32Array.from({ length: Math.floor(click.length / ratio) }, (__, i) => {
        const place = i * ratio;
        const left = click[Math.floor(place)] ?? 0;
        const right = click[Math.floor(place) + 1] ?? 0;
        return left + (right - left) * (place % 1);
      });
      const norm = Math.hypot(...resampled);
      return resampled.map((sample) => sample / norm);
    });
    references.set(sampleRate, made);
  }
  return made;
}

/** Which click a capture holds and how far into it, by normalized cross-correlation; undefined for what is no click. */
export function recogniseClick(
  capture: Pick<Capture, 'sampleRate'> & { readonly samples: ArrayLike<number> },
): { readonly click: number; readonly lagMs: number } | undefined {
  // Nearly always it begins where the capture began; where that shows nothing, all of it is searched.
  return search(capture, BEFORE - 16, BEFORE + 4) ?? search(capture, 0, capture.samples.length);
}

function search(
  { samples, sampleRate }: { readonly samples: ArrayLike<number>; readonly sampleRate: number },
  fromLag: number,
  untilLag: number,
): { readonly click: number; readonly lagMs: number } | undefined {
  let best = { score: 0, click: -1, lag: 0 };
  for (const [click, reference] of referencesAt(sampleRate).entries()) {
    const last = Math.min(untilLag, samples.length - reference.length);
    for (let lag = fromLag; lag <= last; lag += 1) {
      let sum = 0;
      for (let i = 0; i < reference.length; i += 1)
        sum += (samples[lag + i] ?? 0) * (reference[i] ?? 0);
      if (sum > best.score) best = { score: sum, click, lag };
    }
  }
  const reference = referencesAt(sampleRate)[best.click];
  if (reference === undefined) return undefined;
  let energy = 0;
  for (let i = 0; i < reference.length; i += 1) energy += (samples[best.lag + i] ?? 0) ** 2;
  // At the edge of what was searched, the true place may be beyond it.
  if (fromLag > 0 && (best.lag === fromLag || best.lag === untilLag)) return undefined;
  // Two different clicks correlate below a half; the right one, resampled, above nine tenths.
  return best.score / Math.sqrt(energy) < 0.7
    ? undefined
    : { click: best.click, lagMs: (best.lag / sampleRate) * 1_000 };
}
