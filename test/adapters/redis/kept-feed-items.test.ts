// What lies in an author's head as the feed keeps it: kept, so that viewers' nodes of another version show, hide and take away the same.
import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../../protocol/merge-patch.ts';
import type { RoomCode, SessionId, TrackId } from '../../../protocol/ids.ts';
import {
  liveItem,
  readLive,
  withheldIn,
  withheldItem,
  withheldSolo,
  type Activity,
  type ActivityEntrance,
} from '../../../src/hub/listening/live-activity.ts';
import { testKept, type Example } from './kept-words.ts';
import { ANA, ROOM } from './words-place.ts';

const USER = { id: ANA, name: 'Ana', colour: '#aa3355', picture: '/v1/pictures/1' };
const ACTIVITY: Activity = {
  activityId: 'activity-1',
  playKey: 'play-1',
  at: 1_000.5,
  state: 'playing',
  track: {
    ...{ trackId: 't1' as TrackId, title: 'Song', artist: 'Band', album: 'Record' },
    ...{ durationMs: 180_000, hasCover: true },
  },
  positionMs: 0,
  positionAt: 1_000.5,
  isHidden: false,
};
const HERE = { roomId: ROOM, name: 'Kitchen', code: 'KTCHN2' as RoomCode, hereCount: 2 };
const ENTRANCES: { readonly [E in ActivityEntrance]: Activity } = {
  room: { ...ACTIVITY, room: HERE, sessionId: 's1' as SessionId, join: 'room' },
  knock: {
    ...{ ...ACTIVITY, state: 'paused', join: 'knock' },
    room: { roomId: ROOM, name: 'Kitchen', hereCount: 1 },
  },
  solo: { ...ACTIVITY, join: 'solo' },
};
const SOLO = { activityId: 'activity-3', at: 900, mark: 'mark', until: 5_000 };

function read(item: JsonObject): object {
  return {
    live: readLive(item) ?? null,
    withheld: withheldIn(item),
    solo: withheldSolo(item) ?? null,
  };
}

const examples: Readonly<Record<string, Example<JsonObject>>> = {
  ...Object.fromEntries(
    Object.entries(ENTRANCES).map(([join, activity]): [string, Example<JsonObject>] => [
      join,
      { write: () => liveItem(activity, USER, join === 'room' ? { '🎉': 2 } : {}), read },
    ]),
  ),
  'withheld beside it': {
    write: () => {
      const live = liveItem(ENTRANCES.solo, USER, {});
      return withheldItem(live, { removed: ['activity-2'], hidden: [] }, undefined) ?? {};
    },
    read,
  },
  'withheld alone': {
    write: () =>
      withheldItem(undefined, { removed: ['activity-2'], hidden: ['activity-3'] }, SOLO) ?? {},
    read,
  },
};

describe('an item of the feed', () => {
  const newest = testKept('feed-items', examples);

  it.each(Object.keys(examples))('may have more members: %s', (name) => {
    const item = newest(name);
    expect(read({ ...item, later: { x: 1 } })).toMatchObject(read(item));
  });

  it.each([
    { later: true },
    { ...liveItem(ACTIVITY, USER, {}), state: 'later' },
    { ...liveItem(ACTIVITY, USER, {}), track: 'later' },
    { removed: 'later', hidden: [1], solo: 'later' },
  ])('is nothing where only a newer version knows it: %j', (item) => {
    const nothing = { live: null, withheld: { removed: [], hidden: [] }, solo: null };
    expect(read(item)).toEqual(nothing);
  });
});
