// A joined room: its copy kept in step whatever is missing, wrong or nonsense.
import { describe, expect, it } from 'vitest';
import { ANA, BEN, FakeHub, joinedWith, failure, reconnect } from './fake-hub.ts';
import { ROOM_ID, RoomSource, entryId, publicRoom } from './room-fixture.ts';
import { messages, seqs } from './chat-fixture.ts';

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
    client.onAdmitted(({ accept }) => heard.push(accept));
    hub.peer.text({ type: 'room.sync', roomId: ROOM_ID, p50Ms: 1, p95Ms: 4, members: {} });
    hub.peer.text({ type: 'room.reactions', roomId: ROOM_ID, counts: { '🎉': 2 }, from: [BEN] });
    hub.peer.text({ type: 'room.knocked', roomId: ROOM_ID, waiting: [{ id: BEN, name: 'Ben' }] });
    hub.peer.text({ type: 'room.admitted', roomId: ROOM_ID, accept: true });
    expect(room.view.value.sync).toEqual({ p50Ms: 1, p95Ms: 4, members: {} });
    expect(room.view.value.you.waiting).toEqual([{ id: BEN, name: 'Ben' }]);
    expect(heard).toEqual([[{ '🎉': 2 }, [BEN]], true]);
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
