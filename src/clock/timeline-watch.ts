// Owns the doubt of a new timeline: one reply that names another id may be forged; knows not what a new timeline leads to.

import type { ProvenInterval } from './exchange.ts';
import { type Expectation, meet } from './step-watch.ts';

export type TimelineVerdict =
  | { readonly kind: 'same' }
  | { readonly kind: 'held' }
  /** Hub time goes on elsewhere; `evidence` is all that is known of it since. */
  | { readonly kind: 'new'; readonly evidence: readonly ProvenInterval[] };

/**
 * A new timeline is believed when two replies in a row name it and one offset explains both: replies come in order, so an honest hub does
 * not go back to the old one in between.
 */
export class TimelineWatch {
  #id: number | null = null;
  #claim: { readonly id: number; readonly interval: ProvenInterval } | null = null;

  /** The one that is believed; null before the first reply. */
  get id(): number | null {
    return this.#id;
  }

  judge(
    id: number,
    interval: ProvenInterval,
    expected: Pick<Expectation, 'ageing' | 'quantumMs'>,
  ): TimelineVerdict {
    this.#id ??= id;
    const claim = this.#claim;
    this.#claim = null;
    if (id === this.#id) return { kind: 'same' };
    if (claim?.id !== id || !meet(claim.interval, interval, expected)) {
      this.#claim = { id, interval };
      return { kind: 'held' };
    }
    this.#id = id;
    return { kind: 'new', evidence: [claim.interval, interval] };
  }
}
