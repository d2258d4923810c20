// People for the contract of Friends: strangers who have just come, and what an overview says of them.
import type { UserId } from '../../protocol/ids.ts';
import type { Change } from '../../src/ports/friends.ts';
import type { ContextOf } from './context.ts';

export type FriendsContext = ContextOf<'friends' | 'users' | 'roomLog'>;

type Many<Count extends number> = Count extends 1
  ? [UserId]
  : Count extends 2
    ? [UserId, UserId]
    : [UserId, UserId, UserId, UserId, UserId];

export interface People {
  some<Count extends number>(count: Count): Promise<Many<Count>>;
  befriend(a: UserId, b: UserId): Promise<Change<string>>;
  namesOf(userId: UserId): Promise<Readonly<Record<string, readonly UserId[]>>>;
}

export function peopleOf(context: FriendsContext): People {
  return {
    async some<Count extends number>(count: Count) {
      const made: UserId[] = [];
      for (let i = 0; i < count; i += 1) {
        made.push((await context.stores().users.createGuest(`Person ${i}`)).id);
      }
      return made as unknown as Many<Count>;
    },
    async befriend(a, b) {
      await context.stores().friends.request(a, b, 1);
      const change = await context.stores().friends.request(b, a, 1);
      if (change.outcome !== 'friends') throw new Error(`not made friends: ${change.outcome}`);
      return change;
    },
    async namesOf(userId) {
      const { incomingCount: _, ...lists } = await context.stores().friends.overview(userId);
      return Object.fromEntries(
        Object.entries(lists).map(([list, listed]) => [list, listed.map((one) => one.userId)]),
      );
    },
  };
}
