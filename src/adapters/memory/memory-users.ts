// The people, in memory.
import { randomUUID } from 'node:crypto';
import type { UserId } from '../../../protocol/ids.ts';
import type { User } from '../../../protocol/schemas/pushes.ts';
import type { Users } from '../../ports/users.ts';

/** Answers whether a device has the account of a person. */
export type HasDevice = (id: UserId, deviceId: string) => boolean;

export class MemoryUsers implements Users {
  readonly #users = new Map<UserId, User>();
  /** Of what keeps the devices beside this. */
  hasDevice: HasDevice = () => false;

  createGuest(name: string): Promise<User> {
    const user = { id: randomUUID() as UserId, name, guest: true };
    this.#users.set(user.id, user);
    return Promise.resolve(user);
  }

  save(user: User): Promise<void> {
    this.#users.set(user.id, { ...user });
    return Promise.resolve();
  }

  find(id: UserId, deviceId?: string): Promise<User | undefined> {
    const isGone = deviceId !== undefined && !this.hasDevice(id, deviceId);
    return Promise.resolve(isGone ? undefined : this.#users.get(id));
  }

  /** For what is kept about people beside this. */
  get(id: UserId): User | undefined {
    return this.#users.get(id);
  }

  /** Answers whether there was one. */
  remove(id: UserId): boolean {
    return this.#users.delete(id);
  }
}
