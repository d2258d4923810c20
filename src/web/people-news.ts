// Owns what is told of friends at the page's edge: at most one note every few seconds, however much happens; must not know how it got here.
import type { Notices } from './notices.ts';
import type { Overview } from './page-people.ts';

export type NewsKind = 'request' | 'accepted' | 'joined' | 'reacted';

export interface News {
  readonly kind: NewsKind;
  readonly name: string;
  readonly emoji?: string;
  readonly action?: { readonly label: string; readonly run: () => void };
}

/** Whoever listens to the page hears each note out: they must not follow on each other. */
export const APART_MS = 5_000;
/** More than this is told as a number alone. */
const MAX_WAITING = 100;

export class PeopleNews {
  readonly #notices: Notices;
  readonly #waiting: News[] = [];
  #uncounted = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(notices: Notices) {
    this.#notices = notices;
  }

  tell(news: News): void {
    if (this.#waiting.length < MAX_WAITING) this.#waiting.push(news);
    else this.#uncounted += 1;
    if (this.#timer === undefined) this.#next();
  }

  /** Forgets what waits. Idempotent. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#waiting.length = 0;
    this.#uncounted = 0;
  }

  #next(): void {
    this.#timer = undefined;
    const [first] = this.#waiting;
    if (first === undefined) {
      this.#uncounted = 0;
      return;
    }
    const alike = this.#waiting.filter(({ kind }) => kind === first.kind);
    const others = this.#waiting.filter(({ kind }) => kind !== first.kind);
    this.#waiting.splice(0, this.#waiting.length, ...others);
    const names = new Set(alike.map(({ name }) => name));
    const text = newsLabel(first, names.size - 1 + this.#uncounted);
    this.#uncounted = 0;
    this.#notices.show('event', text, first.action);
    this.#timer = setTimeout(() => this.#next(), APART_MS);
  }
}

/** @param others how many more people did the same */
export function newsLabel({ kind, name, emoji }: News, others: number): string {
  const who = others <= 0 ? name : `${name} and ${others === 1 ? 'one other' : `${others} others`}`;
  switch (kind) {
    case 'request':
      return `${who} would like to be ${others > 0 ? 'your friends' : 'your friend'}`;
    case 'accepted':
      return `${who} ${others > 0 ? 'are your friends' : 'is your friend'} now`;
    case 'joined':
      return `${who} joined what you listen to`;
    case 'reacted':
      return others > 0 ? `${who} reacted to what you play` : `${who} reacted: ${emoji ?? ''}`;
  }
}

/** What of the difference between two overviews others did: one knows what one did oneself. */
export function newsBetween(before: Overview, after: Overview): News[] {
  const asked = new Set(before.incoming.map(({ userId }) => userId));
  const sentTo = new Set(before.outgoing.map(({ userId }) => userId));
  const friends = new Set(before.friends.map(({ userId }) => userId));
  return [
    ...after.incoming
      .filter(({ userId }) => !asked.has(userId))
      .map(({ name }): News => ({ kind: 'request', name })),
    ...after.friends
      .filter(({ userId }) => !friends.has(userId) && sentTo.has(userId))
      .map(({ name }): News => ({ kind: 'accepted', name })),
  ];
}
