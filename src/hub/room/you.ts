// What of a room's state is for one person's eyes: their role, their own votes, and who waits for their answer.
import type { EntryId, HubMs, UserId } from '../../../protocol/ids.ts';
import type { You } from '../../../protocol/schemas/pushes.ts';
import { may, roleOf } from '../../domain/access.ts';
import { entriesOf } from '../../domain/records.ts';
import { KNOCK_MS, type RoomState } from '../../domain/room-state.ts';

/** Who waits at the door at hub time `at`, oldest first. */
export function waitingAt(state: RoomState, at: HubMs): NonNullable<You['waiting']> {
  return entriesOf(state.knocks)
    .filter(([, knock]) => at - knock.at < KNOCK_MS)
    .sort(([, a], [, b]) => a.at - b.at)
    .map(([id, { name }]) => ({ id, name }));
}

/** @param at hub time */
export function youOf(state: RoomState, userId: UserId, at: HubMs): You {
  const waiting = may(state, userId, 'invite') ? waitingAt(state, at) : [];
  const votes: Record<string, number> = {};
  for (const [entryId, ofEntry] of Object.entries(state.votes)) {
    const value = ofEntry[userId];
    if (value !== undefined) votes[entryId] = value;
  }
  const skipVotes = (Object.keys(state.skipVotes) as EntryId[]).filter((id) =>
    state.skipVotes[id]?.includes(userId),
  );
  return {
    role: roleOf(state, userId),
    votes,
    skipVotes,
    ...(waiting.length === 0 ? {} : { waiting }),
  };
}
