// What a session was: who was there and when, what played, what was skipped and voted. Pure: told of the record and the events.
import type { EntryId, HubMs, SessionId, TrackId, UserId } from '../../protocol/ids.ts';
import { anchorAt, type Anchor, type Gate } from '../../protocol/schemas/playback.ts';
import type { Entry } from '../../protocol/schemas/room.ts';
import { entryIdOf, headIndex } from '../../protocol/timeline-head.ts';
import { entriesOf } from './records.ts';
import type { RoomEvent } from './room-event.ts';

/** The events that a recap is told of; others change nothing in it. */
export const RECAP_EVENTS = [
  'PlaybackMoved',
  'QueueAdded',
  'QueueRemoved',
  'QueueCleared',
  'QueueUndone',
  'EntryVoted',
  'SkipVoted',
] as const satisfies readonly RoomEvent['type'][];

type RecapEvent = RoomEvent<(typeof RECAP_EVENTS)[number]>;

/** What an entry of the queue is, as far as anything tells it. */
export interface RecapEntry {
  readonly entryId: EntryId;
  readonly trackId?: TrackId;
  readonly title: string;
  readonly artist: string;
  readonly addedBy?: UserId;
}

export interface RecapStay {
  readonly arrivedAt: HubMs;
  /** Absent while it lasts. */
  readonly departedAt?: HubMs;
}

export interface RecapPerson {
  readonly userId: UserId;
  /** As of the last arrival. */
  readonly name: string;
  readonly stays: readonly RecapStay[];
  readonly presentMs: number;
}

export interface RecapPlay extends RecapEntry {
  readonly startedAt: HubMs;
  readonly endedAt: HubMs;
}

export interface RecapSkip extends RecapEntry {
  readonly at: HubMs;
  /** `hand`: somebody who may pressed skip. `vote`: enough of those present asked for it. */
  readonly how: 'hand' | 'vote';
  /** Who pressed it; absent for a vote. */
  readonly by?: UserId;
  /** Who voted to skip it, whoever skipped it in the end. */
  readonly voters: readonly UserId[];
}

/** The votes given on one entry in this session; somebody's last vote counts. */
export interface RecapVotes extends RecapEntry {
  readonly up: number;
  readonly down: number;
  /** People who voted to skip it. */
  readonly toSkip: number;
}

export interface SessionRecap {
  readonly people: readonly RecapPerson[];
  readonly plays: readonly RecapPlay[];
  readonly skips: readonly RecapSkip[];
  readonly votes: readonly RecapVotes[];
  readonly counts: {
    readonly people: number;
    /** The most who were there at one time. */
    readonly peakPeople: number;
    readonly plays: number;
    /** Different tracks that were heard. */
    readonly tracks: number;
    readonly playedMs: number;
    readonly added: number;
    readonly skips: number;
    /** Votes on entries and votes to skip together. */
    readonly votes: number;
  };
}

/** The record of a session, in the archive's words. */
export interface RecordedSession {
  readonly sessionId: SessionId;
  readonly endedAt?: HubMs;
  readonly participations: readonly (RecapStay & {
    readonly userId: UserId;
    readonly name: string;
  })[];
  readonly plays: readonly {
    readonly entryId: EntryId;
    readonly trackId: TrackId;
    readonly title: string;
    readonly artist: string;
    readonly startedAt: HubMs;
    readonly endedAt: HubMs;
  }[];
}

interface Votes {
  readonly entry: Map<UserId, 1 | -1>;
  readonly toSkip: Set<UserId>;
}

type Known = Omit<RecapEntry, 'entryId'>;

/** Takes in the events of one session, in order; tells what they come to. */
export class RecapTally {
  readonly #known = new Map<EntryId, Known>();
  readonly #votes = new Map<EntryId, Votes>();
  /** Votes to skip that still count: those for the entry that is current. */
  readonly #standing = new Map<EntryId, Set<UserId>>();
  readonly #gone = new Set<EntryId>();
  readonly #skips: Omit<RecapSkip, keyof Known>[] = [];
  #timeline: readonly Anchor[] = [];
  #gate: Gate | undefined;
  #added = 0;

  add(event: RoomEvent): void {
    if (!isRecapEvent(event)) return;
    switch (event.type) {
      case 'QueueAdded':
        this.#learn(event.entries);
        this.#added += Object.keys(event.entries).length;
        for (const entryId of event.dropped ?? []) this.#gone.add(entryId);
        return;
      case 'QueueUndone':
        this.#learn(event.restored ?? {});
        for (const entryId of event.removed ?? []) this.#gone.add(entryId);
        return;
      case 'QueueRemoved':
      case 'QueueCleared':
        for (const entryId of event.entryIds) this.#gone.add(entryId);
        return;
      case 'EntryVoted': {
        const { entry } = this.#votesOn(event.entryId);
        if (event.value === 0) entry.delete(event.by);
        else entry.set(event.by, event.value);
        return;
      }
      case 'SkipVoted': {
        this.#votesOn(event.entryId).toSkip.add(event.by);
        const standing = this.#standing.get(event.entryId) ?? new Set();
        this.#standing.set(event.entryId, standing.add(event.by));
        return;
      }
      case 'PlaybackMoved':
        this.#move(event);
        return;
    }
  }

  /**
   * @param at until when a session that still lasts is told
   * @param queue the room's queue as it is now: it knows entries that were there before the session
   */
  recap(
    session: RecordedSession,
    at: HubMs,
    queue: Readonly<Record<EntryId, Entry>> = {},
  ): SessionRecap {
    for (const [entryId, entry] of entriesOf(queue)) {
      if (!this.#isTitled(entryId)) this.#known.set(entryId, knownOf(entry));
    }
    for (const { entryId, trackId, title, artist } of session.plays) {
      if (!this.#isTitled(entryId)) this.#known.set(entryId, { trackId, title, artist });
    }
    const people = peopleOf(session, at);
    const plays = session.plays.map(({ startedAt, endedAt, ...play }) => {
      const { addedBy } = this.#entry(play.entryId);
      return { ...play, ...(addedBy === undefined ? {} : { addedBy }), startedAt, endedAt };
    });
    const skips = this.#skips.map((skip) => ({ ...this.#entry(skip.entryId), ...skip }));
    const votes = [...this.#votes]
      .map(([entryId, given]) => ({ ...this.#entry(entryId), ...sumOf(given) }))
      .filter(({ up, down, toSkip }) => up + down + toSkip > 0);
    return {
      people,
      plays,
      skips,
      votes,
      counts: {
        people: people.length,
        peakPeople: peakOf(session.participations),
        plays: plays.length,
        tracks: new Set(plays.map(({ trackId }) => trackId)).size,
        playedMs: plays.reduce((sum, { startedAt, endedAt }) => sum + endedAt - startedAt, 0),
        added: this.#added,
        skips: skips.length,
        votes: votes.reduce((sum, { up, down, toSkip }) => sum + up + down + toSkip, 0),
      },
    };
  }

  #move({ at, by, cause, timeline, gate }: RoomEvent<'PlaybackMoved'>): void {
    for (const anchor of timeline) {
      const entryId = entryIdOf(anchor);
      if (entryId === undefined || !('trackId' in anchor) || this.#known.has(entryId)) continue;
      this.#known.set(entryId, { trackId: anchor.trackId, title: '', artist: '' });
    }
    if (cause === 'skip' || cause === 'vote') {
      const entryId = cause === 'vote' ? this.#votedAway(at) : this.#leftBy(timeline, at);
      if (entryId !== undefined) {
        this.#skips.push({
          entryId,
          at,
          how: cause === 'vote' ? 'vote' : 'hand',
          ...(by === undefined ? {} : { by }),
          voters: [...(this.#standing.get(entryId) ?? [])],
        });
      }
    }
    this.#timeline = timeline;
    this.#gate = gate;
    const head = this.#headAt(at);
    const current = head === undefined ? undefined : entryIdOf(head);
    for (const entryId of this.#standing.keys()) {
      if (entryId !== current) this.#standing.delete(entryId);
    }
  }

  /** The entry that a vote skipped: the one that was current, or else the last that was voted on. */
  #votedAway(at: HubMs): EntryId | undefined {
    const head = this.#headAt(at);
    return head === undefined ? [...this.#standing.keys()].at(-1) : entryIdOf(head);
  }

  /** The entry that a skip left: what was decided last, or what sounds when the skip takes effect. */
  #leftBy(timeline: readonly Anchor[], at: HubMs): EntryId | undefined {
    const isKept = (anchor: Anchor): boolean =>
      this.#timeline.some((before) => isSameAnchor(before, anchor));
    const head = this.#headAt(at);
    const isInTime = head !== undefined && head.at > at;
    if (isInTime && !timeline.some((anchor) => isSameAnchor(anchor, head))) {
      return entryIdOf(head);
    }
    const before = this.#timeline.length === 0 ? undefined : anchorAt(this.#timeline, at);
    const change = timeline.findIndex((anchor) => !isKept(anchor));
    // Without what was there before the first anchor is what the skip found.
    const last = before === undefined ? timeline[0] : (timeline[change - 1] ?? before);
    return last === undefined ? undefined : entryIdOf(last);
  }

  #headAt(at: HubMs): Anchor | undefined {
    const ids = this.#timeline.map((anchor) => entryIdOf(anchor));
    const queue: Record<EntryId, true> = {};
    for (const id of ids) if (id !== undefined && !this.#gone.has(id)) queue[id] = true;
    const playback = {
      timeline: this.#timeline,
      ...(this.#gate === undefined ? {} : { gate: this.#gate }),
    };
    return this.#timeline[headIndex({ playback, queue }, at)];
  }

  #learn(entries: Readonly<Record<EntryId, Entry>>): void {
    for (const [entryId, entry] of entriesOf(entries)) {
      this.#known.set(entryId, knownOf(entry));
      this.#gone.delete(entryId);
    }
  }

  #isTitled(entryId: EntryId): boolean {
    return (this.#known.get(entryId)?.title ?? '') !== '';
  }

  #entry(entryId: EntryId): RecapEntry {
    return { entryId, ...(this.#known.get(entryId) ?? { title: '', artist: '' }) };
  }

  #votesOn(entryId: EntryId): Votes {
    const votes = this.#votes.get(entryId) ?? { entry: new Map(), toSkip: new Set() };
    this.#votes.set(entryId, votes);
    return votes;
  }
}

function isRecapEvent(event: RoomEvent): event is RecapEvent {
  return (RECAP_EVENTS as readonly string[]).includes(event.type);
}

function knownOf({ trackId, title, artist, addedBy }: Entry): Known {
  return { trackId, title, artist, addedBy };
}

function sumOf({ entry, toSkip }: Votes): { up: number; down: number; toSkip: number } {
  const up = [...entry.values()].filter((value) => value > 0).length;
  return { up, down: entry.size - up, toSkip: toSkip.size };
}

function isSameAnchor(a: Anchor, b: Anchor): boolean {
  return (
    a.at === b.at &&
    a.state === b.state &&
    a.positionMs === b.positionMs &&
    entryIdOf(a) === entryIdOf(b)
  );
}

function peopleOf({ participations, endedAt }: RecordedSession, at: HubMs): RecapPerson[] {
  const people = new Map<UserId, { name: string; stays: RecapStay[]; presentMs: number }>();
  for (const { userId, name, arrivedAt, departedAt } of participations) {
    const person = people.get(userId) ?? { name, stays: [], presentMs: 0 };
    person.name = name;
    person.stays.push({ arrivedAt, ...(departedAt === undefined ? {} : { departedAt }) });
    person.presentMs += Math.max(0, (departedAt ?? endedAt ?? at) - arrivedAt);
    people.set(userId, person);
  }
  return [...people].map(([userId, person]) => ({ userId, ...person }));
}

/** The most who were there at one time; who leaves at the moment in which another comes makes place first. */
function peakOf(stays: readonly RecapStay[]): number {
  const steps = stays.flatMap(({ arrivedAt, departedAt }) => [
    { at: arrivedAt, step: 1 },
    ...(departedAt === undefined ? [] : [{ at: departedAt, step: -1 }]),
  ]);
  steps.sort((a, b) => a.at - b.at || a.step - b.step);
  let here = 0;
  let peak = 0;
  for (const { step } of steps) {
    here += step;
    peak = Math.max(peak, here);
  }
  return peak;
}
