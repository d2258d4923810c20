// Owns the mapping between the local monotonic clock and an audio context's own crystal; knows no audio API, only pairs.

import { fitLine, type FitPoint, type LineFit } from './linear-fit.ts';

/** `performance` time in ms and the context time in seconds that was heard (or read) at that moment. */
export interface AudioPair {
  readonly localMs: number;
  readonly contextSec: number;
}

/** `ignored` pairs came too soon after the last or were not numbers; `reset` ones began a new mapping. */
export type AudioObservation = 'added' | 'ignored' | 'outlier' | 'reset';

const ppm = 1e-6;
const windowMs = 60_000;
const leastApartMs = 100;
/** Below this a pair is as good as its quantum promises: 128 frames at 48 kHz are 2.7 ms. */
const quantumMs = 128 / 48;
const noiseMs = quantumMs / Math.sqrt(12) + 0.2;
/** A pair further off than this is not weighed but doubted; several in agreement begin anew. */
const outlierMs = 8;
const agreeingToReset = 3;
const agreeingWithinMs = 3;
const steadyPairs = 8;

/**
 * Fits context time over local time by robust regression over the last minute: least squares with a prior of
 * 0 ± 100 ppm on the rate, then reweighted with Tukey's bisquare (Beaton & Tukey, 1974) until late stamps no longer pull.
 * Reading `currentTime` gives steps of a render quantum; many pairs at random phases average them out.
 *
 * A context that was suspended, starved or sent to another device leaves the line for good: three pairs that agree with
 * each other and not with it begin a new one. The rate is kept as a prior, as the crystal is likely the same.
 */
export class AudioFit {
  #pairs: AudioPair[] = [];
  #doubted: AudioPair[] = [];
  #fit: LineFit | null = null;
  #priorSlope = 0;
  #priorSigma = 100 * ppm;
  #resets = 0;

  get resets(): number {
    return this.#resets;
  }

  /** Enough pairs to play by. */
  get steady(): boolean {
    return this.#pairs.length >= steadyPairs;
  }

  /** How much faster the audio clock runs than the local one. */
  get skewPpm(): number {
    return (this.#fit?.slope ?? this.#priorSlope) / ppm;
  }

  /** Standard deviation of the mapping near the newest pair, in ms; Infinity without pairs. */
  get errorMs(): number {
    const newest = this.#pairs.at(-1);
    if (this.#fit === null || newest === undefined) return Infinity;
    return Math.hypot(this.#fit.ySigma, this.#fit.slopeSigma * (newest.localMs - this.#fit.meanX));
  }

  /** The context was suspended or resumed, or its output device changed: what was known of its position is void. */
  reset(): void {
    if (this.#pairs.length > 0) this.#resets += 1;
    if (this.#fit !== null) {
      this.#priorSlope = this.#fit.slope;
      this.#priorSigma = Math.min(100 * ppm, Math.hypot(this.#fit.slopeSigma, 20 * ppm));
    }
    this.#pairs = [];
    this.#doubted = [];
    this.#fit = null;
  }

  /** Takes in one pair. Both members only ever grow while the context runs; a pair that does not is a new context. */
  add(pair: AudioPair): AudioObservation {
    const { localMs, contextSec } = pair;
    if (!Number.isFinite(localMs) || !Number.isFinite(contextSec)) return 'ignored';
    // A context that has not started reports zero for ever.
    if (contextSec <= 0) return 'ignored';
    const last = this.#pairs.at(-1);
    if (last !== undefined && contextSec < last.contextSec - outlierMs / 1_000) {
      this.reset();
      this.#accept(pair);
      return 'reset';
    }
    if (last !== undefined && localMs - last.localMs < leastApartMs) return 'ignored';
    if (last !== undefined && localMs - last.localMs > windowMs) {
      this.reset();
      this.#accept(pair);
      return 'reset';
    }
    if (this.#fit !== null && Math.abs(this.#leadMs(pair, this.#fit)) > outlierMs) {
      return this.#doubt(pair);
    }
    this.#doubted = [];
    this.#accept(pair);
    return 'added';
  }

  /** Context time in seconds at a local time; null without pairs. */
  contextSecAt(localMs: number): number | null {
    if (this.#fit === null) return null;
    const { meanX, yAtMean, slope } = this.#fit;
    return (localMs + yAtMean + slope * (localMs - meanX)) / 1_000;
  }

  /** The local time at which the context shows `contextSec`; null without pairs. */
  localMsAt(contextSec: number): number | null {
    if (this.#fit === null) return null;
    const { meanX, yAtMean, slope } = this.#fit;
    return meanX + (contextSec * 1_000 - meanX - yAtMean) / (1 + slope);
  }

  #leadMs(pair: AudioPair, fit: LineFit): number {
    const lead = pair.contextSec * 1_000 - pair.localMs;
    return lead - fit.yAtMean - fit.slope * (pair.localMs - fit.meanX);
  }

  #doubt(pair: AudioPair): AudioObservation {
    const lead = pair.contextSec * 1_000 - pair.localMs;
    const agreeing = this.#doubted.filter(
      (other) =>
        Math.abs(other.contextSec * 1_000 - other.localMs - lead) <= agreeingWithinMs + quantumMs,
    );
    this.#doubted = [...agreeing, pair];
    if (this.#doubted.length < agreeingToReset) return 'outlier';
    const evidence = this.#doubted;
    this.reset();
    for (const each of evidence) this.#accept(each);
    return 'reset';
  }

  #accept(pair: AudioPair): void {
    this.#pairs.push(pair);
    while ((this.#pairs[0]?.localMs ?? Infinity) < pair.localMs - windowMs) this.#pairs.shift();
    this.#refit();
  }

  #refit(): void {
    const prior = { mean: this.#priorSlope, sigma: this.#priorSigma };
    // The line is fitted to context − local, whose slope is the skew itself, small and well conditioned.
    const points = this.#pairs.map(({ localMs, contextSec }): FitPoint => ({
      x: localMs,
      y: contextSec * 1_000 - localMs,
      sigma: noiseMs,
    }));
    const heights = points.map((point) => point.y).sort((a, b) => a - b);
    const median = heights[Math.floor(heights.length / 2)] ?? 0;
    let fit = fitLine(
      points.map((point) => withDoubt(point, point.y - median, outlierMs)),
      prior,
    );
    for (let round = 0; round < 2 && fit !== null; round += 1) {
      const line = fit;
      fit = fitLine(
        points.map((point) =>
          withDoubt(point, point.y - line.yAtMean - line.slope * (point.x - line.meanX), 5),
        ),
        prior,
      );
    }
    this.#fit = fit;
  }
}

/** Bisquare weight (1 − (r/c)²)², kept above zero so that one pair alone still makes a line. */
function withDoubt(point: FitPoint, residualMs: number, cutoffMs: number): FitPoint {
  const part = Math.min(1, Math.abs(residualMs) / cutoffMs);
  const weight = Math.max(1e-4, (1 - part * part) ** 2);
  return { ...point, sigma: point.sigma / Math.sqrt(weight) };
}
