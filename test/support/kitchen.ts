// A room that is there already, for tests of what happens in it.
import type { RoomId } from '../../protocol/ids.ts';
import type { RoomEvent } from '../../src/domain/room-event.ts';
import type { RoomLog } from '../../src/ports/room-log.ts';
import type { HubWorld, TestClient } from './hub-world.ts';

const RATE = { perSecond: 1e6, burst: 1e6 };
/** No rate is a limit: the test asks as fast as it likes. */
export const UNHURRIED = {
  connectionRate: RATE,
  userRate: RATE,
  roomRate: RATE,
  addressRoomRate: RATE,
};

/** A hub with one room in it, made by user 1. */
export async function kitchen(world: HubWorld): Promise<{ host: TestClient; roomId: RoomId }> {
  await world.hub.start();
  const host = await world.connect(1);
  const roomId = (await host.ask('room.create', { name: 'Kitchen' }))['roomId'] as RoomId;
  await world.time.advance(1_000);
  host.socket.take();
  return { host, roomId };
}

/** All events of a room’s first epoch. */
export async function eventsOf(log: RoomLog, roomId: RoomId): Promise<readonly RoomEvent[]> {
  const read = await log.read(roomId, { epoch: 1, revision: 0 });
  return read.kind === 'events' ? read.events : [];
}
