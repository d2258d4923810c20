// Looks from time to time whether those who are connected may still be: a dismissal may have been lost on its way here.
// Knows the people's store; knows neither tokens nor how somebody is let go.
import type { UserId } from '../../protocol/ids.ts';
import type { Log } from '../ports/log.ts';
import { StoreUnavailable } from '../ports/room-log.ts';
import type { Timers } from '../ports/timers.ts';
import type { Users } from '../ports/users.ts';
import type { Connection } from './connection.ts';

export interface StandingWatchDeps {
  readonly users: Pick<Users, 'standings'>;
  readonly timers: Timers;
  readonly log: Log;
  connections(): Iterable<Connection>;
  /** Lets go, on this node, of a person who is gone, or of a device that has their account no more. */
  letGo(userId: UserId, deviceId?: string): void;
}

const EVERY_MS = 60_000;
const AT_ONCE = 500;
/** Fifty thousand connections are looked at within ten seconds, and the store hardly notices. */
const PAUSE_MS = 100;

export class StandingWatch {
  readonly #deps: StandingWatchDeps;
  #cancelRounds: (() => void) | undefined;
  #cancelPause: (() => void) | undefined;
  /** Those of the round that is under way who are still to be looked at. */
  #left: Connection[] = [];
  #isLooking = false;
  #isStopped = false;

  constructor(deps: StandingWatchDeps) {
    this.#deps = deps;
  }

  start(): void {
    this.#cancelRounds = this.#deps.timers.every(EVERY_MS, () => this.lookAtAll());
  }

  stop(): void {
    this.#isStopped = true;
    this.#left = [];
    this.#cancelRounds?.();
    this.#cancelPause?.();
  }

  /** Begins a round anew: what was told until now may not have been heard. */
  lookAtAll(): void {
    if (this.#isStopped) return;
    this.#left = [...this.#deps.connections()];
    if (!this.#isLooking && this.#cancelPause === undefined) void this.#goOn();
  }

  /** Lets go of those of them who are gone. Never rejects: where the store is away, they stay until it is back. */
  async look(connections: readonly Connection[]): Promise<boolean> {
    const asked = connections.flatMap(({ session }) => {
      if (session.phase !== 'active') return [];
      const { user, isStored } = session;
      const { deviceId } = session.terms;
      // An operator's person is vouched for by the operator alone where the store has never had them.
      const isOurs = user.guest || deviceId !== undefined || isStored;
      return isOurs ? [{ id: user.id, deviceId }] : [];
    });
    if (asked.length === 0) return true;
    try {
      const standings = await this.#deps.users.standings(asked);
      asked.forEach(({ id, deviceId }, i) => {
        if (standings[i] === 'person_gone') this.#deps.letGo(id);
        else if (standings[i] === 'device_gone') this.#deps.letGo(id, deviceId);
      });
      return true;
    } catch (error) {
      const level = error instanceof StoreUnavailable ? 'debug' : 'error';
      this.#deps.log[level]({ err: error }, 'nobody can tell whether those connected still may be');
      return false;
    }
  }

  async #goOn(): Promise<void> {
    this.#cancelPause = undefined;
    const bite = this.#left.splice(0, AT_ONCE);
    if (bite.length === 0) return;
    this.#isLooking = true;
    const isLooked = await this.look(bite);
    this.#isLooking = false;
    // Where the store is away, the next round finds them.
    if (!isLooked) this.#left = [];
    if (this.#left.length > 0 && !this.#isStopped)
      this.#cancelPause = this.#deps.timers.after(PAUSE_MS, () => void this.#goOn());
  }
}
