// The one timer for what time alone brings to a room. Knows what is due, and when; not what it does.
import type { DomainLimits, SystemCommand } from '../domain/command.ts';
import { dueAt } from '../domain/due.ts';
import type { RoomState } from '../domain/room-state.ts';
import type { HubClock } from '../ports/hub-clock.ts';
import type { Timers } from '../ports/timers.ts';

export interface RoomDueDeps {
  readonly clock: HubClock;
  readonly timers: Timers;
  readonly limits: DomainLimits;
  readonly state: () => RoomState;
  /** While true nothing becomes due. */
  readonly isWaiting: () => boolean;
  /** How long other nodes, which know the same is due, come before this one, ms. */
  readonly waitBehindMs: () => number;
  readonly submit: (command: SystemCommand) => void;
}

export class RoomDue {
  readonly #deps: RoomDueDeps;
  #cancel: (() => void) | undefined;

  constructor(deps: RoomDueDeps) {
    this.#deps = deps;
  }

  get isArmed(): boolean {
    return this.#cancel !== undefined;
  }

  /**
   * Waits for what is due first by the state as it is now, and forgets what it waited for before.
   * @param soonestMs how long from now at least
   */
  arm(soonestMs = 0): void {
    this.stop();
    const { clock, timers, limits, state, isWaiting, waitBehindMs, submit } = this.#deps;
    if (isWaiting()) return;
    const [next] = dueAt(state(), { limits });
    if (next === undefined) return;
    const delayMs = Math.max(soonestMs, Math.ceil(next.at - clock.now())) + waitBehindMs();
    this.#cancel = timers.after(delayMs, () => {
      this.#cancel = undefined;
      submit(next.command);
    });
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }
}
