// Who is connected with how many sockets, from which address, and how much of their rate each person has left.
import type { UserId } from '../../protocol/ids.ts';
import { fullBucket, takeTokens, type TokenBucket } from '../domain/rate-limit.ts';
import type { Connection } from './connection.ts';
import type { HubOptions } from './hub-options.ts';

interface Person {
  /** A few at most: an array is a tenth of a set. */
  readonly connections: Connection[];
  readonly requests: TokenBucket;
}

export class People {
  readonly #options: HubOptions;
  readonly #now: () => number;
  readonly #persons = new Map<UserId, Person>();
  readonly #byAddress = new Map<string, number>();

  /** @param now any monotonic clock, ms */
  constructor(options: HubOptions, now: () => number) {
    this.#options = options;
    this.#now = now;
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

  /** @returns false where this person has as many connections as are allowed; then nothing was changed */
  entered(userId: UserId, connection: Connection): boolean {
    const person = this.#persons.get(userId);
    if (person === undefined) {
      this.#persons.set(userId, {
        connections: [connection],
        requests: fullBucket(this.#options.userRate, this.#now()),
      });
      return true;
    }
    if (person.connections.length >= this.#options.maxConnectionsPerUser) return false;
    person.connections.push(connection);
    return true;
  }

  left(userId: UserId, connection: Connection): void {
    const person = this.#persons.get(userId);
    if (person === undefined) return;
    const index = person.connections.indexOf(connection);
    if (index >= 0) person.connections.splice(index, 1);
    if (person.connections.length === 0) this.#persons.delete(userId);
  }

  connectionsOf(userId: UserId): Iterable<Connection> {
    return this.#persons.get(userId)?.connections ?? [];
  }

  /** @returns 0 where `cost` was taken from the person's rate, else the wait in ms; always 0 before the hello */
  take(connection: Connection, cost: number): number {
    const { session } = connection;
    const person = session.phase === 'active' ? this.#persons.get(session.user.id) : undefined;
    return person === undefined
      ? 0
      : takeTokens(person.requests, this.#options.userRate, cost, this.#now());
  }
}
