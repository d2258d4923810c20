// Who belongs to a room and who of them is connected, on any node: for operators, who have to find whom they let go. Knows no HTTP.
import type { UserId } from '../../../protocol/ids.ts';
import type { Role } from '../../../protocol/schemas/room.ts';
import { roleOf } from '../../domain/access.ts';
import { byUnits } from '../../domain/ranks.ts';
import type { LiveRoom } from './live-room.ts';

export interface RoomPerson {
  readonly id: UserId;
  readonly name: string;
  readonly role: Role;
  /** Connected to the room, on any node. */
  readonly isHere: boolean;
}

const ROLES: readonly Role[] = ['host', 'dj', 'listener'];

/**
 * Whom the room remembers: those who are connected, those who may be back in a moment, and of those who are gone the newest thousand who
 * hold a role or were let in. Who is here comes first, then by role and name.
 */
export function peopleOf({ state, members }: Pick<LiveRoom, 'state' | 'members'>): RoomPerson[] {
  const people = new Map<UserId, RoomPerson>();
  const add = (id: UserId, name: string, isHere: boolean): void => {
    people.set(id, { id, name, role: roleOf(state, id), isHere });
  };
  for (const [id, { name }] of Object.entries(state.members)) add(id as UserId, name, false);
  // Last: who has just come is connected before the log has them, and is called as they are now.
  for (const { userId, name } of members.present()) add(userId, name, true);
  return [...people.values()].sort(
    (a, b) =>
      Number(b.isHere) - Number(a.isHere) ||
      ROLES.indexOf(a.role) - ROLES.indexOf(b.role) ||
      byUnits(a.name, b.name) ||
      byUnits(a.id, b.id),
  );
}
