// Owns how a stretch of days is laid out as bars, days without anything included; must not know how it is drawn.
import type { ListenCount } from './page-people.ts';

export interface DayBar {
  /** `2026-11-24`. */
  readonly day: string;
  readonly listens: number;
  readonly heardMs: number;
  /** 0…1 of the highest bar. */
  readonly share: number;
}

const DAY_MS = 86_400_000;
/** More bars than this cannot be told apart on a phone: the last ones are shown then. */
export const MAX_BARS = 90;

/** One bar for each day up to `lastDay`, oldest first. @param counts by day, in any order */
export function barsOf(counts: readonly ListenCount[], lastDay: string): DayBar[] {
  const known = new Map(counts.map((count) => [count.key, count]));
  const days = [...known.keys()].filter((day) => day <= lastDay).sort();
  const [first] = days;
  if (first === undefined) return [];
  const last = Date.parse(lastDay);
  const from = Math.max(Date.parse(first), last - (MAX_BARS - 1) * DAY_MS);
  const bars: DayBar[] = [];
  for (let at = from; at <= last; at += DAY_MS) {
    const day = new Date(at).toISOString().slice(0, 10);
    const { listens = 0, heardMs = 0 } = known.get(day) ?? {};
    bars.push({ day, listens, heardMs, share: 0 });
  }
  const highest = Math.max(1, ...bars.map(({ listens }) => listens));
  return bars.map((bar) => ({ ...bar, share: bar.listens / highest }));
}

/** The day of a moment where the reader is: `2026-11-24`. */
export function dayOf(at: number): string {
  const date = new Date(at);
  const two = (part: number): string => String(part).padStart(2, '0');
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}
