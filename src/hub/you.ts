// What of a room's state is for one person's eyes: their role and their own votes.
import type { EntryId, UserId } from '../../protocol/ids.ts';
import type { You } from '../../protocol/schemas/pushes.ts';
import { roleOf } from '../domain/access.ts';
import type { RoomState } from '../domain/room-state.ts';

export function youOf(state: RoomState, userId: UserId): You {
  const votes: Record<string, number> = {};
  for (const [entryId, ofEntry] of Object.entries(state.votes)) {
    const value = ofEntry[userId];
    if (value !== undefined) votes[entryId] = value;
  }
  const skipVotes = (Object.keys(state.skipVotes) as EntryId[]).filter((id) =>
    state.skipVotes[id]?.includes(userId),
  );
  return { role: roleOf(state, userId), votes, skipVotes };
}
