// From the events of one append to what the record of sessions gains: who came and went, and what was played. Pure.
import type { EntryId, HubMs, SessionId, TrackId, UserId } from '../../protocol/ids.ts';
import {
  NOTHING_HEARD,
  closeTimeline,
  replaceTimeline,
  type Heard,
  type PlayedSegment,
} from './plays.ts';
import type { RoomEvent } from './room-event.ts';
import type { RoomState } from './room-state.ts';

/** `Heard`, with the titles of its entries: an entry may have left the queue before its play is recorded. */
export interface HeardRoom extends Heard {
  readonly titles: Readonly<Record<EntryId, TitledTrack>>;
}

interface TitledTrack {
  readonly title: string;
  readonly artist: string;
}

export const NOTHING_HEARD_IN_ROOM: HeardRoom = { ...NOTHING_HEARD, titles: {} };

export interface ArrivalRow {
  readonly sessionId: SessionId;
  readonly userId: UserId;
  readonly name: string;
  readonly arrivedAt: HubMs;
  readonly departedAt?: HubMs;
  /** The index in the append of the event that told it. */
  readonly eventIndex: number;
}

export interface PlayRow extends TitledTrack {
  readonly sessionId: SessionId;
  readonly entryId: EntryId;
  readonly trackId: TrackId;
  readonly startedAt: HubMs;
  readonly endedAt: HubMs;
}

export interface RecordChanges {
  readonly started: readonly { readonly sessionId: SessionId; readonly at: HubMs }[];
  readonly ended: readonly { readonly sessionId: SessionId; readonly at: HubMs }[];
  readonly arrivals: readonly ArrivalRow[];
  /** Of people who arrived in an earlier append. */
  readonly departures: readonly {
    readonly sessionId: SessionId;
    readonly userId: UserId;
    readonly at: HubMs;
  }[];
  readonly plays: readonly PlayRow[];
  /** Absent where it is as it was. */
  readonly heard?: HeardRoom;
}

/** Whether `sessionChanges` needs what was heard before these events. */
export function concernsPlayback(events: readonly RoomEvent[]): boolean {
  return events.some(({ type }) => type === 'PlaybackMoved' || type === 'SessionEnded');
}

/**
 * @param heard what was heard before `events` and is not recorded yet
 * @param after the state after all of `events`
 */
export function sessionChanges(
  heard: HeardRoom,
  events: readonly RoomEvent[],
  after: RoomState,
): RecordChanges {
  const started: { sessionId: SessionId; at: HubMs }[] = [];
  const ended: { sessionId: SessionId; at: HubMs }[] = [];
  const arrivals: ArrivalRow[] = [];
  const departures: { sessionId: SessionId; userId: UserId; at: HubMs }[] = [];
  const plays: PlayRow[] = [];
  const titles = titlesIn(heard, events, after);
  let pending: Heard = heard;
  let session = sessionBefore(events, after);
  let closing: HubMs | undefined;

  const record = (segments: readonly PlayedSegment[]): void => {
    for (const { entryId, trackId, startedAt, endedAt } of segments) {
      if (session === undefined) continue;
      const { title, artist } = titles[entryId] ?? { title: '', artist: '' };
      plays.push({ sessionId: session, entryId, trackId, title, artist, startedAt, endedAt });
    }
  };
  // Put off to the end of the gathering's events: the pause of a deserted room may follow, and may lie before.
  const close = (): void => {
    if (closing === undefined) return;
    record(closeTimeline(pending, closing));
    pending = NOTHING_HEARD;
    closing = undefined;
  };

  const depart = (sessionId: SessionId, userId: UserId, at: HubMs): void => {
    const here = arrivals.findLastIndex(
      (row) => row.userId === userId && row.sessionId === sessionId && row.departedAt === undefined,
    );
    const arrival = arrivals[here];
    if (arrival === undefined) departures.push({ sessionId, userId, at });
    else arrivals[here] = { ...arrival, departedAt: at };
  };

  events.forEach((event, eventIndex) => {
    const { at } = event;
    if (event.type === 'SessionStarted') {
      close();
      session = event.sessionId;
      started.push({ sessionId: session, at });
    } else if (event.type === 'SessionEnded') {
      ended.push({ sessionId: event.sessionId, at });
      closing = at;
    } else if (event.type === 'PlaybackMoved') {
      const replaced = replaceTimeline(pending, event.timeline, at);
      record(replaced.plays);
      pending = replaced.heard;
    } else if (event.type === 'MembersArrived' && session !== undefined) {
      for (const { userId, name } of event.members) {
        arrivals.push({ sessionId: session, userId, name, arrivedAt: at, eventIndex });
      }
    } else if (event.type === 'MembersDeparted' && session !== undefined) {
      for (const { userId } of event.members) depart(session, userId, at);
    }
  });
  close();

  const changes = { started, ended, arrivals: endedWith(arrivals, ended), departures, plays };
  return concernsPlayback(events) ? { ...changes, heard: withTitles(pending, titles) } : changes;
}

/** The session before the events, read off them: one that ends without having begun among them was there before. */
function sessionBefore(events: readonly RoomEvent[], after: RoomState): SessionId | undefined {
  for (const event of events) {
    if (event.type === 'SessionStarted') {
      // Arrivals told in the same append just before the start belong to it.
      return event.sessionId;
    }
    if (event.type === 'SessionEnded') return event.sessionId;
  }
  return after.public.session?.id;
}

function titlesIn(
  heard: HeardRoom,
  events: readonly RoomEvent[],
  after: RoomState,
): Readonly<Record<EntryId, TitledTrack>> {
  const titles: Record<string, TitledTrack> = { ...heard.titles };
  const add = (entries: Readonly<Record<string, TitledTrack>>): void => {
    for (const [id, { title, artist }] of Object.entries(entries)) titles[id] = { title, artist };
  };
  if (concernsPlayback(events)) {
    for (const event of events) {
      if (event.type === 'QueueAdded') add(event.entries);
      if (event.type === 'QueueUndone') add(event.restored ?? {});
    }
    add(after.public.queue);
  }
  return titles;
}

function withTitles(heard: Heard, titles: Readonly<Record<EntryId, TitledTrack>>): HeardRoom {
  const needed: Record<EntryId, TitledTrack> = {};
  for (const anchor of heard.timeline) {
    const track = 'entryId' in anchor ? titles[anchor.entryId] : undefined;
    if ('entryId' in anchor && track !== undefined) needed[anchor.entryId] = track;
  }
  return { ...heard, titles: needed };
}

function endedWith(
  arrivals: readonly ArrivalRow[],
  ended: readonly { readonly sessionId: SessionId; readonly at: HubMs }[],
): readonly ArrivalRow[] {
  if (ended.length === 0) return arrivals;
  return arrivals.map((row) => {
    const end = ended.find(({ sessionId }) => sessionId === row.sessionId);
    return end === undefined || row.departedAt !== undefined ? row : { ...row, departedAt: end.at };
  });
}
