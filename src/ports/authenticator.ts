// The port to identity: from a token to a person, and a token for a guest.
import type { User } from '../../protocol/schemas/pushes.ts';

export type Verified =
  | {
      readonly kind: 'ok';
      readonly user: User;
      /** Milliseconds from now until the token ends. */
      readonly expiresInMs: number;
      readonly terms: TokenTerms;
    }
  | { readonly kind: 'expired' }
  /** `reason` is for the log and the developer; it never repeats the token. */
  | { readonly kind: 'invalid'; readonly reason: string };

/** What a token says beside whose it is. */
export interface TokenTerms {
  /** The device that it was given to, with which it ends; absent in one that was given to none. */
  readonly deviceId?: string;
  /** Its end by the clock on the wall, ms since 1970. */
  readonly endsAtMs: number;
  /** Its own name (`jti`), by which it alone can be revoked; one that is made in its place has the same. */
  readonly tokenId?: string;
  /** When it was made, as `endsAtMs`, or the one in whose place it is; absent where it does not say. */
  readonly issuedAtMs?: number;
  /** It was given to somebody who runs the service. */
  readonly isOperator?: boolean;
}

export interface IssuedToken {
  readonly token: string;
  readonly expiresInMs: number;
}

export interface Authenticator {
  /** Rejects with `StoreUnavailable` where what the token is checked by is away. */
  verify(token: string): Promise<Verified>;
  /**
   * A token by which this hub knows `user` again.
   * @param terms without an end, it holds as long as a guest's token does; without a time it is made now. One that takes another's place
   * says when that one was made: else it would outlive a revocation that it is too new for. It makes no operator, whatever they say
   */
  issue(user: User, terms?: Partial<TokenTerms>): Promise<IssuedToken>;
}
