// Owns what a test hears of a page: the metronome's clicks that left it, each with the machine's time; must not know rooms or players.
import type { BrowserContext } from 'playwright-core';
import { METRONOME, metronomeClick } from '../../src/adapters/media/demo/metronome.ts';
import {
  tapPage,
  tapWorklet,
  type ClockStamp,
  type HeardBurst,
  type TapReport,
} from './audio-tap-page.ts';

/** A click that was recognised. */
export interface HeardClick {
  /** Which click of the track, from 0. */
  readonly click: number;
  /** Unix ms at which its first sample left the device, as the browser tells. */
  readonly atMs: number;
}

/** Two different clicks correlate by less than half of it. */
const LEAST_CORRELATION = 0.7;
/** So far around a sound the clocks' readings are taken together. */
const STAMP_RANGE_SEC = 0.5;
/** Readings further apart than this belong to a device that stood still between them. */
const FEWEST_STAMPS = 3;

/** Everything that the pages of one browser context let out, over reloads. The context must bypass the page's CSP. */
export class AudioTap {
  readonly #heard: { readonly burst: HeardBurst; readonly load: object }[] = [];
  readonly #stamps = new Map<object, ClockStamp[]>();
  #load: object = {};

  private constructor() {
    // Made by `on`.
  }

  static async on(context: BrowserContext): Promise<AudioTap> {
    const tap = new AudioTap();
    await context.exposeFunction('earshotTestTap', (report: TapReport) => tap.#note(report));
    await context.addInitScript(tapPage, tapWorklet);
    return tap;
  }

  /** The page is about to be loaded anew: its clocks and contexts begin again. */
  reloads(): void {
    this.#load = {};
  }

  /** In order. Sounds that are no click, or have no reading of the clocks near them, are left out. */
  clicks(): HeardClick[] {
    return this.#heard.flatMap(({ burst, load }) => {
      const found = recognise(burst);
      if (found === undefined) return [];
      const atMs = this.#leftAt(
        load,
        burst.context,
        (burst.frame + found.offset) / burst.sampleRate,
      );
      return atMs === undefined ? [] : [{ click: found.click, atMs }];
    });
  }

  /** By how much the device's clock was seen to slip between two moments, ms: more than noise is a machine that was too slow. */
  slips(fromMs: number, untilMs: number): number[] {
    return [...this.#stamps.values()].flatMap((stamps) =>
      stamps.flatMap((stamp, i) => {
        const before = stamps[i - 1];
        if (before?.context !== stamp.context || stamp.atMs < fromMs || stamp.atMs > untilMs)
          return [];
        const slipMs = stamp.atMs - before.atMs - (stamp.sec - before.sec) * 1_000;
        return Math.abs(slipMs) > 3 ? [slipMs] : [];
      }),
    );
  }

  #note(report: TapReport): void {
    if ('burst' in report) {
      this.#heard.push({ burst: report.burst, load: this.#load });
      return;
    }
    const stamps = this.#stamps.get(this.#load) ?? [];
    stamps.push(...report.stamps);
    this.#stamps.set(this.#load, stamps);
  }

  /** The median of the readings around it: each alone has the noise of its reading. */
  #leftAt(load: object, context: number, sec: number): number | undefined {
    const near = (this.#stamps.get(load) ?? []).filter(
      (stamp) => stamp.context === context && Math.abs(stamp.sec - sec) < STAMP_RANGE_SEC,
    );
    if (near.length < FEWEST_STAMPS) return undefined;
    const offsets = near.map((stamp) => stamp.atMs - stamp.sec * 1_000).sort((a, b) => a - b);
    const middle = offsets[Math.floor(offsets.length / 2)];
    return middle === undefined ? undefined : middle + sec * 1_000;
  }
}

const references = new Map<number, readonly Float32Array[]>();

/** All clicks at a context's rate. */
function referencesAt(sampleRate: number): readonly Float32Array[] {
  const known = references.get(sampleRate);
  if (known !== undefined) return known;
  const made = Array.from({ length: METRONOME.clicks }, (_, k) => {
    const click = metronomeClick(k);
    const step = METRONOME.sampleRate / sampleRate;
    return Float32Array.from({ length: Math.floor(click.length / step) }, (__, i) => {
      const at = i * step;
      const low = click[Math.floor(at)] ?? 0;
      return low + ((click[Math.floor(at) + 1] ?? 0) - low) * (at - Math.floor(at));
    });
  });
  references.set(sampleRate, made);
  return made;
}

/** Which click a sound is, and how many frames after the sound's first one it begins. */
function recognise({
  samples,
  sampleRate,
}: HeardBurst): { click: number; offset: number } | undefined {
  // It begins at nothing and is loud within a few samples; a resampler's ringing may come before.
  const loud = samples.findIndex((sample) => Math.abs(sample) > 0.02);
  let best = { click: -1, offset: 0, correlation: LEAST_CORRELATION };
  for (const [click, reference] of referencesAt(sampleRate).entries()) {
    for (let offset = loud - 24; offset <= loud + 4; offset += 1) {
      const correlation = correlate(samples, reference, offset);
      if (correlation > best.correlation) best = { click, offset, correlation };
    }
  }
  return best.click === -1 ? undefined : best;
}

/** From −1 to 1. */
function correlate(samples: readonly number[], reference: Float32Array, offset: number): number {
  let product = 0;
  let power = 0;
  let energy = 0;
  for (const [i, wanted] of reference.entries()) {
    const sample = samples[offset + i] ?? 0;
    product += sample * wanted;
    power += sample * sample;
    energy += wanted * wanted;
  }
  return power === 0 ? 0 : product / Math.sqrt(power * energy);
}
