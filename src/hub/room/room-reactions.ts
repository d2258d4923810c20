// Reactions: fleeting, summed over a short window, told to everybody, kept by nobody.
import type { UserId } from '../../../protocol/ids.ts';
import type { Timers } from '../../ports/timers.ts';

const MAX_KINDS = 32;
const MAX_FROM = 20;

interface ReactionWindow {
  readonly counts: Map<string, number>;
  readonly from: Set<UserId>;
}

export class RoomReactions {
  readonly #timers: Timers;
  readonly #windowMs: number;
  readonly #push: (counts: Record<string, number>, from: UserId[]) => void;
  #window: ReactionWindow | undefined;
  #cancel: (() => void) | undefined;

  constructor(
    timers: Timers,
    windowMs: number,
    push: (counts: Record<string, number>, from: UserId[]) => void,
  ) {
    this.#timers = timers;
    this.#windowMs = windowMs;
    this.#push = push;
  }

  /** @returns false where the window shows as many kinds of emoji as it may, and this is another one */
  add(emoji: string, userId: UserId): boolean {
    this.#window ??= this.#open();
    const { counts, from } = this.#window;
    if (counts.size >= MAX_KINDS && !counts.has(emoji)) return false;
    counts.set(emoji, (counts.get(emoji) ?? 0) + 1);
    if (from.size < MAX_FROM) from.add(userId);
    return true;
  }

  stop(): void {
    this.#cancel?.();
  }

  #open(): ReactionWindow {
    const counts = new Map<string, number>();
    const from = new Set<UserId>();
    this.#cancel = this.#timers.after(this.#windowMs, () => {
      this.#window = undefined;
      this.#push(Object.fromEntries(counts), [...from]);
    });
    return { counts, from };
  }
}
