// Owns what one page told of itself, and what follows of it alone: which clicks left it at which moment of the machine's clock, and when its device was starved.
import { recogniseClick } from '../audio-ear.ts';
import { intersect, type Offset } from './intervals.ts';
import {
  decodeCapture,
  type Capture,
  type LabBatch,
  type OutputStamp,
  type PlayerName,
} from './lab-wire.ts';

/** A click that left the page. */
export interface HeardClick {
  readonly click: number;
  readonly atMs: number;
}

export interface Starvation {
  readonly atMs: number;
  readonly movedMs: number;
}

type Told = { -readonly [K in keyof LabBatch]: LabBatch[K][number][] };

/** Between two stamps of the device, a larger change of where it is was no noise of theirs. */
const STARVED_JUMP_MS = 3;
/** What a starved device garbles, and what the player may take to mend it. */
const STARVED_BEFORE_MS = 500;
const STARVED_AFTER_MS = 1_500;
/** Stamps of one moment, s: their noise is averaged over these. */
const NEAR_SEC = 0.5;
/** Stamps between those that are drawn. */
const DEVICE_EACH = 10;
/** While timers are throttled there are only such. */
const FAR_SEC = 3;

export class PageTape {
  readonly #told: Told = {
    exchanges: [],
    stamps: [],
    beliefs: [],
    reports: [],
    corrections: [],
    visibility: [],
  };
  readonly #captures: Capture[] = [];

  add(batch: LabBatch): void {
    for (const key of Object.keys(this.#told) as (keyof LabBatch)[])
      (this.#told[key] as unknown[]).push(...batch[key]);
  }

  capture(bytes: ArrayBuffer): void {
    this.#captures.push(decodeCapture(bytes));
  }

  get told(): LabBatch {
    return this.#told;
  }

  /** The machine's clock less the page's: both count the same ticks from another moment, so one number holds for ever. */
  get clock(): Offset {
    return intersect(this.#told.exchanges.map(([t0, t1, t2, t3]) => ({ t0, t1, t2, t3 })));
  }

  /** How far the browser's stamps of its device are from a steady one, ms: what is not known better of a click's moment. */
  get stampNoiseMs(): readonly number[] {
    return this.#told.stamps.map((stamp, index) => {
      const around = this.#told.stamps.slice(Math.max(0, index - 10), index + 11);
      return leadOf(stamp) - medianOf(around.map(leadOf));
    });
  }

  /** How far the device was ahead of where it was at first, each half second or so: [by the machine's clock, ms]. */
  deviceLeads(fromMs: number, untilMs: number): (readonly [atMs: number, leadMs: number])[] {
    const { offsetMs } = this.clock;
    const within = this.#told.stamps.filter(
      ([, atMs]) => atMs + offsetMs >= fromMs && atMs + offsetMs < untilMs,
    );
    const [first] = within;
    if (first === undefined) return [];
    return within.flatMap((stamp, index) =>
      index % DEVICE_EACH === 0
        ? [[stamp[1] + offsetMs, leadOf(first) - leadOf(stamp)] as const]
        : [],
    );
  }

  /** When the machine left the audio device without samples, by the machine's clock. */
  starvations(): Starvation[] {
    const { stamps } = this.#told;
    const { offsetMs } = this.clock;
    return stamps.flatMap((stamp, index) => {
      const next = stamps[index + 1];
      if (next === undefined) return [];
      const movedMs = leadOf(next) - leadOf(stamp);
      return Math.abs(movedMs) > STARVED_JUMP_MS ? [{ atMs: next[1] + offsetMs, movedMs }] : [];
    });
  }

  /** All clicks of a player; without those that a starved device garbled, which are counted. */
  heard(player: PlayerName): { readonly clicks: HeardClick[]; readonly garbled: number } {
    const { offsetMs } = this.clock;
    const starved = this.starvations();
    const clicks: HeardClick[] = [];
    let garbled = 0;
    let from = 0;
    for (const capture of this.#captures) {
      if (capture.player !== player) continue;
      const { stamps } = this.#told;
      while ((stamps[from]?.[0] ?? Infinity) < capture.sec - FAR_SEC) from += 1;
      const leadMs = leadAround(stamps, from, capture.sec);
      if (leadMs === undefined) continue;
      const startMs = capture.sec * 1_000 + leadMs + offsetMs;
      const isGarbled = starved.some(
        ({ atMs }) => startMs > atMs - STARVED_BEFORE_MS && startMs < atMs + STARVED_AFTER_MS,
      );
      const found = isGarbled ? undefined : recogniseClick(capture);
      if (found === undefined) garbled += 1;
      else clicks.push({ click: found.click, atMs: startMs + found.lagMs });
    }
    return { clicks, garbled };
  }
}

function leadOf([sec, atMs]: OutputStamp): number {
  return atMs - sec * 1_000;
}

function leadAround(stamps: readonly OutputStamp[], from: number, sec: number): number | undefined {
  const near: number[] = [];
  const far: number[] = [];
  for (let i = from; i < stamps.length; i += 1) {
    const stamp = stamps[i]!;
    if (stamp[0] > sec + FAR_SEC) break;
    far.push(leadOf(stamp));
    if (Math.abs(stamp[0] - sec) < NEAR_SEC) near.push(leadOf(stamp));
  }
  const used = near.length >= 3 ? near : far;
  return used.length === 0 ? undefined : medianOf(used);
}

function medianOf(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;
}
