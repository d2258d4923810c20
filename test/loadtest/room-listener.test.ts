// One virtual listener, against a hub that answers when the test says so: comings and goings that overlap, and frames that nobody should get.
import { afterEach, describe, expect, it } from 'vitest';
import type { RoomId } from '../../protocol/ids.ts';
import { RoomBook } from '../../loadtest/ledger/room-book.ts';
import { RoomListener } from '../../loadtest/listener/room-listener.ts';
import type { Ground } from '../../loadtest/listener/ground.ts';
import {
  ScriptedHub,
  faultsOf,
  groundOf,
  joinedReply,
  nextRevision,
} from '../support/scripted-hub.ts';

const roomId = '0a0a0a0a-0000-4000-8000-000000000001' as RoomId;
const otherRoom = '0b0b0b0b-0000-4000-8000-000000000002' as RoomId;
const seat = { group: 0, room: 0, place: 0, person: 7, fromLoad: 0 };
const cleanUps: (() => void)[] = [];

afterEach(() => {
  for (const cleanUp of cleanUps.splice(0)) cleanUp();
});

interface World {
  readonly hub: ScriptedHub;
  readonly ground: Ground;
  readonly listener: RoomListener;
  /** Answers the next join. */
  readonly letIn: () => Promise<void>;
  readonly push: (push: object | string) => void;
}

async function world(): Promise<World> {
  const hub = await ScriptedHub.start();
  const ground = groundOf(hub);
  const sink = { each: () => undefined, last: () => undefined };
  const book = new RoomBook(roomId, ground.faults, { revisions: sink, chat: sink });
  const listener = new RoomListener(ground, seat, book, false);
  cleanUps.push(
    () => hub.close(),
    () => ground.agenda.close(),
    () => listener.close(),
  );
  const letIn = async (): Promise<void> => {
    const join = await hub.next('room.join');
    const isIn = new Promise<void>((resolve) => listener.whenJoined(resolve));
    join.answer(joinedReply(roomId));
    await isIn;
  };
  const push = (what: object | string): void => {
    const text = typeof what === 'string' ? what : JSON.stringify(what);
    listener.push(Buffer.from(text), 1_000);
  };
  return { hub, ground, listener, letIn, push };
}

const events = nextRevision(roomId);

describe('a listener who leaves', () => {
  it('is back in the room where it came again before the hub had answered', async () => {
    const { hub, ground, listener, letIn } = await world();
    listener.come(0);
    await letIn();
    listener.go();
    const leave = await hub.next('room.leave');
    listener.come(0);
    leave.answer();
    await letIn();
    expect(listener.isJoined).toBe(true);
    expect(hub.asked).toEqual(['hello', 'room.join', 'room.leave', 'room.join']);
    expect(hub.connections).toBe(1);
    expect(faultsOf(ground)).toEqual([]);
    expect(ground.counts.report().ended).toEqual({});
  });

  it('is gone where it came and left again meanwhile', async () => {
    const { hub, listener, letIn } = await world();
    listener.come(0);
    await letIn();
    listener.go();
    const leave = await hub.next('room.leave');
    listener.come(0);
    listener.go();
    const closed = new Promise((resolve) => leave.socket.once('close', resolve));
    leave.answer();
    await closed;
    expect(listener.isConnected).toBe(false);
    expect(hub.asked).toEqual(['hello', 'room.join', 'room.leave']);
  });

  it('stays away where the connection breaks before the answer', async () => {
    const { hub, ground, listener, letIn } = await world();
    listener.come(0);
    await letIn();
    listener.go();
    const { socket } = await hub.next('room.leave');
    socket.terminate();
    // The first attempt to come back would be within the second.
    await new Promise<void>((resolve) => ground.agenda.after(1_500, () => resolve()));
    expect(hub.connections).toBe(1);
  });
});

describe('what a listener of a room is sent', () => {
  it.each([
    ['no JSON', '{"type":"roam.', ['frame unreadable 1']],
    ['no JSON that begins as a push of a room', '{"type":"room.', ['frame unreadable 1']],
    ['a type that there is not', { type: 'wonder.works' }, ['frame unreadable 1']],
    ['a type of rooms that there is not', { type: 'room.works', roomId }, ['frame unreadable 1']],
    ['items of a feed', { type: 'feed.items', upsert: [], remove: [] }, ['feed leaked 1']],
    ['what any client may get', { type: 'friends.changed' }, []],
  ])('names %s', async (_, frame, kinds) => {
    const { ground, listener, letIn, push } = await world();
    listener.come(0);
    await letIn();
    push(frame);
    expect(faultsOf(ground)).toEqual(kinds);
  });

  it('names the room while it is not in it, but not while it leaves', async () => {
    const { hub, ground, listener, letIn, push } = await world();
    push(events);
    expect(faultsOf(ground)).toEqual(['revision wrong_room 1']);
    listener.come(0);
    await letIn();
    listener.go();
    push(events);
    expect(faultsOf(ground)).toEqual(['revision wrong_room 1']);
    push({ ...events, roomId: otherRoom });
    expect(faultsOf(ground)).toEqual(['revision wrong_room 2']);
    const leave = await hub.next('room.leave');
    const closed = new Promise((resolve) => leave.socket.once('close', resolve));
    leave.answer();
    await closed;
    push(events);
    expect(faultsOf(ground)).toEqual(['revision wrong_room 3']);
  });
});
