// What is kept in memory about one person and those around them.
import type { HubMs, UserId } from '../../../protocol/ids.ts';
import type { User } from '../../../protocol/schemas/pushes.ts';
import { colourOf, type Ask, type AudienceKind, type Colour } from '../../domain/people.ts';
import type { Audience, Person } from '../../ports/friends.ts';

export interface Blocked {
  readonly at: HubMs;
  /** As it was then; undefined where the other blocked this person already. */
  readonly name: string | undefined;
}

export class MemoryPerson {
  version = 0;
  colour: Colour | undefined;
  picture: string | undefined;
  code: string | undefined;
  audience: AudienceKind = 'friends';
  privateUntil: HubMs | undefined;
  requestTimes: readonly HubMs[] = [];
  readonly chosen = new Set<UserId>();
  readonly friends = new Map<UserId, HubMs>();
  readonly blocked = new Map<UserId, Blocked>();
  /** Requests that this person has sent. */
  readonly asks = new Map<UserId, Ask>();

  openRequests(): number {
    return [...this.asks.values()].filter(({ isWithdrawn }) => !isWithdrawn).length;
  }

  /** One that was declined stays, taken back: asking again is no way around the rest. */
  endAsk(to: UserId): void {
    const ask = this.asks.get(to);
    if (ask?.declinedAt === undefined) this.asks.delete(to);
    else this.asks.set(to, { ...ask, isWithdrawn: true });
  }

  admits(viewer: UserId): boolean {
    if (!this.friends.has(viewer)) return false;
    return this.audience === 'friends' || (this.audience === 'chosen' && this.chosen.has(viewer));
  }

  audienceNow(): Audience {
    return {
      audience: this.audience,
      chosen: [...this.chosen].sort(),
      ...(this.privateUntil === undefined ? {} : { privateUntil: this.privateUntil }),
    };
  }

  profile({ id, name }: User): Person {
    return {
      userId: id,
      name,
      colour: this.colour ?? colourOf(id),
      ...(this.picture === undefined ? {} : { picture: this.picture }),
    };
  }
}
