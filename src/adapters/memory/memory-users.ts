// The people, in memory.
import { randomUUID } from 'node:crypto';
import type { UserId } from '../../../protocol/ids.ts';
import type { User } from '../../../protocol/schemas/pushes.ts';
import type { Users } from '../../ports/users.ts';

export class MemoryUsers implements Users {
  readonly #users = new Map<UserId, User>();

  createGuest(name: string): Promise<User> {
    const user = { id: randomUUID() as UserId, name, guest: true };
    this.#users.set(user.id, user);
    return Promise.resolve(user);
  }

  save(user: User): Promise<void> {
    this.#users.set(user.id, { ...user });
    return Promise.resolve();
  }

  find(id: UserId): Promise<User | undefined> {
    return Promise.resolve(this.#users.get(id));
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
