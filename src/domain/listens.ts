// When a play counts as a listen, from the time surely heard of it. Pure; knows neither stores nor who listens.
import type { HubMs } from '../../protocol/ids.ts';
import type { Span } from './now-playing.ts';

/** However long a track is, so much of it is enough. */
export const LISTEN_MS = 240_000;
/** A track that is shorter counts when it was heard whole. */
export const SHORT_TRACK_MS = 30_000;
/** Reports come every few seconds: the last moments of a short track may be heard and not reported. */
const WHOLE_MARGIN_MS = 1_000;

/**
 * The union of `spans`: in order, none touching another. Whoever hears the same in two tabs, or over two nodes, hears it once.
 * What is empty or backwards adds nothing.
 */
export function unionOf(spans: readonly Span[]): Span[] {
  const union: [HubMs, HubMs][] = [];
  const inOrder = spans.filter(([from, to]) => to > from).toSorted((a, b) => a[0] - b[0]);
  for (const [from, to] of inOrder) {
    const last = union.at(-1);
    if (last === undefined || last[1] < from) union.push([from, to]);
    else last[1] = Math.max(last[1], to);
  }
  return union;
}

/** How much time `spans`, which are a union, hold, ms. */
export function heardMs(spans: readonly Span[]): number {
  return spans.reduce((sum, [from, to]) => sum + (to - from), 0);
}

/** How much must be heard of a track of `durationMs` before it counts, ms. */
export function neededMs(durationMs: number): number {
  if (durationMs < SHORT_TRACK_MS) return Math.max(1, durationMs - WHOLE_MARGIN_MS);
  return Math.min(durationMs / 2, LISTEN_MS);
}

/** Hub time at which the listen came to count; undefined while it does not. `spans` are a union. */
export function countedAt(spans: readonly Span[], durationMs: number): HubMs | undefined {
  let missing = neededMs(durationMs);
  for (const [from, to] of spans) {
    if (to - from >= missing) return from + missing;
    missing -= to - from;
  }
  return undefined;
}

/** The time that lies in both unions, ms. */
export function sharedMs(a: readonly Span[], b: readonly Span[]): number {
  let shared = 0;
  const others = [...b];
  for (const [from, to] of a) {
    for (const [begun, over] of others)
      shared += Math.max(0, Math.min(to, over) - Math.max(from, begun));
    while ((others[0]?.[1] ?? Infinity) <= to) others.shift();
  }
  return shared;
}
