// The one timer for what time alone brings to a room. Knows what is due, and when; not what it does.
import type { DomainLimits, SystemCommand } from '../../domain/command.ts';
import { dueAt, type Due } from '../../domain/due.ts';
import type { RoomState } from '../../domain/room-state.ts';
import type { HubClock } from '../../ports/hub-clock.ts';
import type { Timers } from '../../ports/timers.ts';

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
  /** What it waits for, without more delay than it needs. */
  #armedFor: { readonly due: Due; readonly behindMs: number } | undefined;

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
    const { clock, timers, limits, state, isWaiting, waitBehindMs, submit } = this.#deps;
    const [due] = isWaiting() ? [] : dueAt(state(), { limits });
    const behindMs = due === undefined ? 0 : waitBehindMs();
    // A room in which something happens all the time would put off for ever what is overdue.
    if (due !== undefined && this.#isArmedFor(due, behindMs)) return;
    this.stop();
    if (due === undefined) return;
    if (soonestMs === 0) this.#armedFor = { due, behindMs };
    const delayMs = Math.max(soonestMs, Math.ceil(due.at - clock.now())) + behindMs;
    this.#cancel = timers.after(delayMs, () => {
      this.stop();
      submit(due.command);
    });
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    this.#armedFor = undefined;
  }

  #isArmedFor({ at, command }: Due, behindMs: number): boolean {
    const armed = this.#armedFor;
    return (
      armed?.due.at === at && armed.due.command.type === command.type && armed.behindMs === behindMs
    );
  }
}
