// The port to the people: who they are called. Knows nothing of tokens.
import type { UserId } from '../../protocol/ids.ts';
import type { User } from '../../protocol/schemas/pushes.ts';

/** Somebody who is let in, by the device that their token was given to, if by one. */
export interface LetIn {
  readonly id: UserId;
  readonly deviceId?: string | undefined;
}

export type Standing = 'stands' | 'device_gone' | 'person_gone';

export interface Users {
  /** Makes a guest with a fresh id. */
  createGuest(name: string): Promise<User>;
  /** Makes the user known, or renames; used for an operator's own users, who come by token. */
  save(user: User): Promise<void>;
  /** Who it is then; undefined for a person who is not known, and who does not become so by it. */
  rename(id: UserId, name: string): Promise<User | undefined>;
  /** @param deviceId where it is given, the person is found only while that device has their account: in one look */
  find(id: UserId, deviceId?: string): Promise<User | undefined>;
  /** Of many in one look, in their order: whether the person is known still, and the device has their account. */
  standings(people: readonly LetIn[]): Promise<readonly Standing[]>;
}
