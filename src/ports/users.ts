// The port to the people: who they are called. Knows nothing of tokens.
import type { UserId } from '../../protocol/ids.ts';
import type { User } from '../../protocol/schemas/pushes.ts';

export interface Users {
  /** Makes a guest with a fresh id. */
  createGuest(name: string): Promise<User>;
  /** Makes the user known, or renames; used for an operator's own users, who come by token. */
  save(user: User): Promise<void>;
  /** Who it is then; undefined for a person who is not known, and who does not become so by it. */
  rename(id: UserId, name: string): Promise<User | undefined>;
  /** @param deviceId where it is given, the person is found only while that device has their account: in one look */
  find(id: UserId, deviceId?: string): Promise<User | undefined>;
}
