// Requests about being in a room: make, join, knock, leave.
import { refuse } from '../../../protocol/errors.ts';
import { mayEnter, type Entrance } from '../../domain/access.ts';
import { StoreUnavailable } from '../../ports/room-log.ts';
import type { LiveRoom } from '../room/live-room.ts';
import type { RoomDraft } from '../room/rooms.ts';
import {
  NOT_IN_ROOM,
  joined,
  ok,
  refused,
  scopedKey,
  type Answer,
  type HandlerContext,
  type HandlerTable,
} from './handler.ts';

const NO_SUCH_ROOM = refused('not_found', 'no such room');

/** Nobody hears it: a member without a socket would never leave. */
const SOCKET_CLOSED = refused('unavailable', 'the connection has closed', 0);

function tooManyRooms({ maxRoomsPerConnection }: HandlerContext['options']): Answer {
  return refused('conflict', `a connection joins at most ${maxRoomsPerConnection} rooms`);
}

const BEHIND = refused('unavailable', 'the room’s log cannot be reached for the moment', 1_000);

/** The limits on entering that are the hub's, not the room's. */
function tooMany(
  room: LiveRoom,
  { connection, options, user }: HandlerContext,
): Answer | undefined {
  const isIn = connection.membershipIn(room.id) !== undefined;
  if (!isIn && connection.memberships.length >= options.maxRoomsPerConnection) {
    return tooManyRooms(options);
  }
  if (!room.members.isPresent(user.id) && room.members.count >= options.maxRoomMembers) {
    return refused('room_full', `the room holds at most ${options.maxRoomMembers} people`, 10_000);
  }
  return undefined;
}

/** Whether somebody who is there is a friend, where that lets one in. Whoever cannot be asked lets nobody in. */
async function mayEnterAsFriend(
  room: LiveRoom,
  entrance: Entrance,
  { ports, user }: HandlerContext,
): Promise<boolean> {
  const { friends } = ports;
  const isRefused = mayEnter(room.state, user.id, { ...entrance, asFriend: true }) !== undefined;
  if (friends === undefined || isRefused) return false;
  try {
    const grants = await friends.grantsFor(user.id);
    return grants.some(({ author }) => room.members.isPresent(author));
  } catch (error) {
    if (error instanceof StoreUnavailable) return false;
    throw error;
  }
}

export const ROOM_LIFE = {
  'room.create': async (request, context) => {
    const { connection, options, ports, rooms, user } = context;
    if (
      connection.memberships.length + connection.roomsBeingMade >=
      options.maxRoomsPerConnection
    ) {
      return tooManyRooms(options);
    }
    const draft: RoomDraft = {
      name: request.name,
      ...(request.preset === undefined ? {} : { preset: request.preset }),
      ...(request.visibility === undefined ? {} : { visibility: request.visibility }),
    };
    const roomId = ports.random.roomId(scopedKey(user.id, request.key));
    connection.roomsBeingMade += 1;
    const maker = { userId: user.id, address: connection.address };
    const room = await rooms.create(user, draft, roomId, maker).finally(() => {
      connection.roomsBeingMade -= 1;
    });
    if ('code' in room) return { kind: 'refused', refusal: room };
    // While the room was being made the socket may have closed, and a join of another room been let in before it.
    if (connection.session.phase !== 'active') return SOCKET_CLOSED;
    const full = tooMany(room, context);
    if (full !== undefined) return full;
    return { kind: 'ok', members: room.join(connection, user, undefined) };
  },

  'room.join': async (request, context) => {
    const { connection, rooms, ports, user } = context;
    if (request.roomId === undefined && request.code === undefined) {
      return refused('bad_request', 'name the room by roomId or by code');
    }
    const room = await rooms.find(request);
    if (room === undefined) return NO_SUCH_ROOM;
    // A message of another node may be on its way, which the client has already got from there.
    if (request.since !== undefined && !(await room.reach(request.since))) return BEHIND;
    const entrance = {
      at: ports.clock.now(),
      ...(request.invite === undefined ? {} : { invite: request.invite }),
    };
    const refusal = mayEnter(room.state, user.id, entrance);
    const asFriend = refusal !== undefined && (await mayEnterAsFriend(room, entrance, context));
    if (refusal !== undefined && !asFriend) return { kind: 'refused', refusal };
    const full = tooMany(room, context);
    if (full !== undefined) return full;
    if (connection.session.phase !== 'active') return SOCKET_CLOSED;
    const { since, invite } = request;
    return { kind: 'ok', members: room.join(connection, user, since, { invite, asFriend }) };
  },

  'room.knock': async (request, context) => {
    const { rooms, ports, user } = context;
    const room = await rooms.find(request);
    if (room === undefined) return NO_SUCH_ROOM;
    const refusal = mayEnter(room.state, user.id, { at: ports.clock.now() });
    if (refusal === undefined) return ok({ roomId: room.id, status: 'admitted' });
    if (refusal.code !== 'invite_needed') return { kind: 'refused', refusal };
    if (room.members.count === 0) {
      return {
        kind: 'refused',
        refusal: refuse('conflict', 'nobody is in the room to answer the door'),
      };
    }
    const outcome = await room.submit({ type: 'Knock', name: user.name }, { by: user.id });
    return outcome.kind === 'refused' ? outcome : ok({ roomId: room.id, status: 'waiting' });
  },

  'room.leave': (request, context) => {
    const { connection, rooms } = context;
    const membership = connection.membershipIn(request.roomId);
    if (membership === undefined) return ok();
    connection.memberships.splice(connection.memberships.indexOf(membership), 1);
    rooms.get(request.roomId)?.leave(membership, 'left');
    return ok();
  },

  ready: (request, context) => {
    const member = joined(context, request.roomId);
    if (member === undefined) return NOT_IN_ROOM;
    member.room.setReady(member.membership, request.entryId);
    return ok();
  },

  'sync.report': (request, context) => {
    const member = joined(context, request.roomId);
    if (member === undefined) return NOT_IN_ROOM;
    member.room.report(member.membership, request);
    return ok();
  },
} satisfies Partial<HandlerTable>;
