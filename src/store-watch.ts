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
/** What takes longer is no answer; one that comes later counts when it comes. */
const LOOK_WITHIN_MS = 2_000;
/** A fail-over is not worth sending anybody elsewhere, nor is a moment in which this very process stood still. */
const AWAY_AFTER_MS = 5_000;
const AWAY_AFTER_LOOKS = 2;

interface Watched {
  readonly store: WatchedStore;
  answeredAt: number;
  askedAt: number;
  /** Looks that are not answered yet, though perhaps given up. */
  open: number;
  /** In a row. */
  failed: number;
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
    this.#watched = stores.map((store) => ({
      ...{ store, answeredAt, askedAt: answeredAt, open: 0, failed: 0, isAway: false },
    }));
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
    const now = this.#deps.now();
    for (const watched of this.#watched) {
      // A question to a server that is cut off may stay open for a minute: the more are, the longer it is until the next.
      const pauseMs = LOOK_EVERY_MS * 2 ** watched.open;
      if (watched.open === 0 || now - watched.askedAt >= pauseMs) this.#look(watched);
    }
  }

  #look(watched: Watched): void {
    const { timers, log } = this.#deps;
    watched.askedAt = this.#deps.now();
    watched.open += 1;
    let isGivenUp = false;
    const fail = (error: unknown): void => {
      if (isGivenUp) return;
      isGivenUp = true;
      log.debug({ err: error, store: watched.store.name }, 'a store does not answer');
      watched.failed += 1;
      this.#judge(watched);
    };
    const cancel = timers.after(LOOK_WITHIN_MS, () => fail(new Error('it did not answer in time')));
    watched.store
      .look()
      .then(() => {
        watched.answeredAt = this.#deps.now();
        watched.failed = 0;
        this.#judge(watched);
      }, fail)
      .finally(() => {
        cancel();
        watched.open -= 1;
      });
  }

  #judge(watched: Watched): void {
    const awayMs = this.#deps.now() - watched.answeredAt;
    const isAway = watched.failed >= AWAY_AFTER_LOOKS && awayMs >= AWAY_AFTER_MS;
    if (isAway === watched.isAway) return;
    watched.isAway = isAway;
    const store = watched.store.name;
    if (isAway) this.#deps.log.warn({ store, awayMs: Math.round(awayMs) }, 'a store is away');
    else this.#deps.log.info({ store }, 'a store is back');
  }
}
