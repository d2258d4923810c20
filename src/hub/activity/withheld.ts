// The activities of one person that nobody is to be shown: taken back, or heard where it does not show. Knows neither feed nor sources.
import type { HubMs } from '../../../protocol/ids.ts';
import type { WithheldIds } from '../listening/live-activity.ts';

type Why = 'removed' | 'hidden';

interface Entry {
  why: Why;
  until: HubMs;
}

/** After the play is over: nodes that missed the word see it when they compare. */
const KEPT_MS = 600_000;
/** Of one person. */
const MOST = 50;

export class Withheld {
  /** Oldest first. */
  readonly #entries = new Map<string, Entry>();

  get size(): number {
    return this.#entries.size;
  }

  get ids(): WithheldIds {
    const all = [...this.#entries];
    const of = (why: Why): string[] => all.flatMap(([id, each]) => (each.why === why ? [id] : []));
    return { removed: of('removed'), hidden: of('hidden') };
  }

  has(activityId: string): boolean {
    return this.#entries.has(activityId);
  }

  /** What was taken back stays so, wherever it is heard. @returns whether this is news */
  add(activityId: string, why: Why, now: HubMs): boolean {
    const known = this.#entries.get(activityId);
    if (known !== undefined && (known.why === why || known.why === 'removed')) return false;
    this.#entries.set(activityId, { why, until: now + KEPT_MS });
    const [oldest] = this.#entries.keys();
    if (this.#entries.size > MOST && oldest !== undefined) this.#entries.delete(oldest);
    return true;
  }

  /** Forgets what is long over. @param goesOn whether it is still listened to on this node */
  expire(now: HubMs, goesOn: (activityId: string) => boolean): void {
    for (const [activityId, entry] of this.#entries) {
      if (!goesOn(activityId)) {
        if (entry.until <= now) this.#entries.delete(activityId);
      } else if (entry.until < now + KEPT_MS / 2) {
        // At the end of the order, too: where there are too many it is the last to go.
        this.#entries.delete(activityId);
        this.#entries.set(activityId, { ...entry, until: now + KEPT_MS });
      }
    }
  }

  clear(): void {
    this.#entries.clear();
  }
}
