// Who the listening people of this node are, and whether they are in a private session: asked of a store that may be away.
// Knows friends; knows nothing of what anybody listens to.
import type { HubMs, UserId } from '../../../protocol/ids.ts';
import type { Friends } from '../../ports/friends.ts';
import type { HubClock } from '../../ports/hub-clock.ts';
import type { Log } from '../../ports/log.ts';
import { StoreUnavailable } from '../../ports/room-log.ts';
import { personOf, type ActivityUser } from '../listening/live-activity.ts';

export interface AuthorPolicy {
  readonly version: number;
  /** The end of a private session, which may have passed. */
  readonly privateUntil: HubMs | undefined;
}

export interface AuthorPoliciesDeps {
  readonly friends: Pick<Friends, 'policies'>;
  readonly clock: HubClock;
  readonly log: Log;
  /**
   * @param user undefined where they could not be asked about, or are not known; `policy` alike, and then it is asked again
   * @param isLast whether nobody has asked again since the question that this answers: what is learnt may be old where somebody has
   */
  learnt(
    userId: UserId,
    user: ActivityUser | undefined,
    policy: AuthorPolicy | undefined,
    isLast: boolean,
  ): void;
}

/** How many people are asked about at once. */
const ASKED_AT_ONCE = 500;
const ASK_AGAIN_MS = 5_000;

export class AuthorPolicies {
  readonly #deps: AuthorPoliciesDeps;
  readonly #toAsk = new Set<UserId>();
  #asking: Promise<void> | undefined;
  #askAt = 0;

  constructor(deps: AuthorPoliciesDeps) {
    this.#deps = deps;
  }

  /** Asks about a person, now. */
  ask(userId: UserId): void {
    this.#toAsk.add(userId);
    void this.#ask();
  }

  /** Resolves when all that was asked so far is answered, or could not be. */
  async answered(): Promise<void> {
    await this.#asking;
  }

  forget(userId: UserId): void {
    this.#toAsk.delete(userId);
  }

  /** Asks again about those of whom nothing could be learnt. To be called every second. */
  tick(now: HubMs): void {
    if (this.#toAsk.size > 0 && now >= this.#askAt) void this.#ask();
  }

  #ask(): Promise<void> {
    this.#asking ??= this.#askAll();
    return this.#asking;
  }

  async #askAll(): Promise<void> {
    // All who come in one tick are asked about together.
    await Promise.resolve();
    try {
      while (this.#toAsk.size > 0) {
        const ids = [...this.#toAsk].slice(0, ASKED_AT_ONCE);
        for (const id of ids) this.#toAsk.delete(id);
        if (await this.#learn(ids)) continue;
        this.#askAt = this.#deps.clock.now() + ASK_AGAIN_MS;
        return;
      }
    } finally {
      this.#asking = undefined;
    }
  }

  /** @returns false where they could not be asked about: they are still to be */
  async #learn(ids: readonly UserId[]): Promise<boolean> {
    try {
      const found = await this.#deps.friends.policies(ids);
      const known = new Map(found.map((policy) => [policy.person.userId, policy]));
      for (const id of ids) {
        const policy = known.get(id);
        const { version = 0, privateUntil } = policy ?? {};
        const user = policy === undefined ? undefined : personOf(policy.person);
        this.#deps.learnt(id, user, { version, privateUntil }, !this.#toAsk.has(id));
      }
      return true;
    } catch (error) {
      const level = error instanceof StoreUnavailable ? 'debug' : 'error';
      this.#deps.log[level]({ err: error }, 'who listens could not be asked about');
      for (const id of ids) this.#toAsk.add(id);
      // Nobody waits for an answer that others did not get.
      for (const id of this.#toAsk) this.#deps.learnt(id, undefined, undefined, true);
      return false;
    }
  }
}
