// Who of those who look at an author may see them: asked of a store that may be away, until it answers.
// Knows friends; knows nothing of what there is to see.
import type { UserId } from '../../../protocol/ids.ts';
import type { Friends } from '../../ports/friends.ts';
import type { Log } from '../../ports/log.ts';
import { StoreUnavailable } from '../../ports/room-log.ts';
import type { Timers } from '../../ports/timers.ts';
import { isCertain, type Author } from './feed-author.ts';

export interface AuthorGrantsDeps<V> {
  readonly friends: Pick<Friends, 'grantsOf'>;
  readonly timers: Timers;
  readonly log: Log;
  /** Whether anybody still looks at the author. */
  isLookedAt(author: Author<V>): boolean;
  /** @param asked those who were asked about: others may have come, and some of them have left */
  answered(author: Author<V>, asked: readonly V[], may: ReadonlySet<UserId>): void;
  unanswered(author: Author<V>): void;
}

const ASK_AGAIN_MS = 1_000;

export class AuthorGrants<V extends { readonly id: UserId }> {
  readonly #deps: AuthorGrantsDeps<V>;
  #asked = 0;
  #isStopped = false;

  constructor(deps: AuthorGrantsDeps<V>) {
    this.#deps = deps;
  }

  /** How often the store was asked. */
  get asked(): number {
    return this.#asked;
  }

  /** One question for all viewers of this node, and where it is not answered the next one a second later. Until then nothing of the author leaves. */
  ask(author: Author<V>): void {
    if (this.#isStopped || author.cancelAsk !== undefined) return;
    author.asking ??= this.#askNow(author);
  }

  stop(): void {
    this.#isStopped = true;
  }

  async #askNow(author: Author<V>): Promise<void> {
    const told = author.toldVersion;
    author.isInDoubt = false;
    this.#asked += 1;
    const asked = [...author.viewers.keys()];
    try {
      const ids = asked.map(({ id }) => id);
      const grants = await this.#deps.friends.grantsOf(author.id, ids);
      author.asking = undefined;
      if (!this.#deps.isLookedAt(author)) return;
      // The change was there before it was told: the answer is of what was told at least, whatever number an older copy gives it.
      author.version = Math.max(grants.version, told);
      author.privateUntil = grants.privateUntil;
      this.#deps.answered(author, asked, grants.may);
    } catch (error) {
      author.asking = undefined;
      author.isInDoubt = true;
      const level = error instanceof StoreUnavailable ? 'debug' : 'error';
      this.#deps.log[level](
        { userId: author.id, err: error },
        'who may see somebody could not be asked',
      );
      if (!this.#deps.isLookedAt(author)) return;
      this.#deps.unanswered(author);
      this.#askLater(author);
    }
  }

  #askLater(author: Author<V>): void {
    if (this.#isStopped) return;
    author.cancelAsk = this.#deps.timers.after(ASK_AGAIN_MS, () => {
      author.cancelAsk = undefined;
      if (!isCertain(author)) this.ask(author);
    });
  }
}
