// A room in which something has happened: somebody came and left, and music played.
import type { RoomLog } from '../../src/ports/room-log.ts';
import {
  type RoomScript,
  createdRoom,
  paused,
  playing,
  someSessionId,
  someUserId,
} from './room-fixtures.ts';

export const ANA = { userId: someUserId(), name: 'Ana' };
export const BEN = { userId: someUserId(), name: 'Ben' };

/** Its seven appends are told one by one. Ana is still there at the end, and the music is paused. */
export async function gathering(log: RoomLog): Promise<RoomScript> {
  const room = await createdRoom(log);
  const sessionId = someSessionId();
  await room.append(log, [room.event('SessionStarted', { sessionId }), room.arrived(ANA)]);
  room.at = 2_000;
  await room.append(log, [room.arrived(BEN), room.queued({ a: 10_000, b: 20_000 })]);
  room.at = 3_000;
  await room.append(log, [room.moved(playing('a', 3_000, 10_000), playing('b', 13_000, 20_000))]);
  room.at = 9_000;
  const entryIds = ['a' as never];
  await room.append(log, [
    room.event('QueueRemoved', { by: room.hostId, cause: 'request', entryIds }),
  ]);
  room.at = 15_000;
  await room.append(log, [
    room.moved(playing('b', 13_000, 20_000), paused('b', 15_200, 20_000, 2_200)),
  ]);
  room.at = 20_000;
  await room.append(log, [room.departed(BEN)]);
  return room;
}
