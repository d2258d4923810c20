// What was heard is known for the head that it was kept with, and for no other.
import { describe, expect, it } from 'vitest';
import type { EventId } from '../../../protocol/ids.ts';
import { HeardRooms } from '../../../src/adapters/postgres/heard-rooms.ts';
import { NOTHING_HEARD_IN_ROOM, type HeardRoom } from '../../../src/domain/session-record.ts';
import type { Head } from '../../../src/ports/room-log.ts';
import { someRoomId } from '../../support/room-fixtures.ts';

const head = (revision: number, epoch = 1): Head => ({
  ...{ epoch, revision },
  eventId: `event ${revision}` as EventId,
});
const heard = (): HeardRoom => ({ ...NOTHING_HEARD_IN_ROOM });

describe('what was heard in rooms', () => {
  it('is known at the head that an append led to, and goes along with appends that change nothing of it', () => {
    const rooms = new HeardRooms(10);
    const roomId = someRoomId();
    const first = heard();
    expect(rooms.at(roomId, head(1))).toBeUndefined();
    rooms.moved(roomId, head(1), head(2), first);
    expect(rooms.at(roomId, head(2))).toBe(first);
    rooms.moved(roomId, head(2), head(3));
    expect(rooms.at(roomId, head(3))).toBe(first);
    expect(rooms.at(roomId, head(2))).toBeUndefined();
  });

  it('is not known where somebody else has moved the room', () => {
    const rooms = new HeardRooms(10);
    const roomId = someRoomId();
    rooms.moved(roomId, head(1), head(2), heard());
    expect(rooms.at(roomId, head(2, 2))).toBeUndefined();
    expect(rooms.at(roomId, { ...head(2), eventId: 'another' as EventId })).toBeUndefined();
    rooms.moved(roomId, head(5), head(6));
    expect(rooms.at(roomId, head(6))).toBeUndefined();
    expect(rooms.at(roomId, head(2))).toBeUndefined();
  });

  it('is kept of the rooms that moved last', () => {
    const rooms = new HeardRooms(2);
    const [a, b, c] = [someRoomId(), someRoomId(), someRoomId()];
    rooms.moved(a, head(1), head(2), heard());
    rooms.moved(b, head(1), head(2), heard());
    rooms.moved(a, head(2), head(3));
    rooms.moved(c, head(1), head(2), heard());
    expect(rooms.at(a, head(3))).toBeDefined();
    expect(rooms.at(b, head(2))).toBeUndefined();
    expect(rooms.at(c, head(2))).toBeDefined();
  });
});
