// Who the listening people of this node are, and whether they are in a private session: asked of a store that may be away.
// Knows friends; knows nothing of what anybody listens to.
import type { HubMs, UserId } from '../../protocol/ids.ts';
import type { Friends } from '../ports/friends.ts';
import type { HubClock } from '../ports/hub-clock.ts';
import type { Log } from '../ports/log.ts';
import { StoreUnavailable } from '../ports/room-log.ts';
import { personOf, type ActivityUser } from './live-activity.ts';

export interface AuthorPolicy {
  readonly version: number;
  /** The end of a private session, which may have passed. */
  readonly privateUntil: HubMs | undefined;
}

export interface AuthorPoliciesDeps {
  readonly friends: Pick<Friends, 'grantsOf' | 'profiles'>;
  readonly clock: HubClock;
  readonly log: Log;
  /** @param user undefined where they could not be asked about, or are not known; `policy` alike, and then it is asked again */
  learnt(userId: UserId, user: ActivityUser | undefined, policy: AuthorPolicy | undefined): void;
}

/** How many people are asked about at once. */
const ASKED_AT_ONCE = 50;
const ASK_AGAIN_MS = 5_000;

export class AuthorPolicies {
  readonly #deps: AuthorPoliciesDeps;
  readonly #toAsk = new Set<UserId>();
  #isAsking = false;
  #askAt = 0;

  constructor(deps: AuthorPoliciesDeps) {
    this.#deps = deps;
  }

  /** Asks about a person, now. */
  ask(userId: UserId): void {
    this.#toAsk.add(userId);
    void this.#ask();
  }

  forget(userId: UserId): void {
    this.#toAsk.delete(userId);
  }

  /** Asks again about those of whom nothing could be learnt. To be called every second. */
  tick(now: HubMs): void {
    if (this.#toAsk.size > 0 && now >= this.#askAt) void this.#ask();
  }

  async #ask(): Promise<void> {
    if (this.#isAsking) return;
    this.#isAsking = true;
    try {
      while (this.#toAsk.size > 0) {
        const ids = [...this.#toAsk].slice(0, ASKED_AT_ONCE);
        for (const id of ids) this.#toAsk.delete(id);
        if (await this.#learn(ids)) continue;
        this.#askAt = this.#deps.clock.now() + ASK_AGAIN_MS;
        break;
      }
    } finally {
      this.#isAsking = false;
    }
  }

  /** @returns false where somebody could not be asked about: they are still to be */
  async #learn(ids: readonly UserId[]): Promise<boolean> {
    const { friends, log } = this.#deps;
    const [profiles, ...policies] = await Promise.allSettled([
      friends.profiles(ids),
      ...ids.map(async (id) => friends.grantsOf(id, [])),
    ]);
    const users = new Map<UserId, ActivityUser>();
    for (const person of profiles.status === 'fulfilled' ? profiles.value : []) {
      users.set(person.userId, personOf(person));
    }
    let isLearnt = true;
    ids.forEach((id, i) => {
      const answer = policies[i];
      if (answer?.status === 'fulfilled') {
        const { version, privateUntil } = answer.value;
        this.#deps.learnt(id, users.get(id), { version, privateUntil });
        return;
      }
      isLearnt = false;
      this.#toAsk.add(id);
      const reason: unknown = answer?.reason;
      if (!(reason instanceof StoreUnavailable))
        log.error({ err: reason, userId: id }, 'a policy could not be read');
      this.#deps.learnt(id, users.get(id), undefined);
    });
    return isLearnt;
  }
}
