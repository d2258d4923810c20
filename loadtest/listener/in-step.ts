// Owns the measure of being in step: where the players of a room are at one instant, against each other and against the truth. All listeners
// here run by one clock, so what one has proven of hub time holds for all, and together they know it far better than any of them.
import { anchorAt, hasTrack, positionAt } from '../../protocol/schemas/playback.ts';
import type { Latencies } from '../latency.ts';
import type { RoomBook } from '../ledger/room-book.ts';
import { machineNow } from '../machine-clock.ts';
import type { RoomListener } from './room-listener.ts';

export interface StepCounts {
  /** Positions that were compared. */
  samples: number;
  /** Of them, players that were silent or at another entry where the room plays, and those that played where it does not. */
  elsewhere: number;
  /** Players that did not know the time well enough to begin. */
  unready: number;
  /** Widest that the truth was known by, ms: half of it is the error of the measure. */
  truthWidthMs: number;
  /** Offsets that all proofs together rule out: at least one of them is false. */
  contradictions: number;
}

/** Hub time minus the machine's, as all clocks here prove it together: the intersection of what each proves. */
export function provenOffset(
  members: Iterable<RoomListener>,
  nowMs: number,
): { readonly lowerMs: number; readonly upperMs: number } {
  let lowerMs = -Infinity;
  let upperMs = Infinity;
  for (const { clock } of members) {
    if (clock === undefined) continue;
    const { offsetMs, maxErrorMs } = clock.corridor.readingAt(nowMs);
    if (!Number.isFinite(maxErrorMs)) continue;
    lowerMs = Math.max(lowerMs, offsetMs - maxErrorMs);
    upperMs = Math.min(upperMs, offsetMs + maxErrorMs);
  }
  return { lowerMs, upperMs };
}

/** Compares the players of one room now. `offsetMs`: hub time minus the machine's, the truth. */
export function compareRoom(
  book: RoomBook,
  members: readonly RoomListener[],
  offsetMs: number,
  latencies: Latencies,
  counts: StepCounts,
): void {
  const newest = book.newest;
  if (newest === undefined) return;
  const nowMs = machineNow();
  const { timeline } = newest.room.playback;
  const anchor = anchorAt(timeline, nowMs + offsetMs);
  const isPlaying = hasTrack(anchor) && anchor.state === 'playing';
  const trueMs = positionAt(anchor, nowMs + offsetMs);
  let leastMs = Infinity;
  let mostMs = -Infinity;
  let heard = 0;
  for (const member of members) {
    if (!member.isJoined || member.clock === undefined) continue;
    const sounding = member.hear(nowMs);
    if (sounding === undefined && member.clock.corridor.readingAt(nowMs).quality !== 'good') {
      counts.unready += 1;
      continue;
    }
    if (!isPlaying && sounding === undefined) continue;
    counts.samples += 1;
    if (!isPlaying || sounding?.entryId !== anchor.entryId) {
      counts.elsewhere += 1;
      continue;
    }
    const errorMs = sounding.positionMs - trueMs;
    latencies.record('inStep.error', Math.abs(errorMs));
    leastMs = Math.min(leastMs, errorMs);
    mostMs = Math.max(mostMs, errorMs);
    heard += 1;
  }
  if (heard > 1) latencies.record('inStep.spread', mostMs - leastMs);
}
