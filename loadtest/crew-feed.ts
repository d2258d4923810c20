// Owns one thread's people of a feed: who comes when, what they play, who may see it, and what everybody must hold at the end.
import { planComings } from './comings.ts';
import type { FeedLatest, LastSeen, PhaseOrder, SpreadMark } from './crew-messages.ts';
import { feedGraph, isPrivate } from './feed-graph.ts';
import type { FeedGraph } from './feed-graph.ts';
import { Arrivals, type ActMark } from './ledger/arrivals.ts';
import { FeedPerson, SHOWN_AFTER_MS } from './listener/feed-person.ts';
import type { Ground } from './listener/ground.ts';
import { machineNow } from './machine-clock.ts';
import { isTaken, type Seat } from './placement.ts';
import type { FeedGroup } from './scenario/scenario.ts';

export interface CrewFeedOptions {
  readonly ground: Ground;
  readonly group: FeedGroup;
  /** The group's number. */
  readonly at: number;
  readonly seats: readonly Seat[];
  /** Of the whole group, in all threads. */
  readonly people: number;
  readonly seed: number;
  readonly threads: number;
  readonly userIdOf: (person: number) => string;
  /** The person of this run with that id; undefined for anybody else. */
  readonly personOf: (userId: string) => number | undefined;
  readonly spreadMark: (mark: SpreadMark) => void;
  readonly spreadLast: (seen: LastSeen) => void;
}

const MINUTE_MS = 60_000;
/** A play that is younger may still be on its way to somebody. */
const SURELY_SHOWN_MS = SHOWN_AFTER_MS + 3_000;
/** A snapshot holds so many live items: with more friends something may be left out. */
const MOST_HELD = 190;

export class CrewFeed {
  readonly #options: CrewFeedOptions;
  readonly #graph: FeedGraph;
  readonly #arrivals: Arrivals;
  readonly #firstPerson: number;
  readonly #taken = new Set<FeedPerson>();
  /** Those of this thread. */
  readonly #byPlace: ReadonlyMap<number, FeedPerson>;
  /** By place: the last two plays of people of this thread. */
  readonly #plays = new Map<number, { readonly activityId: string; readonly atMs: number }[]>();
  readonly people: readonly FeedPerson[];
  #round = 0;

  /** The group's number. */
  get at(): number {
    return this.#options.at;
  }

  constructor(options: CrewFeedOptions) {
    this.#options = options;
    const { ground, group, at, seats, people, seed, threads, spreadLast } = options;
    this.#graph = feedGraph(group, people, seed);
    const [first] = seats;
    this.#firstPerson = first === undefined ? 0 : first.person - first.place;
    this.#arrivals = new Arrivals({
      each: (_, afterMs) => ground.latencies.record('feed.visible', afterMs),
      last: ({ act, intendedMs }, afterMs, key) => {
        if (threads > 1) spreadLast({ group: at, room: 0, stream: 'feed', key, act, afterMs });
        else ground.latenciesAt(intendedMs).record('feed.last', afterMs);
      },
    });
    this.people = seats.map(
      (seat) =>
        new FeedPerson({
          ...{ ground, seat, arrivals: this.#arrivals },
          isPrivate: isPrivate(group, seat.place, seed),
          maySee: (userId) => this.#maySee(seat.place, userId),
          onPlay: (activityId, intendedMs, nth) =>
            this.#onPlay(seat.place, activityId, intendedMs, nth),
        }),
    );
    this.#byPlace = new Map(this.people.map((person) => [person.seat.place, person]));
  }

  get wanted(): number {
    return this.#taken.size;
  }

  begin(order: PhaseOrder, startMs: number): void {
    this.#round += 1;
    for (const person of this.people) {
      const stays = this.#taken.has(person) && isTaken(person.seat.fromLoad, order.to);
      if (stays) this.#playOn(person, startMs);
    }
    const comings = {
      ...{ people: this.people, taken: this.#taken },
      come: (person: FeedPerson, intendedMs: number) => this.#come(person, intendedMs),
      leave: (person: FeedPerson) => this.#leave(person),
    };
    planComings(this.#options.ground, comings, order, startMs);
  }

  mark(key: string, mark: ActMark): void {
    this.#arrivals.mark(key, mark, machineNow());
  }

  settle(nowMs: number): void {
    this.#arrivals.settle(nowMs);
  }

  /** A play has lasted so long that all friends who looked meanwhile have it, or miss it. @param place whose it is */
  shown(place: number, activityId: string): void {
    const nowMs = machineNow();
    const userId = this.#options.userIdOf(this.#firstPerson + place);
    for (const friend of this.#graph.friends[place] ?? []) {
      const viewer = this.#byPlace.get(friend);
      if (viewer === undefined || !this.#holdsAll(friend)) continue;
      if (viewer.hasLookedFor(SURELY_SHOWN_MS, nowMs)) viewer.shouldHave(userId, activityId);
    }
  }

  quiet(): void {
    this.#round += 1;
    for (const person of this.people) person.quiet();
  }

  /** The last play of each person here that is surely shown; people who began another one just now are left out. */
  latest(): FeedLatest[] {
    const nowMs = machineNow();
    const { at: group } = this.#options;
    return [...this.#plays].flatMap(([place, plays]) => {
      const last = plays.at(-1);
      if (last === undefined || nowMs - last.atMs < SURELY_SHOWN_MS) return [];
      return [{ group, place, activityId: last.activityId }];
    });
  }

  judge(latest: readonly FeedLatest[]): void {
    const { ground, at, userIdOf } = this.#options;
    const mine = latest.filter(({ group }) => group === at);
    for (const viewer of this.#taken) {
      if (!viewer.isJoined) {
        ground.counts.lost += 1;
        continue;
      }
      const friends = this.#graph.friends[viewer.seat.place];
      if (friends === undefined || !this.#holdsAll(viewer.seat.place)) continue;
      for (const { place, activityId } of mine) {
        if (!friends.has(place)) continue;
        const userId = userIdOf(this.#firstPerson + place);
        if (viewer.activityOf(userId) === activityId) continue;
        if (viewer.isAwaiting(userId, activityId)) continue;
        const detail = `person ${viewer.person} does not have ${activityId} of ${userId}`;
        ground.faults.add({ kind: 'unseen', stream: 'feed', count: 1, detail });
      }
      viewer.settle();
    }
  }

  #holdsAll(viewer: number): boolean {
    return (this.#graph.friends[viewer]?.size ?? 0) <= MOST_HELD;
  }

  #come(person: FeedPerson, intendedMs: number): void {
    this.#taken.add(person);
    person.come(intendedMs);
    this.#playOn(person, intendedMs);
  }

  #leave(person: FeedPerson): void {
    this.#taken.delete(person);
    this.#plays.delete(person.seat.place);
    person.close();
  }

  /** Track after track, until the phase ends. */
  #playOn(person: FeedPerson, afterMs: number): void {
    const { ground, group } = this.#options;
    if (group.playsPerMinute <= 0) return;
    const round = this.#round;
    const intendedMs = afterMs + ground.random.wait(MINUTE_MS / group.playsPerMinute);
    ground.agenda.at(intendedMs, () => {
      if (round !== this.#round || !this.#taken.has(person)) return;
      person.play(intendedMs);
      this.#playOn(person, intendedMs);
    });
  }

  #onPlay(place: number, activityId: string, intendedMs: number, nth: number): void {
    const plays = this.#plays.get(place) ?? [];
    plays.push({ activityId, atMs: intendedMs });
    this.#plays.set(place, plays.slice(-2));
    const { at: group, ground, threads, spreadMark } = this.#options;
    const mark = { act: 'feed', intendedMs: intendedMs + SHOWN_AFTER_MS };
    this.mark(activityId, mark);
    const spread = { group, room: 0, stream: 'feed', key: activityId, ...mark } as const;
    if (threads > 1) spreadMark(spread);
    ground.agenda.after(SURELY_SHOWN_MS, (nowMs) => {
      if (!this.#isShown(place, nth, nowMs)) return;
      this.shown(place, activityId);
      if (threads > 1) spreadMark({ ...spread, shownOf: place });
    });
  }

  /**
   * Whoever loses the connection before a track is shown, or begins another one, is not shown with it (FE4): one that was sent counts,
   * as a slow hub has it before it says so. One that stood still meanwhile, which is told as that, may not have shown it yet.
   */
  #isShown(place: number, nth: number, nowMs: number): boolean {
    const person = this.#byPlace.get(place);
    if (person?.plays !== nth || !person.hasLookedFor(SURELY_SHOWN_MS, nowMs)) return false;
    const { silences } = this.#options.ground;
    return !silences.some((each) => each.stoodStillSince(nowMs - SURELY_SHOWN_MS, nowMs));
  }

  #maySee(viewer: number, userId: string): boolean {
    const { personOf, group, seed } = this.#options;
    const person = personOf(userId);
    if (person === undefined) return false;
    const place = person - this.#firstPerson;
    if (place === viewer) return true;
    return this.#graph.friends[viewer]?.has(place) === true && !isPrivate(group, place, seed);
  }
}
