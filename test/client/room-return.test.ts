// A room after a cut: what is asked for, what was missed, and what waits until then.
import { describe, expect, it } from 'vitest';
import { CLOSE_CODES } from '../../protocol/close-codes.ts';
import type { TrackId } from '../../protocol/ids.ts';
import { message, messages, seqs } from './chat-fixture.ts';
import { FakeHub, joinedWith, failure, reconnect } from './fake-hub.ts';
import { ROOM_ID, RoomSource, publicRoom } from './room-fixture.ts';

describe('coming back to a room', () => {
  it('resumes with what is held, tells the missing revisions once, and only then sends what waited', async () => {
    const hub = new FakeHub();
    const source = new RoomSource();
    const { room } = await hub.inRoom();
    const heard: string[] = [];
    room.onEvent(({ id }) => heard.push(id));
    hub.peer.text(source.events(source.rename('Seen')));
    const adding = room.add(['track9' as TrackId]);
    hub.peer.close(1006);
    expect(room.view.value.status).toBe('reconnecting');
    expect((await failure(room.pause())).code).toBe('connection_lost');
    await hub.time.advance(1_000);
    hub.peer.greet();
    const join = hub.peer.take('room.join');
    expect(join).toMatchObject({ since: { epoch: 1, revision: 11, chat: 0 } });
    expect(hub.peer.inbox).toEqual([]);
    const missed = source.rename('Missed');
    const { snapshot: _none, ...rest } = joinedWith(source.room);
    hub.peer.ok(join, { ...rest, resumed: { epoch: 1, revision: 12, revisions: [missed] } });
    hub.peer.text(source.events(missed, source.rename('Live')));
    expect(room.view.value).toMatchObject({ status: 'joined', revision: 13 });
    expect(heard).toEqual(['event11', 'event12', 'event13']);
    hub.peer.ok(hub.peer.take('queue.add'), { epoch: 1, revision: 14, entryIds: ['new'] });
    expect(await adding).toEqual(['new']);
  });

  it('takes the snapshot that comes instead, of another epoch too', async () => {
    const hub = new FakeHub();
    const { room } = await hub.inRoom();
    await reconnect(hub);
    const anew = joinedWith(publicRoom({ name: 'Anew' }), {}, { epoch: 2, revision: 1 });
    hub.peer.ok(hub.peer.take('room.join'), anew);
    expect(room.view.value).toMatchObject({ epoch: 2, revision: 1, room: { name: 'Anew' } });
  });

  it('reads the chat anew with another epoch, as its numbers may stand for something else (CH3)', async () => {
    const hub = new FakeHub();
    const { room } = await hub.inRoom();
    hub.peer.text({ type: 'room.chat', roomId: ROOM_ID, items: messages(1, 3) });
    await reconnect(hub);
    const chat = { items: [message(3, { text: 'other' })], lastSeq: 3, gap: true };
    const anew = joinedWith(publicRoom(), { chat }, { epoch: 2, revision: 1 });
    hub.peer.ok(hub.peer.take('room.join'), anew);
    expect(room.view.value.chat).toEqual({ items: chat.items, lastSeq: 3, hasOlder: true });
    const { snapshot, presence, you } = anew;
    const push = { type: 'room.snapshot', ...(snapshot as object), presence, you };
    hub.peer.text({ ...push, chatSeq: 3, reason: 'epoch' });
    expect(room.view.value.chat).toEqual({ items: [], lastSeq: 3, hasOlder: true });
    hub.peer.text({ type: 'room.chat', roomId: ROOM_ID, items: [message(4)] });
    expect(room.view.value.chat).toMatchObject({ lastSeq: 4, hasOlder: true });
    hub.peer.ok(hub.peer.take('chat.history'), { items: messages(1, 3), lastSeq: 4, gap: false });
    expect(seqs(room)).toEqual([1, 2, 3, 4]);
    expect(room.view.value.chat.hasOlder).toBe(false);
  });

  it('takes the whole room when the resumed revisions do not reach the head', async () => {
    const hub = new FakeHub();
    const { room } = await hub.inRoom();
    await reconnect(hub);
    const { snapshot: _none, ...rest } = joinedWith(publicRoom());
    hub.peer.ok(hub.peer.take('room.join'), {
      ...rest,
      resumed: { epoch: 1, revision: 15, revisions: [] },
    });
    const join = hub.peer.take('room.join');
    expect(join).not.toHaveProperty('since');
    hub.peer.ok(join, joinedWith(publicRoom(), {}, { epoch: 1, revision: 15 }));
    expect(room.view.value.revision).toBe(15);
  });

  it('asks for the whole room again when the connection is lost before what a hash disproved was replaced', async () => {
    const hub = new FakeHub();
    const wrong = joinedWith(publicRoom({ name: 'Wrong' }));
    (wrong['snapshot'] as { hash: string }).hash = '0123456789abcdef';
    const { room } = await hub.inRoom(wrong);
    expect(hub.peer.take('room.join')).not.toHaveProperty('since');
    await reconnect(hub);
    const join = hub.peer.take('room.join');
    expect(join).not.toHaveProperty('since');
    hub.peer.ok(join, joinedWith(publicRoom()));
    expect(room.view.value).toMatchObject({ status: 'joined', room: { name: 'Friday' } });
    await reconnect(hub);
    expect(hub.peer.take('room.join')).toHaveProperty('since');
  });

  it('takes no chat from an answer of another history than the one it is in (CH3)', async () => {
    const hub = new FakeHub();
    const { room } = await hub.inRoom();
    hub.peer.text({ type: 'room.chat', roomId: ROOM_ID, items: [message(4), message(6)] });
    const older = room.olderChat();
    const [repairing, asked] = [hub.peer.take('chat.history'), hub.peer.take('chat.history')];
    const { snapshot, presence, you } = joinedWith(publicRoom(), {}, { epoch: 2, revision: 1 });
    const push = { type: 'room.snapshot', ...(snapshot as object), presence, you };
    hub.peer.text({ ...push, chatSeq: 3, reason: 'epoch' });
    for (const request of [repairing, asked])
      hub.peer.ok(request, { items: messages(1, 5), lastSeq: 6, gap: false });
    expect(seqs(room)).toEqual([]);
    const items = [1, 2, 3].map((seq) => message(seq, { text: 'anew' }));
    while (hub.peer.has('chat.history'))
      hub.peer.ok(hub.peer.take('chat.history'), { items, lastSeq: 3, gap: false });
    await older;
    expect(room.view.value.chat).toEqual({ items, lastSeq: 3, hasOlder: false });
  });

  it('tries again when the hub cannot for the moment, and on a new socket when that one dies', async () => {
    const hub = new FakeHub();
    const { room } = await hub.inRoom();
    await reconnect(hub);
    hub.peer.refuse(hub.peer.take('room.join'), 'unavailable', { retryable: true });
    expect(room.view.value.status).toBe('reconnecting');
    await hub.time.advance(500);
    expect(hub.peer.has('room.join')).toBe(true);
    await reconnect(hub);
    hub.peer.ok(hub.peer.take('room.join'), joinedWith(publicRoom()));
    expect(hub.peer.inbox).toEqual([]);
    expect(room.view.value.status).toBe('joined');
  });

  it('is left with the refusal when it may not', async () => {
    const hub = new FakeHub();
    const { client, room } = await hub.inRoom();
    const waiting = client.request('chat.send', { roomId: ROOM_ID, text: 'x' });
    await reconnect(hub);
    hub.peer.refuse(hub.peer.take('room.join'), 'banned');
    expect(room.view.value).toMatchObject({ status: 'left', leftReason: 'banned' });
    hub.peer.refuse(hub.peer.take('chat.send'), 'not_in_room');
    expect((await failure(waiting)).code).toBe('not_in_room');
    await reconnect(hub);
    expect(hub.peer.inbox).toEqual([]);
  });

  it.each(['kicked', 'banned', 'closed', 'replaced'] as const)(
    'is over when %s',
    async (reason) => {
      const hub = new FakeHub();
      const source = new RoomSource();
      const { room } = await hub.inRoom();
      hub.peer.text({ type: 'room.left', roomId: ROOM_ID, reason });
      expect(room.view.value).toMatchObject({ status: 'left', leftReason: reason });
      hub.peer.text(source.events(source.rename('After')));
      expect(room.view.value.room.name).toBe('Friday');
      expect((await failure(room.chat('hi'))).code).toBe('not_in_room');
      await reconnect(hub);
      expect(hub.peer.inbox).toEqual([]);
    },
  );

  it('is left by one’s own wish, even without a connection', async () => {
    const hub = new FakeHub();
    const { room } = await hub.inRoom();
    const leaving = room.leave();
    expect(room.view.value).toMatchObject({ status: 'left', leftReason: 'left' });
    hub.peer.ok(hub.peer.take('room.leave'));
    await leaving;

    const away = new FakeHub();
    const { room: other } = await away.inRoom();
    away.peer.close(1006);
    await other.leave();
    expect(other.view.value.status).toBe('left');
  });

  it('is left when the client closes or is sent away', async () => {
    const hub = new FakeHub();
    const { client, room } = await hub.inRoom();
    client.close();
    expect(room.view.value).toMatchObject({ status: 'left', leftReason: 'left' });
    expect(hub.time.waiting).toBe(0);

    const other = new FakeHub();
    const { room: revoked } = await other.inRoom();
    other.peer.close(CLOSE_CODES.revoked);
    expect(revoked.view.value).toMatchObject({ status: 'left', leftReason: 'unauthorised' });
  });

  it('gives the same room when it is joined twice', async () => {
    const hub = new FakeHub();
    const { client, room } = await hub.inRoom();
    const joining = client.joinRoom({ roomId: ROOM_ID });
    hub.peer.ok(
      hub.peer.take('room.join'),
      joinedWith(publicRoom(), {}, { epoch: 1, revision: 20 }),
    );
    expect(await joining).toBe(room);
    expect(room.view.value.revision).toBe(20);
  });

  it('is there for pushes that come right behind the reply to its join', async () => {
    const hub = new FakeHub();
    const source = new RoomSource();
    const client = await hub.connected();
    const creating = client.createRoom({ name: 'Friday' });
    hub.peer.ok(hub.peer.take('room.create'), joinedWith(source.room));
    hub.peer.text(source.events(source.rename('At once')));
    expect((await creating).view.value.room.name).toBe('At once');
    expect(client.counts.unknownFrames).toBe(0);
  });
});
