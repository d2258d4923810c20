// Owns which sample of an audio context is heard when, latency included; knows no tracks and no room.
import { AudioFit } from '../clock/audio-fit.ts';
import { OutputLatency, believableLatencyMs } from './output-latency.ts';

/** What is read of an `AudioContext`; members that a browser lacks are absent. */
export interface AudioClockReader {
  readonly currentTime: number;
  readonly baseLatency?: number;
  readonly outputLatency?: number;
  getOutputTimestamp?(): AudioTimestamp;
}

/** A time stamp that contradicts the reported latency by more than this is not the time at the speakers (Safari's is not). */
const agreeMs = 80;
/** Fewer pairs say where the context is only as well as one buffer's length. */
const leastPairs = 3;
/** Weight of one reading in the average of how far the context is ahead. */
const aheadShare = 0.1;

/**
 * Pairs of (local time, context time that is heard then), fitted. `getOutputTimestamp` tells such pairs to a tenth of a
 * millisecond where it works; elsewhere `currentTime` less the output latency does, with the noise of a buffer's length.
 */
export class AudioTimeline {
  readonly #context: AudioClockReader;
  readonly #fit = new AudioFit();
  readonly #told = new OutputLatency();
  #learnedMs: number | undefined;
  #source: 'timestamp' | 'current' | undefined;
  #pairs = 0;
  #doubted = false;
  #lastContextSec = -1;
  #latencyMs = 0;
  #aheadMs: number | undefined;

  constructor(context: AudioClockReader) {
    this.#context = context;
  }

  /** Good enough to place a sound, and to judge where one is. */
  get known(): boolean {
    return this.#pairs >= leastPairs;
  }

  /** As good as it gets, and nothing speaks against it; else it should be sampled more often. */
  get steady(): boolean {
    return this.#fit.steady && !this.#doubted;
  }

  /** How much faster the audio clock runs than the local one. */
  get skewPpm(): number {
    return this.#fit.skewPpm;
  }

  /** Between rendering a sample and hearing it, as the browser says. */
  get latencyMs(): number {
    return this.#latencyMs;
  }

  /** What the browser says of the latency; undefined until it has said it for a while, or where it says nothing credible. */
  get toldLatencyMs(): number | undefined {
    return this.#told.settled ? this.#told.ms : undefined;
  }

  /** How far, on average, `currentTime` is ahead of what is heard: the latency and the half of a buffer that waits. */
  get aheadMs(): number {
    return this.#aheadMs ?? this.#latencyMs;
  }

  /** Context time in seconds that is heard at a local time; undefined while unknown. */
  secHeardAt(localMs: number): number | undefined {
    return this.known ? (this.#fit.contextSecAt(localMs) ?? undefined) : undefined;
  }

  /** Local time at which that context time is heard; undefined while unknown. */
  heardAtMs(contextSec: number): number | undefined {
    const localMs = this.known ? this.#fit.localMsAt(contextSec) : null;
    return localMs ?? undefined;
  }

  /** What this device was found to have at another time: stands in while the browser says nothing credible. */
  assumeLatency(ms: number | undefined): void {
    this.#learnedMs = ms;
  }

  /** Another device may sound from now on. */
  forgetLatency(): void {
    this.#told.forget();
  }

  /** The context stopped or starts again. */
  reset(): void {
    this.#fit.reset();
    this.#pairs = 0;
    this.#lastContextSec = -1;
    this.#aheadMs = undefined;
  }

  /** Reads the clocks once. `moved`: what was known was found wrong, and sounds are no longer where they were thought to be. */
  sample(nowMs: number): 'ok' | 'moved' {
    const currentSec = this.#context.currentTime;
    // The first reading after a start is of a buffer that was not played yet.
    const started = currentSec > 0 && this.#lastContextSec > 0 && currentSec > this.#lastContextSec;
    this.#lastContextSec = currentSec;
    if (!started) return 'ok';

    const reported = this.#reportedLatencyMs();
    const stamp = this.#context.getOutputTimestamp?.();
    const pair = stamp === undefined ? undefined : trustedPair(stamp, currentSec, nowMs, reported);
    const source = pair === undefined ? 'current' : 'timestamp';
    const switched = this.#source !== undefined && this.#source !== source;
    if (switched) {
      // Moments without a stamp happen (a device changes); mixing both kinds would bend the line.
      this.#fit.reset();
      this.#pairs = 0;
    }
    this.#source = source;
    const used = pair ?? { localMs: nowMs, contextSec: currentSec - reported / 1_000 };
    const lagMs = (currentSec - used.contextSec) * 1_000 - (nowMs - used.localMs);
    this.#latencyMs = reported > 0 ? reported : Math.max(0, lagMs);
    this.#aheadMs = (this.#aheadMs ?? lagMs) + aheadShare * (lagMs - (this.#aheadMs ?? lagMs));

    const outcome = this.#fit.add(used);
    this.#doubted = outcome === 'outlier' || (this.#doubted && outcome === 'ignored');
    if (outcome === 'added') this.#pairs += 1;
    if (outcome === 'reset') this.#pairs = leastPairs;
    return outcome === 'reset' || switched ? 'moved' : 'ok';
  }

  #reportedLatencyMs(): number {
    const { outputLatency, baseLatency = 0 } = this.#context;
    this.#told.add(outputLatency);
    const baseMs = baseLatency * 1_000;
    return this.#told.ms ?? this.#learnedMs ?? (baseMs <= believableLatencyMs ? baseMs : 0);
  }
}

function trustedPair(
  stamp: AudioTimestamp,
  currentSec: number,
  nowMs: number,
  reportedMs: number,
): { localMs: number; contextSec: number } | undefined {
  const { performanceTime: localMs, contextTime: contextSec } = stamp;
  if (localMs === undefined || contextSec === undefined || localMs <= 0 || contextSec <= 0) {
    return undefined;
  }
  const ageMs = nowMs - localMs;
  const lagMs = (currentSec - contextSec) * 1_000 - ageMs;
  if (ageMs < -50 || ageMs > 1_000 || lagMs < -5 || lagMs > believableLatencyMs) return undefined;
  if (reportedMs > 0 && Math.abs(lagMs - reportedMs) > agreeMs) return undefined;
  return { localMs, contextSec };
}
