// Who is connected with how many sockets, from which address, and how much of their rate each person has left.
import type { UserId } from '../../protocol/ids.ts';
import type { Connection } from './connection.ts';
import type { HubOptions } from './hub-options.ts';
import { PersonRates, type PersonRatesParts } from './person-rates.ts';

export class People {
  readonly #options: HubOptions;
  /** A few each: an array is a tenth of a set. */
  readonly #connections = new Map<UserId, Connection[]>();
  readonly #requests: PersonRates;
  readonly #byAddress = new Map<string, number>();

  constructor(options: HubOptions, rates: Omit<PersonRatesParts, 'kind' | 'limit'>) {
    this.#options = options;
    this.#requests = new PersonRates({ ...rates, kind: 'person', limit: options.userRate });
  }

  mayConnect(address: string): boolean {
    return (this.#byAddress.get(address) ?? 0) < this.#options.maxConnectionsPerAddress;
  }

  connected(address: string): void {
    this.#byAddress.set(address, (this.#byAddress.get(address) ?? 0) + 1);
  }

  disconnected(address: string): void {
    const left = (this.#byAddress.get(address) ?? 1) - 1;
    if (left > 0) this.#byAddress.set(address, left);
    else this.#byAddress.delete(address);
  }

  /** @param leaving whose place it takes, where that is one of theirs */
  mayEnter(userId: UserId, leaving?: Connection): boolean {
    const others = this.#connections.get(userId);
    const count = (others?.length ?? 0) - (leaving === undefined ? 0 : 1);
    return count < this.#options.maxConnectionsPerUser;
  }

  /** @returns false where this person has as many connections as are allowed; then nothing was changed */
  entered(userId: UserId, connection: Connection): boolean {
    const others = this.#connections.get(userId);
    if (others === undefined) {
      this.#connections.set(userId, [connection]);
      return true;
    }
    if (others.length >= this.#options.maxConnectionsPerUser) return false;
    others.push(connection);
    return true;
  }

  left(userId: UserId, connection: Connection): void {
    const others = this.#connections.get(userId);
    if (others === undefined) return;
    const index = others.indexOf(connection);
    if (index >= 0) others.splice(index, 1);
    if (others.length === 0) this.#connections.delete(userId);
  }

  connectionsOf(userId: UserId): Iterable<Connection> {
    return this.#connections.get(userId) ?? [];
  }

  /** @returns 0 where `cost` was taken from the person's rate, else the wait in ms */
  take(userId: UserId, cost: number): number {
    return this.#requests.take(userId, cost);
  }

  stop(): void {
    this.#requests.stop();
  }
}
