// Owns bringing a room's chat to what the hub has: fills its holes and fetches older pages. Knows no room, only how to ask.
import { chatHole, mergeChat, prependChat, type ChatHole, type ChatView } from './chat-store.ts';
import type { EarshotError } from './errors.ts';
import { isChatPage } from './inbound.ts';
import type { Outcome } from './request-book.ts';

export interface ChatRepairOptions {
  readonly held: () => ChatView;
  /** Whether there is a connection that is in the room. */
  readonly mayAsk: () => boolean;
  readonly show: (chat: ChatView) => void;
  readonly ask: (page: ChatHole, done: (outcome: Outcome<'chat.history'>) => void) => void;
}

const OLDER_PAGE_ITEMS = 50;
const MAX_ASKED_IN_VAIN = 8;

export class ChatRepair {
  readonly #options: ChatRepairOptions;
  #isRepairing = false;
  #givenUpTo = 0;
  /** How often the newest hole was asked for in vain, and where it ends. */
  #vain = { before: 0, times: 0 };
  #holes = 0;
  /** Grows with each history: an answer from an earlier one has numbers that stand for something else now. */
  #history = 0;

  constructor(options: ChatRepairOptions) {
    this.#options = options;
  }

  /** How many holes were asked for. */
  get holes(): number {
    return this.#holes;
  }

  /** Another history has begun: what the hub could not fill in the last one is forgotten. */
  startOver(): void {
    this.#givenUpTo = 0;
    this.#history += 1;
  }

  /** Asks for what is missing, until nothing is or the hub has no more of it. */
  repair(): void {
    const { held, mayAsk, ask, show } = this.#options;
    if (this.#isRepairing || !mayAsk()) return;
    const hole = chatHole(held(), this.#givenUpTo);
    if (hole === undefined) return;
    this.#isRepairing = true;
    this.#holes += 1;
    const history = this.#history;
    ask(hole, (outcome) => {
      this.#isRepairing = false;
      if (history !== this.#history) {
        this.repair();
        return;
      }
      // The next message, or the next join, finds the hole again.
      if (outcome.kind === 'failed') return;
      const chat = held();
      const page = isChatPage(outcome.body) ? outcome.body : { items: [], lastSeq: 0, gap: false };
      const merged = mergeChat(chat, page.items, page.lastSeq);
      const isInVain = merged.items.length === chat.items.length;
      if (isInVain) this.#failedAt(hole, page.items.length === 0);
      // Something may have been said between the question and its answer.
      const oldest = chat.items[0]?.seq ?? Infinity;
      const reachesBack = chat.items.length === 0 || (page.items[0]?.seq ?? Infinity) < oldest;
      show(reachesBack ? { ...merged, hasOlder: page.gap } : merged);
      if (!isInVain) this.repair();
    });
  }

  /** A hub that has older items yet not these may get them back from another node: the next message asks again, a few times. */
  #failedAt({ before }: ChatHole, isBeginning: boolean): void {
    const times = this.#vain.before === before ? this.#vain.times + 1 : 1;
    this.#vain = { before, times };
    if (isBeginning || times === MAX_ASKED_IN_VAIN) this.#givenUpTo = before - 1;
  }

  /** Puts a page of older chat before what is held. */
  older(done: (error?: EarshotError) => void): void {
    const { held, ask, show } = this.#options;
    const chat = held();
    const before = chat.items[0]?.seq ?? chat.lastSeq + 1;
    const history = this.#history;
    ask({ before, limit: OLDER_PAGE_ITEMS }, (outcome) => {
      if (outcome.kind === 'failed') {
        done(outcome.error);
        return;
      }
      if (history !== this.#history) {
        this.older(done);
        return;
      }
      const page = isChatPage(outcome.body) ? outcome.body : { items: [], gap: false };
      show(prependChat(held(), page.items, page.gap));
      done();
    });
  }
}
