// Rooms for tests of what stores them: real events in a real order, with the state that the reducer makes of them.
import { randomUUID } from 'node:crypto';
import type {
  EntryId,
  EventId,
  HubMs,
  RoomCode,
  RoomId,
  SessionId,
  TrackId,
  UserId,
} from '../../protocol/ids.ts';
import type { RoomEventType } from '../../protocol/schemas/events.ts';
import type { Anchor } from '../../protocol/schemas/playback.ts';
import { CODE_ALPHABET, ROOM_CODE_LENGTH } from '../../protocol/schemas/primitives.ts';
import type { Entry, Visibility } from '../../protocol/schemas/room.ts';
import { evolve } from '../../src/domain/evolve.ts';
import { PRESETS } from '../../src/domain/presets.ts';
import type { RoomEvent } from '../../src/domain/room-event.ts';
import type { RoomState } from '../../src/domain/room-state.ts';
import {
  NO_ROOM,
  type AppendResult,
  type Head,
  type IdempotencyRecord,
  type LoadedRoom,
  type RoomLog,
} from '../../src/ports/room-log.ts';

type Body<T extends RoomEventType> = Omit<Extract<RoomEvent, { type: T }>, 'id' | 'at' | 'type'>;

export const someUserId = (): UserId => randomUUID() as UserId;
export const someRoomId = (): RoomId => randomUUID() as RoomId;
export const someSessionId = (): SessionId => randomUUID() as SessionId;
export const someEventId = (): EventId => randomUUID().slice(0, 18) as EventId;

export function someCode(): RoomCode {
  const bytes = Buffer.from(randomUUID().replaceAll('-', ''), 'hex');
  const letters = Array.from(
    { length: ROOM_CODE_LENGTH },
    (_, i) => CODE_ALPHABET[(bytes[i] ?? 0) % CODE_ALPHABET.length],
  );
  return letters.join('') as RoomCode;
}

export function someEntry(title: string, durationMs: number): Entry {
  return {
    trackId: `track-${title}` as TrackId,
    title,
    artist: `Artist of ${title}`,
    durationMs,
    hasCover: false,
    rank: title,
    addedBy: someUserId(),
    addedByName: 'Ana',
    addedAt: 0,
    score: 0,
    skipVotes: 0,
  };
}

export function playing(entry: string, at: HubMs, durationMs: number, positionMs = 0): Anchor {
  return {
    state: 'playing',
    entryId: entry as EntryId,
    trackId: `track-${entry}` as TrackId,
    durationMs,
    positionMs,
    at,
  };
}

export function paused(entry: string, at: HubMs, durationMs: number, positionMs: number): Anchor {
  return { ...playing(entry, at, durationMs, positionMs), state: 'paused' } as Anchor;
}

/** One room and the end of its log, as somebody who appends to it knows them. */
export class RoomScript {
  readonly roomId: RoomId = randomUUID() as RoomId;
  readonly code: RoomCode;
  readonly hostId: UserId = someUserId();
  head: Head = NO_ROOM;
  state: RoomState | undefined;
  at: HubMs;

  constructor(options: { readonly at?: HubMs; readonly code?: RoomCode } = {}) {
    this.at = options.at ?? 1_000;
    this.code = options.code ?? someCode();
  }

  event<T extends RoomEventType>(type: T, body: Body<T>): RoomEvent {
    return { id: someEventId(), at: this.at, type, ...body } as unknown as RoomEvent;
  }

  created(visibility: Visibility = 'unlisted'): RoomEvent {
    return this.event('RoomCreated', {
      roomId: this.roomId,
      by: this.hostId,
      byName: 'Hana',
      code: this.code,
      name: 'Kitchen',
      preset: 'friends',
      visibility,
      settings: PRESETS.friends,
    });
  }

  renamed(name: string): RoomEvent {
    return this.event('RoomUpdated', { by: this.hostId, name });
  }

  arrived(...people: readonly { readonly userId: UserId; readonly name: string }[]): RoomEvent {
    return this.event('MembersArrived', { members: people, count: people.length });
  }

  departed(...people: readonly { readonly userId: UserId; readonly name: string }[]): RoomEvent {
    const members = people.map((person) => ({ ...person, reason: 'left' as const }));
    return this.event('MembersDeparted', { members, count: members.length });
  }

  queued(titles: Readonly<Record<string, number>>): RoomEvent {
    const entries = Object.entries(titles).map(([title, ms]) => [title, someEntry(title, ms)]);
    return this.event('QueueAdded', {
      by: this.hostId,
      entries: Object.fromEntries(entries) as Record<string, Entry>,
    });
  }

  moved(...timeline: Anchor[]): RoomEvent {
    return this.event('PlaybackMoved', { by: this.hostId, cause: 'play', timeline });
  }

  after(events: readonly RoomEvent[]): RoomState {
    let state = this.state;
    for (const event of events) state = evolve(state, event);
    if (state === undefined) throw new Error('no events');
    return state;
  }

  /** Appends at the head that it knows, and moves on when that is committed. */
  async append(
    log: RoomLog,
    events: readonly RoomEvent[],
    keys: readonly IdempotencyRecord[] = [],
  ): Promise<AppendResult> {
    const after = this.after(events);
    const result = await log.append(this.roomId, this.head, events, after, keys);
    if (result.kind === 'committed') {
      this.head = result.head;
      this.state = after;
    }
    return result;
  }
}

/** A room whose creation is in `log`. */
export async function createdRoom(
  log: RoomLog,
  options: ConstructorParameters<typeof RoomScript>[0] & { readonly visibility?: Visibility } = {},
): Promise<RoomScript> {
  const room = new RoomScript(options);
  const result = await room.append(log, [room.created(options.visibility)]);
  if (result.kind !== 'committed') throw new Error(`a new room was answered ${result.kind}`);
  return room;
}

/** What the log has of the room, without what a holder is given beside it. */
export async function roomIn(
  log: Pick<RoomLog, 'load'>,
  { roomId }: Pick<RoomScript, 'roomId'>,
): Promise<Pick<LoadedRoom, 'head' | 'state'> | undefined> {
  const loaded = await log.load(roomId);
  return loaded && { head: loaded.head, state: loaded.state };
}
