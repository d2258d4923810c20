// A joined room: its copy kept in step whatever is missing or wrong, its chat without holes, and its commands.
import { describe, expect, it } from 'vitest';
import type { TrackId } from '../../protocol/ids.ts';
import type { ChatItem } from '../../protocol/schemas/pushes.ts';
import { CLOSE_CODES } from '../../protocol/close-codes.ts';
import type { EarshotError } from '../../src/client/errors.ts';
import type { Room } from '../../src/client/room.ts';
import { ANA, BEN, FakeHub, HUB_AHEAD_MS, joinedWith } from './fake-hub.ts';
import { ROOM_ID, RoomSource, anchor, entryId, publicRoom } from './room-fixture.ts';

function message(seq: number, more: object = {}): ChatItem {
  return { kind: 'message', seq, at: seq, userId: BEN, name: 'Ben', text: `text ${seq}`, ...more };
}

function messages(from: number, to: number): ChatItem[] {
  return Array.from({ length: to - from + 1 }, (_, i) => message(from + i));
}

function seqs(room: Room): number[] {
  return room.view.value.chat.items.map(({ seq }) => seq);
}

function failure(promise: Promise<unknown>): Promise<EarshotError> {
  return promise.then(
    () => {
      throw new Error('it was expected to fail');
    },
    (error: unknown) => error as EarshotError,
  );
}

/** The hub's socket dies and a new one is greeted; the rejoin is left to the test. */
async function reconnect(hub: FakeHub): Promise<void> {
  hub.peer.close(1006);
  await hub.time.advance(1_000);
  hub.peer.greet();
}

describe('the copy', () => {
  it('is the snapshot, then each revision once and in order, with its event', async () => {
    const hub = new FakeHub();
    const source = new RoomSource();
    const { room } = await hub.inRoom();
    const heard: string[] = [];
    const views: number[] = [];
    const removeEvents = room.onEvent(({ id }) => heard.push(id));
    const removeViews = room.view.subscribe(({ revision }) => views.push(revision));
    expect(room.view.value).toMatchObject({
      epoch: 1,
      revision: 10,
      status: 'joined',
      behind: false,
    });

    const [one, two] = [source.rename('One'), source.rename('Two')];
    hub.peer.text(source.events(one));
    hub.peer.text(source.events(one, two));
    hub.peer.text(source.events(two));
    expect(room.view.value.room).toEqual(source.room);
    expect(room.view.value.revision).toBe(12);
    expect(heard).toEqual(['event11', 'event12']);
    expect(views).toEqual([11, 12]);

    removeEvents();
    removeViews();
    hub.peer.text(source.events(source.rename('Three')));
    expect(room.view.value.room.name).toBe('Three');
    expect(heard).toHaveLength(2);
    expect(views).toHaveLength(2);
  });

  it('ignores revisions of an epoch that is over', async () => {
    const hub = new FakeHub();
    const source = new RoomSource();
    const { room } = await hub.inRoom(joinedWith(publicRoom(), {}, { epoch: 2, revision: 10 }));
    hub.peer.text(source.events(source.rename('Old')));
    expect(room.view.value.room.name).toBe('Friday');
    expect(hub.peer.inbox).toEqual([]);
  });

  it('joins again once with what it holds when revisions are missing, and goes on from there', async () => {
    const hub = new FakeHub();
    const source = new RoomSource();
    const { client, room } = await hub.inRoom();
    const heard: string[] = [];
    room.onEvent(({ id }) => heard.push(id));
    const lost = source.rename('Lost');
    const late = source.rename('Late');
    hub.peer.text(source.events(late));
    hub.peer.text(source.events(source.rename('Later')));
    const join = hub.peer.take('room.join');
    expect(join).toMatchObject({ roomId: ROOM_ID, since: { epoch: 1, revision: 10, chat: 0 } });
    expect(hub.peer.inbox).toEqual([]);
    const { snapshot: _none, ...rest } = joinedWith(source.room);
    const third = { ...source.rename('Last') };
    hub.peer.ok(join, {
      ...rest,
      resumed: { epoch: 1, revision: 12, revisions: [lost, late] },
    });
    // The one between was told in the meantime and is told no more: that is a hole again.
    hub.peer.text(source.events(third));
    const second = hub.peer.take('room.join');
    expect(second).toMatchObject({ since: { revision: 12 } });
    hub.peer.ok(second, joinedWith(source.room, {}, { epoch: 1, revision: 14 }));
    expect(room.view.value.room).toEqual(source.room);
    expect(heard).toEqual(['event11', 'event12']);
    expect(client.counts.holes).toBe(2);
  });

  it('takes a whole snapshot when its hash is not the hub’s, and shows nothing of the wrong state', async () => {
    const hub = new FakeHub();
    const source = new RoomSource();
    const { client, room } = await hub.inRoom();
    const wrong = { ...source.rename('Wrong'), hash: '0123456789abcdef' };
    hub.peer.text(source.events(wrong));
    expect(room.view.value.room.name).toBe('Friday');
    const join = hub.peer.take('room.join');
    expect(join).not.toHaveProperty('since');
    hub.peer.ok(join, joinedWith(source.room, {}, { epoch: 1, revision: 11 }));
    expect(room.view.value).toMatchObject({ revision: 11, room: { name: 'Wrong' } });
    hub.peer.text(source.events(source.rename('Right', true)));
    expect(room.view.value.room.name).toBe('Right');
    expect(hub.peer.inbox).toEqual([]);
    expect(client.counts.mismatches).toBe(1);
  });

  it('asks once more for a snapshot whose own hash is wrong, and not for ever', async () => {
    const hub = new FakeHub();
    const wrong = joinedWith(publicRoom());
    (wrong['snapshot'] as { hash: string }).hash = '0123456789abcdef';
    const { client, room } = await hub.inRoom(wrong);
    hub.peer.ok(hub.peer.take('room.join'), wrong);
    expect(hub.peer.inbox).toEqual([]);
    expect(room.view.value.status).toBe('joined');
    expect(client.counts.mismatches).toBe(2);
  });

  it('starts over with a pushed snapshot, says so for some seconds, and asks for the chat it misses', async () => {
    const hub = new FakeHub();
    const { room } = await hub.inRoom();
    const { snapshot, presence, you } = joinedWith(
      publicRoom({ name: 'Anew' }),
      {},
      {
        epoch: 3,
        revision: 2,
      },
    );
    const push = { type: 'room.snapshot', ...(snapshot as object), presence, you };
    hub.peer.text({ ...push, chatSeq: 2, reason: 'epoch' });
    expect(room.view.value).toMatchObject({
      epoch: 3,
      revision: 2,
      behind: true,
      room: { name: 'Anew' },
    });
    const history = hub.peer.take('chat.history');
    expect(history).toMatchObject({ before: 3, limit: 2 });
    hub.peer.ok(history, { items: messages(1, 2), lastSeq: 2, gap: false });
    expect(seqs(room)).toEqual([1, 2]);
    await hub.time.advance(5_000);
    expect(room.view.value.behind).toBe(false);
  });

  it('keeps its own role and votes by the events', async () => {
    const hub = new FakeHub();
    const source = new RoomSource();
    const { room } = await hub.inRoom();
    const voted = { type: 'EntryVoted', by: ANA, entryId: entryId(2), value: 1 };
    const other = { ...voted, by: BEN, value: -1 };
    const skip = { type: 'SkipVoted', by: ANA, entryId: entryId(1), skipVotes: 1, needed: 2 };
    hub.peer.text(
      source.events(
        source.step({ queue: { [entryId(2)]: { score: 1 } } }, voted),
        source.step({ queue: { [entryId(2)]: { score: 0 } } }, other),
        source.step({ queue: { [entryId(1)]: { skipVotes: 1 } } }, skip),
      ),
    );
    expect(room.view.value.you).toEqual({
      role: 'host',
      votes: { [entryId(2)]: 1 },
      skipVotes: [entryId(1)],
    });
    const patch = {
      roles: { [ANA]: { role: 'dj' } },
      queue: { [entryId(1)]: { skipVotes: 0 }, [entryId(2)]: null },
    };
    hub.peer.text(source.events(source.step(patch)));
    expect(room.view.value.you).toEqual({ role: 'dj', votes: {}, skipVotes: [] });
    hub.peer.text(source.events(source.step({ roles: { [ANA]: null } })));
    expect(room.view.value.you.role).toBe('listener');
  });

  it('follows presence by its versions and joins again at a hole', async () => {
    const hub = new FakeHub();
    const { room } = await hub.inRoom();
    const presence = (version: number, more: object) =>
      hub.peer.text({ type: 'room.presence', roomId: ROOM_ID, version, count: version, ...more });
    const ben = { name: 'Ben', role: 'listener' };
    presence(4, { joined: { [BEN]: ben } });
    presence(4, { left: [BEN] });
    presence(5, { changed: { [BEN]: { ...ben, role: 'dj' } }, left: [ANA] });
    expect(room.view.value.presence).toEqual({
      version: 5,
      count: 5,
      members: { [BEN]: { name: 'Ben', role: 'dj' } },
    });
    presence(7, { left: [BEN] });
    expect(room.view.value.presence.version).toBe(5);
    hub.peer.ok(hub.peer.take('room.join'), joinedWith(publicRoom()));
    expect(room.view.value.presence.version).toBe(3);
    presence(9, { full: { version: 9, count: 0, members: {} } });
    expect(room.view.value.presence).toEqual({ version: 9, count: 0, members: {} });
  });

  it('passes on how well the room is in step, reactions and knocks', async () => {
    const hub = new FakeHub();
    const { client, room } = await hub.inRoom();
    const heard: unknown[] = [];
    room.onReactions((counts, from) => heard.push([counts, from]));
    room.onKnock((user) => heard.push(user.name));
    client.onAdmitted(({ accept }) => heard.push(accept));
    hub.peer.text({ type: 'room.sync', roomId: ROOM_ID, p50Ms: 1, p95Ms: 4, members: {} });
    hub.peer.text({ type: 'room.reactions', roomId: ROOM_ID, counts: { '🎉': 2 }, from: [BEN] });
    hub.peer.text({ type: 'room.knocked', roomId: ROOM_ID, user: { id: BEN, name: 'Ben' } });
    hub.peer.text({ type: 'room.admitted', roomId: ROOM_ID, accept: true });
    expect(room.view.value.sync).toEqual({ p50Ms: 1, p95Ms: 4, members: {} });
    expect(heard).toEqual([[{ '🎉': 2 }, [BEN]], 'Ben', true]);
  });
});

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

describe('chat', () => {
  const withChat = (items: ChatItem[], lastSeq: number, gap: boolean) =>
    joinedWith(publicRoom(), { chat: { items, lastSeq, gap } });
  const say = (hub: FakeHub, ...items: ChatItem[]) =>
    hub.peer.text({ type: 'room.chat', roomId: ROOM_ID, items });

  it('takes items once, and empties a message that is deleted', async () => {
    const hub = new FakeHub();
    const { room } = await hub.inRoom(withChat(messages(1, 2), 2, false));
    say(hub, message(3));
    say(hub, message(3), { kind: 'deletion', seq: 4, at: 4, by: BEN, target: 2 });
    expect(seqs(room)).toEqual([1, 2, 3, 4]);
    expect(room.view.value.chat.items[1]).toMatchObject({ text: '', deleted: true });
    expect(room.view.value.chat).toMatchObject({ lastSeq: 4, hasOlder: false });
    expect(hub.peer.inbox).toEqual([]);
  });

  it('asks for what is missing, one page after the other, and gives up what the hub has not', async () => {
    const hub = new FakeHub();
    const { client, room } = await hub.inRoom(withChat(messages(1, 2), 2, false));
    say(hub, message(150));
    say(hub, message(151));
    const first = hub.peer.take('chat.history');
    expect(first).toMatchObject({ before: 150, limit: 100 });
    expect(hub.peer.inbox).toEqual([]);
    hub.peer.ok(first, { items: messages(50, 149), lastSeq: 151, gap: true });
    const second = hub.peer.take('chat.history');
    expect(second).toMatchObject({ before: 50, limit: 47 });
    hub.peer.ok(second, { items: messages(10, 49), lastSeq: 151, gap: true });
    const third = hub.peer.take('chat.history');
    expect(third).toMatchObject({ before: 10, limit: 7 });
    hub.peer.ok(third, { items: [], lastSeq: 151, gap: false });
    expect(hub.peer.inbox).toEqual([]);
    expect(seqs(room)).toEqual([1, 2, ...messages(10, 151).map(({ seq }) => seq)]);
    say(hub, message(152));
    expect(hub.peer.inbox).toEqual([]);
    expect(client.counts.chatHoles).toBe(3);
  });

  it('names the newest without a hole before it when it comes back, and fills what the reply left out', async () => {
    const hub = new FakeHub();
    const { room } = await hub.inRoom(withChat(messages(1, 5), 5, false));
    await reconnect(hub);
    const join = hub.peer.take('room.join');
    expect(join).toMatchObject({ since: { chat: 5 } });
    hub.peer.ok(join, withChat(messages(11, 60), 60, true));
    const history = hub.peer.take('chat.history');
    expect(history).toMatchObject({ before: 11, limit: 5 });
    hub.peer.ok(history, { items: messages(6, 10), lastSeq: 60, gap: true });
    expect(seqs(room)).toEqual(messages(1, 60).map(({ seq }) => seq));
    expect(room.view.value.chat.hasOlder).toBe(false);
  });

  it('drops what lies before a hole too large to fill', async () => {
    const hub = new FakeHub();
    const { room } = await hub.inRoom(withChat(messages(1, 5), 5, false));
    say(hub, message(1_000));
    expect(hub.peer.inbox).toEqual([]);
    expect(seqs(room)).toEqual([1_000]);
    expect(room.view.value.chat).toMatchObject({ lastSeq: 1_000, hasOlder: true });
  });

  it('begins anew where the hub’s sequence is behind ours: it is another history', async () => {
    const hub = new FakeHub();
    const { room } = await hub.inRoom(withChat(messages(1, 5), 5, false));
    await reconnect(hub);
    const other = [message(1, { text: 'another' })];
    hub.peer.ok(hub.peer.take('room.join'), withChat(other, 1, false));
    expect(room.view.value.chat).toEqual({ items: other, lastSeq: 1, hasOlder: false });
  });

  it('loads older pages on request', async () => {
    const hub = new FakeHub();
    const { room } = await hub.inRoom(withChat(messages(51, 60), 60, true));
    expect(room.view.value.chat.hasOlder).toBe(true);
    const loading = room.olderChat();
    const history = hub.peer.take('chat.history');
    expect(history).toMatchObject({ before: 51, limit: 50 });
    hub.peer.ok(history, { items: messages(1, 50), lastSeq: 60, gap: false });
    await loading;
    expect(seqs(room)).toEqual(messages(1, 60).map(({ seq }) => seq));
    expect(room.view.value.chat.hasOlder).toBe(false);
    const refused = failure(room.olderChat());
    hub.peer.refuse(hub.peer.take('chat.history'), 'rate_limited', { retryable: true });
    expect((await refused).code).toBe('rate_limited');
  });
});

describe('commands', () => {
  it('name the room, the entry that is meant, and a key where a repeat must do nothing', async () => {
    const hub = new FakeHub();
    const { room } = await hub.inRoom();
    await hub.time.advance(3_000);
    void room.skip();
    expect(hub.peer.take('playback.skip')).toEqual({
      id: expect.any(Number) as number,
      type: 'playback.skip',
      roomId: ROOM_ID,
      entryId: entryId(1),
    });
    void room.seek(12_000);
    expect(hub.peer.take('playback.seek')).toMatchObject({ positionMs: 12_000 });
    void room.vote(entryId(2), -1);
    const vote = hub.peer.take('vote.entry');
    expect(vote).toMatchObject({ roomId: ROOM_ID, entryId: entryId(2), value: -1 });
    expect(vote.key).toEqual(expect.any(String));
    void room.move(entryId(2), entryId(1));
    expect(hub.peer.take('queue.move')).toMatchObject({ beforeEntryId: entryId(1) });
    void room.ban(BEN);
    expect(hub.peer.take('member.ban')).not.toHaveProperty('durationMs');
    const inviting = room.invite({ uses: 1 });
    hub.peer.ok(hub.peer.take('room.invite'), { invite: 'secret' });
    expect(await inviting).toBe('secret');
  });

  it('mean the start that somebody planned, not the one that only follows', async () => {
    const hub = new FakeHub();
    const now = hub.time.now() + HUB_AHEAD_MS;
    const source = new RoomSource(
      publicRoom({
        playback: {
          // In force, a jump that waits for its lead, and the boundary behind it.
          timeline: [anchor(1, now - 10_000), anchor(2, now + 10_000), anchor(1, now + 70_000)],
          repeat: 'off',
          shuffle: false,
        },
      }),
    );
    const { room } = await hub.inRoom(joinedWith(source.room));
    await hub.time.advance(3_000);
    const meant = async (): Promise<unknown> => {
      const pausing = room.pause();
      const request = hub.peer.take('playback.pause');
      hub.peer.ok(request, { epoch: 1, revision: 10 });
      await pausing;
      return request.entryId;
    };
    expect(await meant()).toBe(entryId(2));
    await hub.time.advance(8_000);
    expect(await meant()).toBe(entryId(2));
    await hub.time.advance(60_000);
    expect(await meant()).toBe(entryId(1));
  });

  it('mean the entry of the gate while it waits', async () => {
    const hub = new FakeHub();
    const now = hub.time.now() + HUB_AHEAD_MS;
    const playback = {
      timeline: [anchor(1, now - 90_000, { state: 'stopped' }), anchor(2, now + 8_000)],
      gate: { entryId: entryId(2), deadlineAt: now + 8_000, ready: 0, needed: 1 },
      repeat: 'off',
      shuffle: false,
    } as const;
    const { room } = await hub.inRoom(joinedWith(publicRoom({ playback })));
    await hub.time.advance(3_000);
    void room.voteSkip();
    expect(hub.peer.take('vote.skip').entryId).toBe(entryId(2));
  });

  it('are refused here where nothing is chosen, except play', async () => {
    const hub = new FakeHub();
    const timeline = [{ state: 'stopped', positionMs: 0, at: 1 }] as const;
    const playback = { timeline: [...timeline], repeat: 'off', shuffle: false } as const;
    const { room } = await hub.inRoom(joinedWith(publicRoom({ playback })));
    expect((await failure(room.pause())).code).toBe('conflict');
    void room.play();
    expect(hub.peer.take('playback.play')).not.toHaveProperty('entryId');
  });

  it('find the position by hub time: nothing before the clock is known, never beyond the track', async () => {
    const hub = new FakeHub();
    hub.answersProbes = false;
    const at = hub.time.now() + HUB_AHEAD_MS;
    const playback = { timeline: [anchor(1, at)], repeat: 'off', shuffle: false } as const;
    const room = (
      await hub.inRoom(
        joinedWith(publicRoom({ playback: { ...playback, timeline: [...playback.timeline] } })),
      )
    ).room;
    expect(room.positionNow()).toBeUndefined();
    expect(room.anchorNow()).toBeUndefined();
    hub.answersProbes = true;
    await hub.time.advance(5_000);
    expect(room.positionNow()).toBeCloseTo(5_000, 0);
    expect(room.anchorNow()).toMatchObject({ entryId: entryId(1) });
    await hub.time.advance(60_000);
    expect(room.positionNow()).toBe(60_000);
  });
});

describe('a hub that sends nonsense', () => {
  const room = publicRoom();
  const patched = (patch: unknown, more: object = {}) => ({
    type: 'room.events',
    roomId: ROOM_ID,
    epoch: 1,
    revisions: [{ revision: 11, event: { id: 'x', at: 1, type: 'Other' }, patch, ...more }],
  });
  const frames: [string, unknown][] = [
    ['no JSON', '{"type":'],
    ['a number', 5],
    ['null', null],
    ['an array', []],
    ['no type', { id: 1 }],
    ['a reply without an id', { type: 'ok' }],
    ['an error without anything', { type: 'error' }],
    ['events without revisions', { type: 'room.events', roomId: ROOM_ID, epoch: 1 }],
    ['events without a room', { ...patched({}), roomId: 7 }],
    ['a patch that is a list', patched([])],
    ['a patch that removes the playback', patched({ playback: null })],
    ['a patch that empties the timeline', patched({ playback: { timeline: [] } })],
    ['a patch with anchors of nonsense', patched({ playback: { timeline: [null] } })],
    ['a patch that breaks the queue', patched({ queue: 'none' })],
    ['an event that is a text', patched({}, { event: 'RoomClosed' })],
    ['a snapshot without a room', { type: 'room.snapshot', roomId: ROOM_ID, epoch: 9 }],
    [
      'a presence of nobody',
      { type: 'room.presence', roomId: ROOM_ID, version: 4, count: 1, joined: { a: 0 } },
    ],
    ['a chat of nulls', { type: 'room.chat', roomId: ROOM_ID, items: [null] }],
    ['a drain without an end', { type: 'hub.draining', reconnectWithinMs: -1 }],
    ['a name that is a prototype', { type: '__proto__', roomId: ROOM_ID }],
  ];

  it.each(frames)('survives %s', async (_name, frame) => {
    const hub = new FakeHub();
    const { client, room: joined } = await hub.inRoom();
    hub.peer.data(typeof frame === 'string' ? frame : JSON.stringify(frame));
    expect(client.connection.value.phase).toBe('connected');
    // Whatever it was, the room is in step as soon as the hub is itself again.
    if (hub.peer.has('room.join')) {
      hub.peer.ok(hub.peer.take('room.join'), joinedWith(room));
    }
    const source = new RoomSource();
    hub.peer.text(source.events(source.rename('Fine', true)));
    expect(joined.view.value.room).toEqual(source.room);
    expect(hub.peer.inbox).toEqual([]);
  });

  it('counts what it ignores, of whatever kind of frame', async () => {
    const hub = new FakeHub();
    const { client } = await hub.inRoom();
    hub.peer.data('nonsense');
    hub.peer.data(undefined);
    hub.peer.data({ size: 3 });
    hub.peer.text({ type: 'room.unheard_of', roomId: ROOM_ID });
    hub.peer.text({ type: 'room.left', roomId: 'another', reason: 'kicked' });
    expect(client.counts).toMatchObject({ malformedFrames: 3, unknownFrames: 2 });
  });

  it('keeps __proto__ a plain key and JSON as deep as it likes harmless', async () => {
    const hub = new FakeHub();
    const { room: joined } = await hub.inRoom();
    hub.peer.data(
      JSON.stringify(patched({})).replace('"patch":{}', '"patch":{"__proto__":{"polluted":true}}'),
    );
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
    const deep = `${'{"a":'.repeat(50_000)}1${'}'.repeat(50_000)}`;
    hub.peer.data(
      JSON.stringify(patched({}))
        .replace('"patch":{}', `"patch":{"name":${deep}}`)
        .replace('11', '12'),
    );
    expect(joined.view.value.status).toBe('joined');
  });

  it('joins again when the reply to a join cannot be read', async () => {
    const hub = new FakeHub();
    const { client, room: joined } = await hub.inRoom();
    await reconnect(hub);
    hub.peer.ok(hub.peer.take('room.join'), { roomId: ROOM_ID, snapshot: 'none' });
    await hub.time.advance(500);
    hub.peer.ok(hub.peer.take('room.join'), joinedWith(room));
    expect(joined.view.value.status).toBe('joined');
    const asked = failure(client.joinRoom({ code: 'ABCDEFGH' }));
    hub.peer.ok(hub.peer.take('room.join'), {});
    expect((await asked).code).toBe('internal');
  });

  it('is no reason for a listener that throws to keep others from hearing', async () => {
    const hub = new FakeHub();
    const source = new RoomSource();
    const { room: joined } = await hub.inRoom();
    const uncaught: unknown[] = [];
    const listeners = process.listeners('uncaughtException');
    process.removeAllListeners('uncaughtException');
    process.once('uncaughtException', (error) => uncaught.push(error));
    const heard: string[] = [];
    joined.onEvent(() => {
      throw new Error('a listener of the application');
    });
    joined.onEvent(({ id }) => heard.push(id));
    hub.peer.text(source.events(source.rename('One')));
    await hub.time.settle();
    for (const listener of listeners) process.on('uncaughtException', listener);
    expect(heard).toEqual(['event11']);
    expect(uncaught).toHaveLength(1);
  });
});
