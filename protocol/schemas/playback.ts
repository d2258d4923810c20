// The playback part of a room's state: the timeline of anchors, and how a position is computed from it.
import { z } from 'zod';
import type { HubMs } from '../ids.ts';
import {
  CountSchema,
  EntryIdSchema,
  HubMsSchema,
  PositionMsSchema,
  TrackIdSchema,
} from './primitives.ts';

export const RepeatSchema = z.enum(['off', 'one', 'all']);

/** From `at` on, this entry is at `positionMs`, and moves with hub time while `playing` (PB1). */
export const TrackAnchorSchema = z.object({
  state: z.enum(['playing', 'paused', 'stopped']),
  entryId: EntryIdSchema,
  trackId: TrackIdSchema,
  durationMs: PositionMsSchema,
  positionMs: PositionMsSchema,
  at: HubMsSchema,
});

/** Nothing is chosen: an empty room, or one whose last entry was removed. */
export const EmptyAnchorSchema = z.object({
  state: z.literal('stopped'),
  positionMs: z.literal(0),
  at: HubMsSchema,
});

export const AnchorSchema = z.union([TrackAnchorSchema, EmptyAnchorSchema]);

/** The wait of a cold start: the start stands at `deadlineAt` and is moved earlier when `needed` members are ready (PB6). */
export const GateSchema = z.object({
  entryId: EntryIdSchema,
  deadlineAt: HubMsSchema,
  ready: CountSchema.meta({ description: 'members who were ready when it opened' }),
  needed: CountSchema,
});

export const PlaybackSchema = z.object({
  timeline: z.array(AnchorSchema).min(1),
  gate: GateSchema.exactOptional(),
  repeat: RepeatSchema,
  shuffle: z.boolean(),
});

export type Repeat = z.infer<typeof RepeatSchema>;
export type TrackAnchor = Readonly<z.infer<typeof TrackAnchorSchema>>;
export type EmptyAnchor = Readonly<z.infer<typeof EmptyAnchorSchema>>;
export type Anchor = TrackAnchor | EmptyAnchor;
export type Gate = Readonly<z.infer<typeof GateSchema>>;
export interface Playback {
  readonly timeline: readonly Anchor[];
  readonly gate?: Gate;
  readonly repeat: Repeat;
  readonly shuffle: boolean;
}

/** Whether the anchor is about an entry, and so has a track, a length and a position. */
export function hasTrack(anchor: Anchor): anchor is TrackAnchor {
  return 'entryId' in anchor;
}

/**
 * The anchor in force at hub time `t`: the last with `at ≤ t`; before the first, the first (PB2).
 * @param timeline in order of `at`, never empty
 */
export function anchorAt(timeline: readonly Anchor[], t: HubMs): Anchor {
  for (let i = timeline.length - 1; i > 0; i -= 1) {
    const anchor = timeline[i];
    if (anchor !== undefined && anchor.at <= t) return anchor;
  }
  const first = timeline[0];
  if (first === undefined) throw new RangeError('a timeline is never empty');
  return first;
}

/** The position in ms that `anchor` gives at hub time `t`: never before its own, never beyond the track (PB3). */
export function positionAt(anchor: Anchor, t: HubMs): number {
  if (!hasTrack(anchor) || anchor.state !== 'playing') return anchor.positionMs;
  const elapsedMs = Math.max(0, t - anchor.at);
  return Math.min(anchor.positionMs + elapsedMs, anchor.durationMs);
}
