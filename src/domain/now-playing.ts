// What a person is listening to right now, and which time they have surely heard. Pure; knows neither who may see it nor where it is kept.
import type { EntryId, HubMs, TrackId } from '../../protocol/ids.ts';
import { anchorAt, hasTrack, type Anchor } from '../../protocol/schemas/playback.ts';

/** A track that was left sooner is never shown. */
export const SHOWN_AFTER_MS = 5_000;
/** How long the track before stays shown while the one after it is not shown yet. */
export const LINGERS_MS = SHOWN_AFTER_MS + 1_000;
/** Whoever has not reported for so long while the room plays does not listen. */
export const LISTENS_FOR_MS = 20_000;
/** The most that one report vouches for. */
export const VOUCHES_FOR_MS = 15_000;
/** Listening alone has ended when nothing was said for so long. */
export const SOLO_LASTS_MS = 60_000;
/** What is paused for so long has ended. */
export const PAUSE_LASTS_MS = 600_000;
/** The same track from so near its start, after it came so near its end, is another play; of a short one it is a quarter. */
const REPLAY_MARGIN_MS = 10_000;
/** What clients say of their position drifts by less. Of a short track it is a quarter: two plays of it must not be one. */
const SOLO_DRIFT_MS = 15_000;

export type Span = readonly [from: HubMs, to: HubMs];

/** What a room sounds, or holds paused. */
export interface Sounding {
  readonly entryId: EntryId;
  readonly trackId: TrackId;
  readonly state: 'playing' | 'paused';
  readonly positionMs: number;
  /** Hub time at which the position is right. */
  readonly positionAt: HubMs;
}

/** Undefined where nothing is chosen or has been stopped, the track is over, or its start is still to come. */
export function soundingAt(timeline: readonly Anchor[], at: HubMs): Sounding | undefined {
  const anchor = anchorAt(timeline, at);
  if (!hasTrack(anchor) || anchor.state === 'stopped') return undefined;
  if (anchor.state === 'playing') {
    if (anchor.at > at) return undefined;
    if (anchor.at + anchor.durationMs - anchor.positionMs <= at) return undefined;
  }
  const { entryId, trackId, state, positionMs } = anchor;
  return { entryId, trackId, state, positionMs, positionAt: anchor.at };
}

/**
 * Adds what a report at `at` vouches for: the time since the one before it.
 * @param spans in order; changed in place, as there is a report every few milliseconds in a large room
 * @param reportedAt when the one before it came
 */
export function vouch(spans: [HubMs, HubMs][], reportedAt: HubMs, at: HubMs): void {
  const from = Math.max(reportedAt, at - VOUCHES_FOR_MS);
  if (from >= at) return;
  const last = spans.at(-1);
  if (last !== undefined && last[1] >= from) last[1] = at;
  else spans.push([from, at]);
}

/** The parts of `spans` between `from` and `to`. */
export function within(spans: readonly Span[], from: HubMs, to: HubMs): Span[] {
  const parts: Span[] = [];
  for (const [begin, end] of spans) {
    const part: Span = [Math.max(begin, from), Math.min(end, to)];
    if (part[0] < part[1]) parts.push(part);
  }
  return parts;
}

export interface SoloSaid {
  readonly state: 'playing' | 'paused';
  readonly positionMs: number;
  readonly positionAt: HubMs;
  readonly durationMs: number;
}

/** Where somebody who listens alone is at `at`, ms. */
export function soloPositionAt(said: SoloSaid, at: HubMs): number {
  const movedMs = said.state === 'playing' ? Math.max(0, at - said.positionAt) : 0;
  return Math.min(said.durationMs, said.positionMs + movedMs);
}

/** Whether what is said of the same track at `at` begins it anew, instead of going on with it. */
export function isReplay(before: SoloSaid, positionMs: number, at: HubMs): boolean {
  const marginMs = Math.min(REPLAY_MARGIN_MS, before.durationMs / 4);
  const wasNearEnd = soloPositionAt(before, at) >= before.durationMs - marginMs;
  return wasNearEnd && positionMs < marginMs;
}

/** About when a play of somebody alone began, as a number that all words about it share. */
export function soloStartMark(durationMs: number, begunAt: HubMs): number {
  return Math.floor(begunAt / Math.min(SOLO_DRIFT_MS, durationMs / 4));
}

/** The time heard alone between two words about it: none where the first did not say that it plays. */
export function soloSpan(before: SoloSaid, at: HubMs): Span | undefined {
  if (before.state !== 'playing') return undefined;
  const leftMs = Math.max(0, before.durationMs - before.positionMs);
  const to = Math.min(at, before.positionAt + Math.min(SOLO_LASTS_MS, leftMs));
  return to > before.positionAt ? [before.positionAt, to] : undefined;
}
