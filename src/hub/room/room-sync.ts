// How well in step a room is, from what its members report.
import type { Push } from '../../../protocol/schemas/pushes.ts';
import type { MemberReport } from '../../ports/bus.ts';

const MAX_MEMBERS_TOLD = 200;

export type SyncSummary = Omit<Extract<Push, { type: 'room.sync' }>, 'type' | 'roomId'>;

/** The p-th percentile (0–1) of sorted values by nearest rank; 0 for none. */
function percentile(sorted: readonly number[], p: number): number {
  return sorted[Math.max(0, Math.ceil(sorted.length * p) - 1)] ?? 0;
}

/** What the room is told, or undefined where nobody has reported. Errors are absolute in the percentiles, signed per member. */
export function syncSummary(reports: Iterable<MemberReport>): SyncSummary | undefined {
  const members: SyncSummary['members'] = {};
  const errors: number[] = [];
  let told = 0;
  for (const { userId, errorMs, state } of reports) {
    if (state === 'idle') continue;
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
