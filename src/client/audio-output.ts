// Owns the contract between the player and a way of making sound; must not know rooms, hub time or the wire.
import type { EntryId, TrackId } from '../../protocol/ids.ts';
import type { SoundHold } from './audio-graph.ts';

/**
 * One stretch of one track that is to be heard: from `startMs` on at `positionMs`, one millisecond a millisecond.
 * All times are local (`performance.now()`), and mean the moment at which a sample leaves the speakers.
 */
export interface Stretch {
  /** The line of entry, position and time: the same id is the same sound, however its start is re-estimated. */
  readonly id: string;
  readonly entryId: EntryId;
  readonly trackId: TrackId;
  readonly durationMs: number;
  readonly startMs: number;
  readonly positionMs: number;
  /** Silent from here on; at most where the track ends. */
  readonly endMs: number;
  /** It begins where the stretch before it ends by itself: neither of the two is faded there. */
  readonly joins: boolean;
}

/** A track that will be wanted, in order of need. */
export interface WantedTrack {
  readonly trackId: TrackId;
  readonly durationMs: number;
  /** Where in it the sound would begin. */
  readonly positionMs: number;
}

export interface Buffered {
  /** How much can be heard without waiting, from the wanted position on. */
  readonly bufferedMs: number;
  /** Enough to begin at the wanted position at once. */
  readonly ready: boolean;
  /** Why this output will never play it, after all tries. */
  readonly failure?: string;
}

/** What is audible at a local time, as the audio clock tells it. */
export interface Measurement {
  readonly stretch: Stretch;
  /** Position in the track of the sample that leaves the speakers. */
  readonly positionMs: number;
  /** `positionMs` minus the wanted one: positive is ahead. */
  readonly errorMs: number;
}

/** How to mend an error. Rates are factors of the wanted speed as the output's own clock counts it. */
export type Correction =
  | { readonly kind: 'rate'; readonly rate: number }
  /** A cross-faded jump or a seek, by so many ms of the track. */
  | { readonly kind: 'move'; readonly byMs: number };

/**
 * A way of making sound. It is told what should be heard, as often as one likes, and brings about what it can ahead of time: starts,
 * ends and boundaries are placed on the audio clock, so that they come at their moment even if nobody calls again.
 */
export interface AudioOutput {
  readonly kind: 'webaudio' | 'element';
  /** Ms between handing over a sample and hearing it; 0 when unknown. Already part of every time here. */
  readonly latencyMs: number;
  /** Load these; forget others when room is needed. */
  prepare(tracks: readonly WantedTrack[]): void;
  buffered(track: WantedTrack): Buffered;
  /** What is to be heard from now on, in order of time; whatever else sounds falls silent. Idempotent. */
  follow(stretches: readonly Stretch[], nowMs: number): void;
  /** What keeps sound away that should be heard, where the output knows of it. */
  heldBy?(nowMs: number): SoundHold | undefined;
  /** Undefined while silent or not yet certain. */
  measure(nowMs: number): Measurement | undefined;
  correct(correction: Correction, nowMs: number): void;
  /** Stops, forgets everything, releases. Idempotent. */
  close(): void;
}
