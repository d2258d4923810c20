// One room as a hub would show it, and how it changes: enough for what a client does with it.
import type { EntryId, RoomCode, RoomId, TrackId, UserId } from '../../protocol/ids.ts';
import { applyPatch, type JsonObject } from '../../protocol/merge-patch.ts';
import type { Anchor } from '../../protocol/schemas/playback.ts';
import type { Entry, PublicRoom } from '../../protocol/schemas/room.ts';
import { stateHash } from '../../protocol/state-hash.ts';

const HOST = '00000000-0000-4000-9000-000000000001' as UserId;

export const ROOM_ID = '00000000-0000-4000-8000-0000000000aa' as RoomId;

export function entryId(n: number): EntryId {
  return `entry${n}` as EntryId;
}

export function entry(n: number): Entry {
  return {
    trackId: `track${n}` as TrackId,
    title: `Title ${n}`,
    artist: 'Artist',
    durationMs: 60_000,
    hasCover: false,
    rank: `a${n}`,
    addedBy: HOST,
    addedByName: 'Ana',
    addedAt: 1,
    score: 0,
    skipVotes: 0,
  };
}

export function anchor(n: number, at: number, more: Partial<Anchor> = {}): Anchor {
  return {
    state: 'playing',
    entryId: entryId(n),
    trackId: entry(n).trackId,
    durationMs: 60_000,
    positionMs: 0,
    at,
    ...more,
  };
}

export function publicRoom(more: Partial<PublicRoom> = {}): PublicRoom {
  return {
    id: ROOM_ID,
    code: 'ABCDEFGH' as RoomCode,
    name: 'Friday',
    preset: 'friends',
    visibility: 'unlisted',
    createdAt: 1,
    settings: {
      control: 'all',
      queueAdd: 'all',
      queueEdit: 'all',
      chat: 'all',
      invite: 'all',
      queuePolicy: 'manual',
      skipVoteShare: 0.5,
      removeVoteShare: 0.5,
      gateMs: 3_000,
      gateQuorum: 0.8,
      friendsEnter: true,
      showActivity: true,
    },
    ownerId: HOST,
    hostId: HOST,
    roles: { [HOST]: { name: 'Ana', role: 'host', here: true } },
    hereCount: 1,
    queue: { [entryId(1)]: entry(1), [entryId(2)]: entry(2) },
    playback: { timeline: [anchor(1, 1_000)], repeat: 'off', shuffle: false },
    ...more,
  };
}

/** A hub's side of a room: each `step` is one revision. */
export class RoomSource {
  room: PublicRoom;
  epoch = 1;
  revision = 10;

  constructor(room = publicRoom()) {
    this.room = room;
  }

  step(patch: JsonObject, event: object = {}, withHash = false): object {
    this.revision += 1;
    this.room = applyPatch(this.room, patch);
    return {
      revision: this.revision,
      event: { id: `event${this.revision}`, at: 1, type: 'RoomUpdated', ...event },
      patch,
      ...(withHash ? { hash: stateHash(this.room) } : {}),
    };
  }

  rename(name: string, withHash = false): object {
    return this.step({ name }, { by: HOST, name }, withHash);
  }

  events(...revisions: object[]): object {
    return { type: 'room.events', roomId: this.room.id, epoch: this.epoch, revisions };
  }
}
