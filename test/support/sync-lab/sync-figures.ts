// Owns the step from tapes to figures: how far what left a page was from what the room wanted at that moment, beside what the page believed. Pure.
import { anchorAt, hasTrack, positionAt } from '../../../protocol/schemas/playback.ts';
import { METRONOME } from '../../../src/adapters/media/demo/metronome.ts';
import { percentile } from '../../clock/support/link-report.ts';
import type { KnownTimeline, RoomEvent } from './gathering.ts';
import type { OffsetHistory } from './intervals.ts';
import type { Belief, PlayerName } from './lab-wire.ts';
import type { HeardClick, PageTape } from './page-tape.ts';

/** A click less where the room was when it left the page; positive is ahead. */
export interface ClickError extends HeardClick {
  readonly errorMs: number;
  /** Since the room was last moved; below 0 never. */
  readonly sinceMoveMs: number;
}

/** Of the sizes of a list of numbers. */
export interface Sizes {
  readonly n: number;
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

export interface TruthOptions {
  readonly timelines: readonly KnownTimeline[];
  readonly events: readonly RoomEvent[];
  /** Hub time of the page's node less the machine's clock. */
  readonly hub: OffsetHistory;
}

/** So soon after a move of the room its command may still be on its way to the page: counted apart. */
export const MOVING_MS = 1_500;
/** Two pages play one click at most so far apart. */
const SAME_CLICK_MS = 10_000;
const BELIEF_WITHIN_MS = 400;

export function sizesOf(values: readonly number[]): Sizes {
  const sorted = values.map(Math.abs).sort((a, b) => a - b);
  return {
    n: sorted.length,
    p50Ms: percentile(sorted, 0.5),
    p95Ms: percentile(sorted, 0.95),
    p99Ms: percentile(sorted, 0.99),
    maxMs: percentile(sorted, 1),
  };
}

export function medianOf(values: readonly number[]): number {
  return percentile(
    [...values].sort((a, b) => a - b),
    0.5,
  );
}

/** What was heard while the room wanted silence is left out. */
export function clickErrors(
  clicks: readonly HeardClick[],
  { timelines, events, hub }: TruthOptions,
): ClickError[] {
  return clicks.flatMap((heard): ClickError[] => {
    const { click, atMs } = heard;
    const known = timelines.findLast(({ fromMs }) => fromMs <= atMs);
    if (known === undefined) return [];
    const hubMs = atMs + hub.at(atMs).offsetMs;
    const anchor = anchorAt(known.timeline, hubMs);
    if (!hasTrack(anchor) || anchor.state !== 'playing') return [];
    const moved = events.findLast(({ heardAtHubMs }) => (heardAtHubMs ?? Infinity) <= hubMs);
    const sinceMoveMs = hubMs - (moved?.heardAtHubMs ?? -Infinity);
    const apartMs = click * METRONOME.intervalMs - positionAt(anchor, hubMs);
    return [{ click, atMs, sinceMoveMs, errorMs: around(apartMs) }];
  });
}

/** The track is followed by itself. */
function around(ms: number): number {
  const { durationMs } = METRONOME;
  return ms - durationMs * Math.round(ms / durationMs);
}

/** How far apart two pages left the same clicks. */
export function distances(ours: readonly HeardClick[], others: readonly HeardClick[]): number[] {
  const byClick = new Map<number, number[]>();
  for (const { click, atMs } of others) byClick.set(click, [...(byClick.get(click) ?? []), atMs]);
  return ours.flatMap(({ click, atMs }) => {
    const apart = (byClick.get(click) ?? []).map((other) => atMs - other);
    apart.sort((a, b) => Math.abs(a) - Math.abs(b));
    const [least] = apart;
    return least !== undefined && Math.abs(least) < SAME_CLICK_MS ? [least] : [];
  });
}

/** A belief and what was true of it. */
export interface Judged {
  readonly atMs: number;
  /** Hub time by its clock less the true one. */
  readonly clockErrorMs: number;
  readonly maxErrorMs: number;
  readonly estErrorMs: number;
}

export function judgeBeliefs(player: PlayerName, tape: PageTape, hub: OffsetHistory): Judged[] {
  const { offsetMs } = tape.clock;
  return tape.told.beliefs.flatMap((belief): Judged[] => {
    if (belief.player !== player || !belief.isGood) return [];
    const atMs = belief.atMs + offsetMs;
    const { hubMs, maxErrorMs, estErrorMs } = belief;
    const clockErrorMs = hubMs - atMs - hub.at(atMs).offsetMs;
    return [{ atMs, clockErrorMs, maxErrorMs, estErrorMs }];
  });
}

/** What the player showed at each click less what was true of it. */
export function beliefGaps(
  player: PlayerName,
  tape: PageTape,
  errors: readonly ClickError[],
): number[] {
  const { offsetMs } = tape.clock;
  const shown = tape.told.beliefs.filter(
    (belief): belief is Belief & { errorMs: number } =>
      belief.player === player && belief.errorMs !== undefined,
  );
  let next = 0;
  return errors.flatMap(({ atMs, errorMs }) => {
    while ((shown[next + 1]?.atMs ?? Infinity) + offsetMs <= atMs) next += 1;
    const nearest = [shown[next], shown[next + 1]]
      .filter((each) => each !== undefined)
      .map((each) => ({
        gapMs: each.errorMs - errorMs,
        awayMs: Math.abs(each.atMs + offsetMs - atMs),
      }))
      .sort((a, b) => a.awayMs - b.awayMs)[0];
    return nearest !== undefined && nearest.awayMs < BELIEF_WITHIN_MS ? [nearest.gapMs] : [];
  });
}

/** The same of each `sync.report`, beside the click nearest to it. */
export function reportGaps(
  player: PlayerName,
  tape: PageTape,
  errors: readonly ClickError[],
): number[] {
  const { offsetMs } = tape.clock;
  return tape.told.reports.flatMap((report) => {
    if (report.player !== player || report.state !== 'following') return [];
    const atMs = report.atMs + offsetMs;
    const near = errors
      .filter((each) => Math.abs(each.atMs - atMs) < 2 * BELIEF_WITHIN_MS)
      .sort((a, b) => Math.abs(a.atMs - atMs) - Math.abs(b.atMs - atMs))[0];
    return near === undefined ? [] : [report.errorMs - near.errorMs];
  });
}
