// Which of the stores answer: looked at every few seconds, told to operators by metrics, readiness and the log. Knows no store's technology.
import type { Log } from './ports/log.ts';
import type { Metrics } from './ports/metrics.ts';
import type { Timers } from './ports/timers.ts';

/** A server that keeps something for this process. */
export interface WatchedStore {
  /** For people; the label in lower case. */
  readonly name: 'Redis' | 'Postgres' | 'MongoDB';
  /** Whether new visitors should go elsewhere while it is away. False where rooms go on without it. */
  readonly isNeeded: boolean;
  /** Rejects where it does not answer. */
  look(): Promise<void>;
}

export interface AwayStore {
  readonly store: string;
  /** Since it last answered. */
  readonly awayMs: number;
}

export interface StoreWatchDeps {
  readonly stores: readonly WatchedStore[];
  readonly timers: Timers;
  readonly metrics: Metrics;
  readonly log: Log;
  /** Any monotonic time, ms. */
  now(): number;
}

const LOOK_EVERY_MS = 2_000;
/** A fail-over, or a moment in which all its connections are taken, is not worth sending anybody elsewhere. */
const AWAY_AFTER_MS = 5_000;

interface Watched {
  readonly store: WatchedStore;
  answeredAt: number;
  isLooking: boolean;
  isAway: boolean;
}

export class StoreWatch {
  readonly #deps: StoreWatchDeps;
  readonly #watched: readonly Watched[];
  readonly #stop: () => void;

  /** Starts to look. They all count as there: whoever serves has opened them. */
  constructor(deps: StoreWatchDeps) {
    this.#deps = deps;
    const { stores, metrics, timers } = deps;
    const answeredAt = deps.now();
    this.#watched = stores.map((store) => ({ store, answeredAt, isLooking: false, isAway: false }));
    metrics.gauges(
      {
        name: 'earshot_store_up',
        help: 'Whether a store that is configured answers this process: 1, or 0.',
        labels: ['store'],
      },
      () =>
        Object.fromEntries(
          this.#watched.map(({ store, isAway }) => [store.name.toLowerCase(), isAway ? 0 : 1]),
        ),
    );
    this.#lookAtAll();
    this.#stop = timers.every(LOOK_EVERY_MS, () => this.#lookAtAll());
  }

  /** Why new visitors should go elsewhere, for people; empty where nothing keeps this process from serving them. */
  faults(): readonly string[] {
    return this.#watched
      .filter(({ store, isAway }) => isAway && store.isNeeded)
      .map(({ store }) => `${store.name} cannot be reached`);
  }

  /** Those that do not answer, needed or not. */
  away(): readonly AwayStore[] {
    const now = this.#deps.now();
    return this.#watched
      .filter(({ isAway }) => isAway)
      .map(({ store, answeredAt }) => ({
        store: store.name.toLowerCase(),
        awayMs: Math.round(now - answeredAt),
      }));
  }

  stop(): void {
    this.#stop();
  }

  #lookAtAll(): void {
    for (const watched of this.#watched) {
      this.#judge(watched);
      // One that does not answer at all is not asked again meanwhile.
      if (!watched.isLooking) void this.#look(watched);
    }
  }

  async #look(watched: Watched): Promise<void> {
    watched.isLooking = true;
    try {
      await watched.store.look();
      watched.answeredAt = this.#deps.now();
    } catch (error) {
      this.#deps.log.debug({ err: error, store: watched.store.name }, 'a store does not answer');
    } finally {
      watched.isLooking = false;
    }
    this.#judge(watched);
  }

  #judge(watched: Watched): void {
    const awayMs = this.#deps.now() - watched.answeredAt;
    const isAway = awayMs >= AWAY_AFTER_MS;
    if (isAway === watched.isAway) return;
    watched.isAway = isAway;
    const store = watched.store.name;
    if (isAway) this.#deps.log.warn({ store, awayMs: Math.round(awayMs) }, 'a store is away');
    else this.#deps.log.info({ store }, 'a store is back');
  }
}
