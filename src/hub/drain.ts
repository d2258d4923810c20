// Asks everybody to leave within a window, and closes whoever is still here when it has passed. Knows connections, and no rooms.
import type { Push } from '../../protocol/schemas/pushes.ts';
import type { Log } from '../ports/log.ts';
import type { Timers } from '../ports/timers.ts';
import type { Connection } from './connection.ts';
import { drainWindow, type DrainTerms } from './drain-window.ts';
import { frameOf } from './frame.ts';
import type { Outbox } from './outbox.ts';

export interface DrainParts {
  readonly terms: DrainTerms;
  readonly outbox: Pick<Outbox, 'enqueue' | 'close'>;
  readonly timers: Pick<Timers, 'after'>;
  readonly log: Pick<Log, 'info' | 'warn'>;
  /** Who is here, as it changes. */
  readonly connections: {
    readonly size: number;
    values(): Iterable<Connection>;
  };
}

export class Drain {
  readonly #parts: DrainParts;
  #allGone: (() => void) | undefined;

  constructor(parts: DrainParts) {
    this.#parts = parts;
  }

  /**
   * Resolves when nobody is left, or the window has passed. Again, whoever is still here is told the new window.
   * @param withinMs absent: as the number of people asks for
   */
  begin(withinMs?: number): Promise<void> {
    const { outbox, timers, log, connections } = this.#parts;
    const { size } = connections;
    const windowMs = withinMs ?? this.#window(size);
    log.info({ connections: size, windowMs }, 'asking everybody to leave within the window');
    const frame = frameOf({ type: 'hub.draining', reconnectWithinMs: windowMs } satisfies Push);
    for (const connection of connections.values()) outbox.enqueue(connection, frame);
    if (size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      const cancel = timers.after(windowMs, () => {
        for (const connection of connections.values()) outbox.close(connection, 'draining');
        resolve();
      });
      const before = this.#allGone;
      this.#allGone = () => {
        before?.();
        cancel();
        resolve();
      };
    });
  }

  /** The last connection has gone. */
  nobodyIsLeft(): void {
    this.#allGone?.();
  }

  #window(connections: number): number {
    const { windowMs, neededMs } = drainWindow(this.#parts.terms, connections);
    if (windowMs < neededMs)
      this.#parts.log.warn(
        { connections, neededMs, windowMs },
        'so many people need longer to leave than DRAIN_MAX_MS allows: those who take them in may be busy',
      );
    return windowMs;
  }
}
