// Owns when people come and go in a phase, as its load grows or shrinks, and when they lose their connections in it. Knows neither rooms nor feeds.
import type { PhaseOrder } from './crew-messages.ts';
import type { Ground } from './listener/ground.ts';
import { isTaken, type Seat } from './placement.ts';

/** Somebody with a seat, who can lose the connection. */
interface Seated {
  readonly seat: Seat;
  cut(intendedMs: number): void;
}

export interface Comings<Person extends Seated> {
  readonly people: readonly Person[];
  /** Those of them who are meant to be there. */
  readonly taken: ReadonlySet<Person>;
  come(person: Person, intendedMs: number): void;
  leave(person: Person): void;
}

/** Plans all comings and goings of one phase. */
export function planComings<Person extends Seated>(
  { agenda, random }: Pick<Ground, 'agenda' | 'random'>,
  comings: Comings<Person>,
  { from, to, seconds, reconnectWithinMs }: PhaseOrder,
  startMs: number,
): void {
  const { people, taken } = comings;
  for (const person of people) {
    const { fromLoad } = person.seat;
    const isWanted = isTaken(fromLoad, to);
    if (isWanted === taken.has(person)) continue;
    const share = to === from ? 0 : (fromLoad - from) / (to - from);
    const atMs = startMs + Math.max(0, Math.min(1, share)) * seconds * 1_000;
    const act = isWanted
      ? (): void => comings.come(person, atMs)
      : (): void => comings.leave(person);
    agenda.at(atMs, act, 'arrival');
  }
  if (reconnectWithinMs === undefined) return;
  for (const person of taken) {
    const atMs = startMs + random.next() * reconnectWithinMs;
    agenda.at(atMs, () => person.cut(atMs), 'arrival');
  }
}
