// An ear at a page's loudspeaker: tells when silence, the low or the high tone begins there, by the machine's one clock; and when a finger let go.
// It knows the sound and the pointer alone: nothing of what the page believes.
import type { Page } from 'playwright-core';
import type { Tone } from './start-tones.ts';

export interface Turn {
  readonly to: Tone | 'silence';
  /** Unix ms at which it left the loudspeaker. */
  readonly atMs: number;
}

interface Tap {
  readonly turns: { readonly to: Turn['to']; readonly sec: number }[];
  /** Pairs of context time (s) and performance time (ms), as the browser tells them. */
  readonly stamps: { readonly sec: number; readonly ms: number }[];
  /** `performance` ms of each pointer that was let go, or key that was pressed. */
  readonly presses: number[];
  readonly timeOriginMs: number;
}

/** A tone is told by how often it crosses zero in these many frames; below the level nothing sounds. */
const WINDOW = 256;
const LEVEL = 0.01;
/** Of 400 Hz about 4, of 2,400 Hz about 26, at 48 kHz. */
const CROSSINGS = 12;
const NEAR_SEC = 0.4;

const WORKLET = `
class Ear extends AudioWorkletProcessor {
  #ring = new Float32Array(${WINDOW});
  #told = 'silence';
  #soundFrom = 0;
  #quietFrom = 0;
  #quiet = true;
  process([input]) {
    const channel = input[0];
    this.#ring.copyWithin(0, 128);
    for (let i = 0; i < 128; i += 1) this.#ring[${WINDOW} - 128 + i] = channel?.[i] ?? 0;
    let first = -1;
    for (let i = ${WINDOW} - 128; i < ${WINDOW}; i += 1) {
      if (Math.abs(this.#ring[i]) > ${LEVEL}) { first = i - ${WINDOW} + 128; break; }
    }
    if (first === -1) {
      if (!this.#quiet) { this.#quiet = true; this.#quietFrom = currentFrame; }
      if (this.#told !== 'silence' && currentFrame - this.#quietFrom > 1024) this.#tell('silence', this.#quietFrom);
      return true;
    }
    if (this.#quiet) { this.#quiet = false; this.#soundFrom = currentFrame + first; }
    if (currentFrame + 128 - this.#soundFrom < ${WINDOW}) return true;
    let crossings = 0;
    for (let i = 1; i < ${WINDOW}; i += 1) {
      if (this.#ring[i - 1] < 0 !== this.#ring[i] < 0) crossings += 1;
    }
    const tone = crossings > ${CROSSINGS} ? 'high' : 'low';
    if (tone !== this.#told) {
      this.#tell(tone, this.#told === 'silence' ? this.#soundFrom : currentFrame + 128 - ${WINDOW} / 2);
    }
    return true;
  }
  #tell(to, frame) {
    this.#told = to;
    this.port.postMessage({ to, sec: frame / sampleRate });
  }
}
registerProcessor('start-ear', Ear);
`;

/** Puts an ear into the page from its next load on. Needs `bypassCSP`, as the page allows no foreign worklets. */
export async function putStartEarInto(page: Page): Promise<void> {
  await page.addInitScript((worklet) => {
    const tap: Tap = { turns: [], stamps: [], presses: [], timeOriginMs: performance.timeOrigin };
    (globalThis as unknown as { startTap: Tap }).startTap = tap;
    for (const type of ['pointerup', 'keydown'] as const) {
      addEventListener(type, (event) => tap.presses.push(event.timeStamp), { capture: true });
    }
    const ears = new WeakMap<BaseAudioContext, Promise<AudioWorkletNode>>();
    const open = async (context: AudioContext): Promise<AudioWorkletNode> => {
      const address = URL.createObjectURL(new Blob([worklet], { type: 'text/javascript' }));
      await context.audioWorklet.addModule(address);
      const ear = new AudioWorkletNode(context, 'start-ear', { numberOfOutputs: 0 });
      ear.port.onmessage = ({ data }: MessageEvent<Tap['turns'][number]>) => tap.turns.push(data);
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
  }, WORKLET);
}

/** Unix ms of the newest press in this page. */
export async function lastPressIn(page: Page): Promise<number> {
  return page.evaluate(() => {
    const { presses, timeOriginMs } = (globalThis as unknown as { startTap: Tap }).startTap;
    return (presses.at(-1) ?? NaN) + timeOriginMs;
  });
}

/** What was heard since, in order. Only so much is carried out of the page: the bench's own process is the slow network as well. */
export async function heardIn(page: Page, sinceMs: number): Promise<readonly Turn[]> {
  const { turns, stamps, timeOriginMs } = await page.evaluate((since) => {
    const tap = (globalThis as unknown as { startTap: Tap }).startTap;
    const near = tap.stamps.filter(({ ms }) => ms + tap.timeOriginMs > since - 1_000);
    const fromSec = near[0]?.sec ?? Infinity;
    const later = tap.turns.filter(({ sec }) => sec > fromSec);
    return { turns: later, stamps: near, timeOriginMs: tap.timeOriginMs };
  }, sinceMs);
  return turns.map(({ to, sec }) => {
    const offsets = stamps
      .filter((stamp) => Math.abs(stamp.sec - sec) < NEAR_SEC)
      .map((stamp) => stamp.ms - stamp.sec * 1_000)
      .sort((x, y) => x - y);
    const offsetMs = offsets[Math.floor(offsets.length / 2)] ?? NaN;
    return { to, atMs: sec * 1_000 + offsetMs + timeOriginMs };
  });
}
