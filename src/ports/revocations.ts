// The port to what an operator has taken back before its time: single tokens, all tokens of a person, and the person's leave to come at all.
import type { UserId } from '../../protocol/ids.ts';

/** Times are by the clock on the wall, ms since 1970, as those of tokens are. */
export type RevocationDraft = {
  /** From when on it holds; tokens of a `user` that were surely made later are good. */
  readonly at: number;
  /** When no token is left that it is about; undefined: never. */
  readonly endsAt: number | undefined;
  /** The operator who did it. */
  readonly by: UserId;
  /** For operators alone. */
  readonly reason: string | undefined;
} & RevocationSubject;

export type RevocationSubject =
  /** The token of this `jti`. */
  | { readonly kind: 'token'; readonly tokenId: string }
  /** All tokens of the person that were made until `at`, or may have been: clocks differ. */
  | { readonly kind: 'user'; readonly userId: UserId }
  /** All tokens of the person, whenever they were made. */
  | { readonly kind: 'ban'; readonly userId: UserId };

export type Revocation = RevocationDraft & { readonly id: string };

/** What was made, changed or lifted: a lifted one has ended. */
export interface RevocationChange {
  readonly revocation: Revocation;
  /** By the store's own clock, ms: grows with each change, but for those that are made at the same moment. */
  readonly changedAt: number;
}

/** There is one of a kind for a subject at most: the same again takes its place and keeps its id. Every method rejects with `StoreUnavailable`. */
export interface Revocations {
  /** Durable when it resolves. */
  add(draft: RevocationDraft): Promise<Revocation>;
  /** Ends it at `at`. Undefined where there is none such, or it has ended before. */
  lift(id: string, at: number): Promise<Revocation | undefined>;
  /** All that was changed at or after `since` and, where that is undefined, all that holds at `at`. */
  changes(since: number | undefined, at: number): Promise<readonly RevocationChange[]>;
  /** Those that hold at `at`, by their ids. @param after the last id of the page before */
  page(at: number, limit: number, after?: string): Promise<readonly Revocation[]>;
}

/** Whether it holds still. */
export function isInForce({ endsAt }: Pick<Revocation, 'endsAt'>, at: number): boolean {
  return endsAt === undefined || endsAt > at;
}

export function subjectOf(subject: RevocationSubject): string {
  return subject.kind === 'token' ? subject.tokenId : subject.userId;
}
