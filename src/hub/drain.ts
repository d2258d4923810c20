// Asks everybody to leave within a window, and closes whoever is still here when it has passed. Knows connections, and no rooms.
import type { Push } from '../../protocol/schemas/pushes.ts';
import type { Log } from '../ports/log.ts';
import type { Timers } from '../ports/timers.ts';
import type { Connection } from './connection.ts';
import { drainWindow, type DrainTerms } from './drain-window.ts';
import { frameOf } from './frame.ts';
import type { Outbox } from './outbox.ts';

export interface DrainDeps {
  readonly terms: DrainTerms;
  readonly outbox: Pick<Outbox, 'enqueue' | 'close'>;
  readonly timers: Pick<Timers, 'after'>;
  /** Any monotonic clock, ms. */
  readonly now: () => number;
  readonly log: Pick<Log, 'info' | 'warn'>;
  /** Who is here, as it changes. */
  readonly connections: Pick<ReadonlyMap<unknown, Connection>, 'size' | 'values'>;
}

export class Drain {
  readonly #deps: DrainDeps;
  #endsAt = Infinity;
  #cancelEnd: (() => void) | undefined;
  /** Of each that was begun and is not over. */
  #whenOver: (() => void)[] = [];

  constructor(deps: DrainDeps) {
    this.#deps = deps;
  }

  /**
   * Resolves when nobody is left, or the window has passed. Again, the end that comes sooner holds, and whoever is still here is told what is left
   * until then, nothing where it has passed: whoever ends the process waits no longer because an operator drains it, too.
   * @param withinMs absent: as the number of people asks for
   */
  begin(withinMs?: number): Promise<void> {
    const { outbox, timers, now, log, connections } = this.#deps;
    const { size } = connections;
    const nowMs = now();
    const wantedMs = withinMs ?? this.#window(size);
    const windowMs = Math.max(0, Math.ceil(Math.min(wantedMs, this.#endsAt - nowMs)));
    log.info({ connections: size, windowMs }, 'asking everybody to leave within the window');
    if (size === 0) return Promise.resolve();
    const frame = frameOf({ type: 'hub.draining', reconnectWithinMs: windowMs } satisfies Push);
    for (const connection of connections.values()) outbox.enqueue(connection, frame);
    this.#cancelEnd?.();
    this.#endsAt = nowMs + windowMs;
    this.#cancelEnd = timers.after(windowMs, () => {
      for (const connection of connections.values()) outbox.close(connection, 'draining');
      this.#end();
    });
    return new Promise((resolve) => this.#whenOver.push(resolve));
  }

  /** Everybody has gone. */
  allLeft(): void {
    this.#cancelEnd?.();
    this.#end();
  }

  #end(): void {
    this.#cancelEnd = undefined;
    for (const over of this.#whenOver.splice(0)) over();
  }

  #window(connections: number): number {
    const { windowMs, neededMs } = drainWindow(this.#deps.terms, connections);
    if (windowMs < neededMs)
      this.#deps.log.warn(
        { connections, neededMs, windowMs },
        'so many people need longer to leave than DRAIN_MAX_MS allows: those who take them in may be busy',
      );
    return windowMs;
  }
}
