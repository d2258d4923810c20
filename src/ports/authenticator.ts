// The port to identity: from a token to a person, and a token for a guest.
import type { User } from '../../protocol/schemas/pushes.ts';

export type Verified =
  | {
      readonly kind: 'ok';
      readonly user: User;
      /** Milliseconds from now until the token ends. */
      readonly expiresInMs: number;
    }
  | { readonly kind: 'expired' }
  /** `reason` is for the log and the developer; it never repeats the token. */
  | { readonly kind: 'invalid'; readonly reason: string };

export interface IssuedToken {
  readonly token: string;
  readonly expiresInMs: number;
}

export interface Authenticator {
  verify(token: string): Promise<Verified>;
  /** A token by which this hub knows `user` again. */
  issue(user: User): Promise<IssuedToken>;
}
