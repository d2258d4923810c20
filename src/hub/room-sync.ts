// How well in step a room is, from what its members report, and the lead that a start needs so that all of them can keep it.
import type { Push } from '../../protocol/schemas/pushes.ts';
import type { MemberReport } from '../ports/bus.ts';
import type { SyncReport } from './connection.ts';

/** What passes between a frame's arrival and sound: decoding, scheduling, a timer that is late. */
const PREPARATION_MS = 60;
const MAX_MEMBERS_TOLD = 200;

export type SyncSummary = Omit<Extract<Push, { type: 'room.sync' }>, 'type' | 'roomId'>;

export interface LeadBounds {
  readonly minLeadMs: number;
  readonly maxLeadMs: number;
}

/**
 * How far ahead a start is planned, ms: what the slowest member needs to hear of it and to prepare, within bounds. In rooms of ten
 * and more the slowest tenth does not count: one slow phone joins late instead of holding up everybody.
 */
export function leadFor(reports: Iterable<Omit<SyncReport, 'state'>>, bounds: LeadBounds): number {
  const needs: number[] = [];
  for (const { rttMs, outputLatencyMs } of reports) {
    needs.push(rttMs / 2 + outputLatencyMs + PREPARATION_MS);
  }
  needs.sort((a, b) => a - b);
  const counted = needs.length < 10 ? needs.length : Math.ceil(needs.length * 0.9);
  const needed = needs[counted - 1] ?? bounds.minLeadMs;
  return Math.round(Math.min(bounds.maxLeadMs, Math.max(bounds.minLeadMs, needed)));
}

/** The p-th percentile (0–1) of sorted values by nearest rank; 0 for none. */
function percentile(sorted: readonly number[], p: number): number {
  return sorted[Math.max(0, Math.ceil(sorted.length * p) - 1)] ?? 0;
}

/** What the room is told, or undefined where nobody has reported. Errors are absolute in the percentiles, signed per member. */
export function syncSummary(reports: Iterable<MemberReport>): SyncSummary | undefined {
  const members: Record<string, Pick<SyncReport, 'errorMs' | 'state'>> = {};
  const errors: number[] = [];
  let told = 0;
  for (const { userId, errorMs, state } of reports) {
    if (state === 'following') errors.push(Math.abs(errorMs));
    if (told < MAX_MEMBERS_TOLD) {
      members[userId] = { errorMs: Math.round(errorMs * 10) / 10, state };
      told += 1;
    }
  }
  if (told === 0) return undefined;
  errors.sort((a, b) => a - b);
  const round = (ms: number): number => Math.round(ms * 10) / 10;
  return { p50Ms: round(percentile(errors, 0.5)), p95Ms: round(percentile(errors, 0.95)), members };
}
