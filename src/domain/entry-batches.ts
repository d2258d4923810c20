// Entries of the listening history told at once: one of each activity or listen. Pure.
import type { Span } from './now-playing.ts';

interface Versioned {
  readonly version: number;
  readonly at: number;
}
interface Spanned {
  readonly spans: readonly Span[];
}

/** One of each id, in the order of ids, so that no two writers wait for each other. */
export function oneOfEach<T>(
  entries: readonly T[],
  idOf: (entry: T) => string,
  join: (before: T, after: T) => T,
): T[] {
  const byId = new Map<string, T>();
  for (const entry of entries) {
    const before = byId.get(idOf(entry));
    byId.set(idOf(entry), before === undefined ? entry : join(before, entry));
  }
  return [...byId.values()].toSorted((a, b) => (idOf(a) < idOf(b) ? -1 : 1));
}

/**
 * The newest word, with the earliest beginning that was told: whoever goes on on another node has begun no later for it, and in a list by
 * the time of beginning nothing moves to where a reader of pages has been.
 */
export function newer<T extends Versioned>(before: T, after: T): T {
  const [older, newest] = before.version > after.version ? [after, before] : [before, after];
  return older.at < newest.at ? { ...newest, at: older.at } : newest;
}

export function spanning<T extends Spanned>(before: T, after: T): T {
  return { ...after, spans: [...before.spans, ...after.spans] };
}
