// Decides what becomes of a room before somebody in it, or its owner, is erased.
import type { UserId } from '../../protocol/ids.ts';
import { depart, oldestHere } from './decide-members.ts';
import type { Draft } from './draft.ts';
import { entriesOf, lookup } from './records.ts';
import type { Member, RoomState } from './room-state.ts';

/** They leave. A room of theirs goes to whoever is here, or was let in first; one that nobody could have is closed. */
export function erasePerson(draft: Draft, userId: UserId): void {
  if (draft.room.public.closed !== undefined) return;
  depart(draft, [{ userId, reason: 'left' }]);
  const { ownerId, hostId } = draft.room.public;
  const owner = lookup(draft.room.members, ownerId);
  if (userId === ownerId) giveAway(draft, userId);
  else if (userId === hostId && owner !== undefined)
    draft.emit({
      type: 'HostChanged',
      hostId: ownerId,
      hostName: owner.name,
      ownerId,
      cause: 'return',
    });
}

function giveAway(draft: Draft, ownerId: UserId): void {
  const heir = oldestHere(draft.room, 'dj') ?? oldestHere(draft.room) ?? oldestKnown(draft.room);
  if (heir === undefined) {
    draft.emit({ type: 'RoomClosed', by: ownerId });
    return;
  }
  const [hostId, { name: hostName }] = heir;
  draft.emit({ type: 'HostChanged', hostId, hostName, ownerId: hostId, cause: 'transfer' });
}

/** Of those whom the room remembers besides its owner, the one who came first. */
function oldestKnown({ members, public: { ownerId } }: RoomState): [UserId, Member] | undefined {
  return entriesOf(members)
    .filter(([userId]) => userId !== ownerId)
    .sort(([idA, a], [idB, b]) => a.joinedAt - b.joinedAt || (idA < idB ? -1 : 1))[0];
}
