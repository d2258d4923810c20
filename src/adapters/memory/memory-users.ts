// The people, in memory.
import { randomUUID } from 'node:crypto';
import type { UserId } from '../../../protocol/ids.ts';
import type { User } from '../../../protocol/schemas/pushes.ts';
import type { LetIn, Standing, Users } from '../../ports/users.ts';

/** What keeps the devices of people beside this. */
export interface MemoryDevices {
  has(id: UserId, deviceId: string): boolean;
  forget(id: UserId): void;
}

export class MemoryUsers implements Users {
  readonly #users = new Map<UserId, User>();
  devices: MemoryDevices | undefined;

  createGuest(name: string): Promise<User> {
    const user = { id: randomUUID() as UserId, name, guest: true };
    this.#users.set(user.id, user);
    return Promise.resolve(user);
  }

  save(user: User): Promise<void> {
    this.#users.set(user.id, { ...user });
    return Promise.resolve();
  }

  rename(id: UserId, name: string): Promise<User | undefined> {
    const user = this.#users.get(id);
    const renamed = user && { ...user, name };
    if (renamed !== undefined) this.#users.set(id, renamed);
    return Promise.resolve(renamed);
  }

  find(id: UserId, deviceId?: string): Promise<User | undefined> {
    const isGone = deviceId !== undefined && this.devices?.has(id, deviceId) !== true;
    return Promise.resolve(isGone ? undefined : this.#users.get(id));
  }

  standings(people: readonly LetIn[]): Promise<readonly Standing[]> {
    return Promise.resolve(
      people.map(({ id, deviceId }) => {
        if (!this.#users.has(id)) return 'person_gone';
        const hasDevice = deviceId === undefined || this.devices?.has(id, deviceId) === true;
        return hasDevice ? 'stands' : 'device_gone';
      }),
    );
  }

  /** For what is kept about people beside this. */
  get(id: UserId): User | undefined {
    return this.#users.get(id);
  }

  /** With their devices. Answers whether there was one. */
  remove(id: UserId): boolean {
    this.devices?.forget(id);
    return this.#users.delete(id);
  }
}
