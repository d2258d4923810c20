// Owns how people, ages and lengths of time are put into words in the feed and in one's history; must not know where they are shown.
import type { Imported } from './page-people.ts';
import { countLabel } from './wording.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** How long ago, short: `now`, `4 min ago`, `3 h ago`, `2 days ago`, by whole days. */
export function agoLabel(ageMs: number): string {
  if (ageMs < MINUTE) return 'now';
  if (ageMs < HOUR) return `${Math.floor(ageMs / MINUTE)} min ago`;
  if (ageMs < DAY) return `${Math.floor(ageMs / HOUR)} h ago`;
  const days = Math.floor(ageMs / DAY);
  return days === 1 ? 'a day ago' : `${days} days ago`;
}

/** How long somebody has listened, short: `40 s`, `12 min`, `3 h 5 min`. */
export function lengthLabel(ms: number): string {
  if (ms < MINUTE) return `${Math.max(0, Math.floor(ms / 1000))} s`;
  const minutes = Math.floor(ms / MINUTE);
  if (minutes < 60) return `${minutes} min`;
  const rest = minutes % 60;
  const hours = `${Math.floor(minutes / 60)} h`;
  return rest === 0 ? hours : `${hours} ${rest} min`;
}

/** What is left of a private session: rounded up, so that it is never said to be over before it is. */
export function leftLabel(ms: number): string {
  if (ms <= MINUTE) return 'less than a minute left';
  return `${lengthLabel(Math.ceil(ms / MINUTE) * MINUTE)} left`;
}

/** `Ana`, `Ana and Ben`, `Ana with Ben and 2 more`. @param names the first is named first */
export function togetherLabel(names: readonly string[]): string {
  const [first = 'Somebody', second, ...others] = names;
  if (second === undefined) return first;
  return others.length === 0
    ? `${first} and ${second}`
    : `${first} with ${second} and ${others.length} more`;
}

/** The first letter as people see it: an accent or a flag is one. */
export function initialOf(name: string): string {
  const [first] = new Intl.Segmenter().segment(name);
  return first?.segment.toUpperCase() ?? '';
}

/** What became of a file of listens: `3 listens taken in. 2 listens were here. 1 listen left out: number 6, listened_at: …`. */
export function importedLabel({ received, added, skipped, problems: [first] }: Imported): string {
  const known = received - added - skipped;
  const were = known === 0 ? '' : ` ${countLabel(known, 'listen')} were here.`;
  const why = first === undefined ? '' : `: number ${first.index + 1}, ${first.why}`;
  const out = skipped === 0 ? '' : ` ${countLabel(skipped, 'listen')} left out${why}.`;
  return `${countLabel(added, 'listen')} taken in.${were}${out}`;
}

const REFUSALS: Readonly<Record<string, string>> = {
  not_found: 'They cannot be found any more.',
  conflict: 'That is as many friends, or requests, as can be.',
  rate_limited: 'That was often. Try again a little later.',
  forbidden: 'That is not allowed.',
};

/** A refusal about people; undefined where the general sentence says it. */
export function peopleRefusal(code: string | undefined): string | undefined {
  return REFUSALS[code ?? ''];
}
