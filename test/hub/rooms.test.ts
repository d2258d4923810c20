// Rooms through the hub: what each member sees of what the others do.
import { describe, expect, it } from 'vitest';
import type { EntryId, RoomId } from '../../protocol/ids.ts';
import { applyPatch, type JsonObject } from '../../protocol/merge-patch.ts';
import { anchorAt } from '../../protocol/schemas/playback.ts';
import { stateHash } from '../../protocol/state-hash.ts';
import type { PublicRoom } from '../../protocol/schemas/room.ts';
import { HubWorld, trackId, userId, type Message, type TestClient } from '../support/hub-world.ts';

interface Joined {
  readonly roomId: RoomId;
  readonly snapshot: {
    readonly epoch: number;
    readonly revision: number;
    readonly hash: string;
    readonly room: PublicRoom;
  };
}
interface Revisions {
  readonly revisions: readonly {
    readonly revision: number;
    readonly event: { readonly type: string };
    readonly patch: JsonObject;
  }[];
}

async function friends(
  world: HubWorld,
  count: number,
): Promise<{ roomId: RoomId; code: string; clients: TestClient[] }> {
  const host = await world.connect(1);
  const created = (await host.ask('room.create', { name: 'Kitchen' })) as unknown as Joined;
  const { roomId } = created;
  const clients = [host];
  for (let n = 2; n <= count; n += 1) {
    const client = await world.connect(n);
    await client.ask('room.join', { roomId });
    clients.push(client);
  }
  await world.time.advance(1_000);
  for (const client of clients) client.take('room.events');
  return { roomId, code: created.snapshot.room.code, clients };
}

function eventTypes(messages: readonly Message[]): string[] {
  return messages.flatMap((message) =>
    (message as unknown as Revisions).revisions.map(({ event }) => event.type),
  );
}

describe('a room', () => {
  it('is not dropped from memory under somebody who is entering it', async () => {
    const world = new HubWorld({ roomIdleMs: 10_000, presenceGraceMs: 1_000 });
    await world.hub.start();
    const { roomId, clients } = await friends(world, 2);
    const [host, guest] = clients as [TestClient, TestClient];
    for (const client of clients) await client.ask('room.leave', { roomId });
    await world.time.advance(13_000);
    expect(world.hub.rooms.get(roomId)).toBeDefined();
    // They have seen more of the chat than this node, which asks its log for long.
    const { chatLog } = world.ports;
    const after = chatLog.after.bind(chatLog);
    let answer: () => void = () => undefined;
    chatLog.after = async (...args) => {
      await new Promise<void>((resume) => (answer = resume));
      return after(...args);
    };
    guest.send('room.join', { roomId, since: { epoch: 1, revision: 1, chat: 7 } });
    await world.time.advance(7_000);
    chatLog.after = after;
    answer();
    await world.time.advance(1_000);
    await host.ask('room.join', { roomId });
    expect(await guest.ask('room.update', { roomId, name: 'Attic' })).toMatchObject({
      code: 'forbidden',
    });
    await host.ask('room.update', { roomId, name: 'Attic' });
    expect(eventTypes(guest.take('room.events'))).toContain('RoomUpdated');
  });

  it('answers its creation with a snapshot whose hash is that of its room (RM6)', async () => {
    const world = new HubWorld();
    const host = await world.connect(1);
    const reply = (await host.ask('room.create', { name: '  Kitchen  ' })) as unknown as Joined;
    expect(reply.snapshot.room).toMatchObject({
      name: 'Kitchen',
      hostId: userId(1),
      preset: 'friends',
    });
    expect(reply.snapshot.hash).toBe(stateHash(reply.snapshot.room));
  });

  it('is entered by its code, as people type it', async () => {
    const world = new HubWorld();
    const { code, roomId } = await friends(world, 1);
    const guest = await world.connect(2);
    const typed = `${code.slice(0, 4)}-${code.slice(4)}`.toLowerCase();
    expect(await guest.ask('room.join', { code: typed })).toMatchObject({ type: 'ok', roomId });
    expect(await guest.ask('room.join', { code: '22222222' })).toMatchObject({ code: 'not_found' });
  });

  it('shows each change to all, and the patches alone lead to the hub’s state (RM4)', async () => {
    const world = new HubWorld();
    const { roomId, clients } = await friends(world, 1);
    const [host] = clients as [TestClient];
    const guest = await world.connect(2);
    const { snapshot } = (await guest.ask('room.join', { roomId })) as unknown as Joined;
    const { entryIds } = (await host.ask('queue.add', {
      roomId,
      trackIds: [trackId(1), trackId(2)],
    })) as unknown as {
      entryIds: EntryId[];
    };
    expect(entryIds).toHaveLength(2);
    expect(await host.ask('playback.play', { roomId })).toMatchObject({ type: 'ok' });
    await world.time.advance(5_000);
    const revisions = guest
      .take('room.events')
      .flatMap((message) => (message as unknown as Revisions).revisions);
    expect(revisions.map(({ revision }) => revision)).toEqual(
      revisions.map((_, i) => snapshot.revision + 1 + i),
    );
    const room = revisions.reduce((state, { patch }) => applyPatch(state, patch), snapshot.room);
    expect(room).toEqual(world.hub.rooms.get(roomId)?.state.public);
    expect(room.playback.timeline.at(-1)).toMatchObject({ entryId: entryIds[1] });
  });

  it('skips once when two skip the same entry in one tick (RQ4)', async () => {
    const world = new HubWorld();
    const { roomId, clients } = await friends(world, 2);
    const [a, b] = clients as [TestClient, TestClient];
    const { entryIds } = (await a.ask('queue.add', {
      roomId,
      trackIds: [1, 2, 3].map(trackId),
    })) as unknown as { entryIds: EntryId[] };
    await a.ask('playback.play', { roomId });
    await world.time.advance(10_000);
    const [entryId] = entryIds as [EntryId];
    a.send('playback.skip', { roomId, entryId });
    const second = await b.ask('playback.skip', { roomId, entryId });
    expect(second).toMatchObject({ type: 'error', code: 'stale' });
    await world.time.advance(10_000);
    const { timeline } = world.hub.rooms.get(roomId)!.state.public.playback;
    expect(anchorAt(timeline, world.time.now())).toMatchObject({
      entryId: entryIds[1],
      state: 'playing',
    });
  });

  it('appends all commands of one tick as one batch, and sends each member one frame', async () => {
    const world = new HubWorld();
    const { roomId, clients } = await friends(world, 3);
    const [a, b, c] = clients as [TestClient, TestClient, TestClient];
    const appendsBefore = world.hub.metrics.appends;
    a.send('queue.add', { roomId, trackIds: [trackId(1)] });
    b.send('queue.add', { roomId, trackIds: [trackId(2)] });
    await world.time.settle();
    expect(world.hub.metrics.appends).toBe(appendsBefore + 1);
    const frames = c.take('room.events');
    expect(frames).toHaveLength(1);
    expect(eventTypes(frames).filter((type) => type === 'QueueAdded')).toHaveLength(2);
  });

  it('does a request with a key once, however often it comes (RQ5)', async () => {
    const world = new HubWorld();
    const { roomId, clients } = await friends(world, 1);
    const [host] = clients as [TestClient];
    const first = await host.ask('queue.add', { roomId, trackIds: [trackId(1)], key: 'k1' });
    const again = await host.ask('queue.add', { roomId, trackIds: [trackId(1)], key: 'k1' });
    expect({ ...again, id: 0 }).toEqual({ ...first, id: 0 });
    expect(Object.keys(world.hub.rooms.get(roomId)!.state.public.queue)).toHaveLength(1);
    const created = await host.ask('room.create', { name: 'Once', key: 'k2' });
    const createdAgain = await host.ask('room.create', { name: 'Once', key: 'k2' });
    expect(createdAgain['roomId']).toBe(created['roomId']);
  });

  it('resumes with exactly what was missed, and keeps the stay of one who comes back in the grace (RM1, RM8)', async () => {
    const world = new HubWorld();
    const { roomId, clients } = await friends(world, 2);
    const [host, guest] = clients as [TestClient, TestClient];
    const {
      revision,
      epoch,
      room: held,
    } = ((await guest.ask('room.join', { roomId })) as unknown as Joined).snapshot;
    await guest.ask('chat.send', { roomId, text: 'one' });
    guest.close();
    await host.ask('queue.add', { roomId, trackIds: [trackId(1)] });
    await host.ask('chat.send', { roomId, text: 'two' });
    await world.time.advance(5_000);
    const back = await world.connect(2);
    const reply = await back.ask('room.join', { roomId, since: { epoch, revision, chat: 1 } });
    const head = world.hub.rooms.get(roomId)!.state.public;
    const { resumed } = reply as unknown as { resumed: Revisions & { revision: number } };
    expect(resumed.revisions[0]).toMatchObject({
      revision: revision + 1,
      event: { type: 'QueueAdded' },
    });
    expect(resumed.revisions.at(-1)?.revision).toBe(resumed.revision);
    expect(resumed.revisions.reduce((room, { patch }) => applyPatch(room, patch), held)).toEqual(
      head,
    );
    expect(reply['chat']).toMatchObject({ items: [{ seq: 2, text: 'two' }], gap: false });
    await world.time.advance(60_000);
    expect(eventTypes(host.take('room.events'))).not.toContain('MembersDeparted');
  });

  it('lets one go whose grace has ended, and pauses when the last has gone (RM13)', async () => {
    const world = new HubWorld();
    const { roomId, clients } = await friends(world, 2);
    const [host, guest] = clients as [TestClient, TestClient];
    await host.ask('queue.add', { roomId, trackIds: [1, 2, 3].map(trackId) });
    await host.ask('playback.play', { roomId });
    guest.close();
    await world.time.advance(20_000);
    expect(eventTypes(host.take('room.events'))).toContain('MembersDeparted');
    host.close();
    await world.time.advance(14_000);
    const whilePlaying = world.hub.rooms.get(roomId)!.state.public.playback.timeline;
    expect(anchorAt(whilePlaying, world.time.now())).toMatchObject({ state: 'playing' });
    await world.time.advance(2_000);
    const { playback, session } = world.hub.rooms.get(roomId)!.state.public;
    expect(playback.timeline).toHaveLength(1);
    expect(playback.timeline[0]).toMatchObject({ state: 'paused' });
    expect(session).toBeUndefined();
  });

  it('is dropped from memory when nobody is there, and comes back as it was', async () => {
    const world = new HubWorld();
    await world.hub.start();
    const { roomId, clients } = await friends(world, 1);
    const [host] = clients as [TestClient];
    await host.ask('queue.add', { roomId, trackIds: [trackId(1)] });
    await host.ask('chat.send', { roomId, text: 'bye' });
    await host.ask('room.leave', { roomId });
    await world.time.advance(200_000);
    expect(world.hub.rooms.get(roomId)).toBeUndefined();
    const back = await world.connect(2);
    const reply = await back.ask('room.join', { roomId });
    expect(Object.keys((reply as unknown as Joined).snapshot.room.queue)).toHaveLength(1);
    expect(reply['chat']).toMatchObject({ items: [{ text: 'bye' }] });
  });

  it('moves a person who joins elsewhere; the late close of the old socket hurts nobody (RM7)', async () => {
    const world = new HubWorld();
    const { roomId, clients } = await friends(world, 2);
    const [, old] = clients as [TestClient, TestClient];
    const fresh = await world.connect(2);
    await fresh.ask('room.join', { roomId });
    expect(old.take('room.left')).toMatchObject([{ reason: 'replaced' }]);
    old.close();
    await world.time.advance(60_000);
    expect(world.hub.rooms.get(roomId)!.state.members[userId(2)]?.here).toBe(true);
    expect(await fresh.ask('chat.send', { roomId, text: 'still here' })).toMatchObject({
      type: 'ok',
    });
  });

  it('shows a kicked person the door and lets a private room’s host answer it (RM11, RM12)', async () => {
    const world = new HubWorld();
    const { roomId, clients } = await friends(world, 2);
    const [host, guest] = clients as [TestClient, TestClient];
    await host.ask('room.update', { roomId, visibility: 'private' });
    await host.ask('member.kick', { roomId, userId: userId(2) });
    await world.time.advance(1_000);
    expect(guest.take('room.left')).toMatchObject([{ reason: 'kicked' }]);
    expect(await guest.ask('chat.send', { roomId, text: 'hello?' })).toMatchObject({
      code: 'not_in_room',
    });
    expect(await guest.ask('room.join', { roomId })).toMatchObject({ code: 'invite_needed' });
    expect(await guest.ask('room.knock', { roomId })).toMatchObject({ roomId, status: 'waiting' });
    const waiting = [{ id: userId(2), name: 'User 2' }];
    expect(host.take('room.knocked')).toMatchObject([{ waiting }]);
    // Who comes back sees who waits, and so does nobody who may not answer.
    expect((await host.ask('room.join', { roomId }))['you']).toMatchObject({ waiting });
    await host.ask('room.update', { roomId, settings: { invite: 'host' } });
    const dj = await world.connect(3);
    const { invite } = await host.ask('room.invite', { roomId });
    const joined = await dj.ask('room.join', { roomId, invite: invite as string });
    expect(joined['you']).not.toHaveProperty('waiting');
    await host.ask('room.admit', { roomId, userId: userId(2), accept: true });
    expect(guest.take('room.admitted')).toMatchObject([{ accept: true }]);
    expect(host.take('room.knocked')).toMatchObject([{ waiting: [] }]);
    expect(dj.take('room.knocked')).toEqual([]);
    expect(await guest.ask('room.join', { roomId })).toMatchObject({ type: 'ok' });
  });

  it('sums reactions, numbers chat, and erases what is deleted (CH1, RE1)', async () => {
    const world = new HubWorld();
    const { roomId, clients } = await friends(world, 2);
    const [host, guest] = clients as [TestClient, TestClient];
    host.send('reaction.send', { roomId, emoji: '🎉' });
    guest.send('reaction.send', { roomId, emoji: '🎉' });
    await world.time.advance(300);
    expect(guest.take('room.reactions')).toMatchObject([{ counts: { '🎉': 2 } }]);
    await guest.ask('chat.send', { roomId, text: 'oops' });
    expect(await guest.ask('chat.delete', { roomId, seq: 1 })).toMatchObject({ seq: 2 });
    const items = host.take('room.chat').flatMap((push) => push['items'] as { seq: number }[]);
    expect(items.map(({ seq }) => seq)).toEqual([1, 2]);
    const late = await world.connect(3);
    expect((await late.ask('room.join', { roomId }))['chat']).toMatchObject({
      items: [
        { seq: 1, text: '', deleted: true },
        { seq: 2, kind: 'deletion', target: 1 },
      ],
    });
  });

  it('tells how well in step it is, and plans starts so that the slowest can keep them (PB4, PB8)', async () => {
    const world = new HubWorld();
    const { roomId, clients } = await friends(world, 2);
    const [host, guest] = clients as [TestClient, TestClient];
    const report = { roomId, maxErrorMs: 1, state: 'following' } as const;
    await host.ask('sync.report', { ...report, errorMs: 2, rttMs: 10, outputLatencyMs: 20 });
    await guest.ask('sync.report', { ...report, errorMs: -8, rttMs: 600, outputLatencyMs: 40 });
    await world.time.advance(5_000);
    expect(host.take('room.sync')).toMatchObject([
      { p50Ms: 2, p95Ms: 8, members: { [userId(2)]: { errorMs: -8 } } },
    ]);
    await host.ask('queue.add', { roomId, trackIds: [trackId(1)] });
    const { entryIds } = {
      entryIds: Object.keys(world.hub.rooms.get(roomId)!.state.public.queue) as EntryId[],
    };
    const [entryId] = entryIds as [EntryId];
    await host.ask('ready', { roomId, entryId, bufferedMs: 5_000 });
    await guest.ask('ready', { roomId, entryId, bufferedMs: 5_000 });
    await host.ask('playback.play', { roomId });
    const { timeline, gate } = world.hub.rooms.get(roomId)!.state.public.playback;
    expect(gate).toBeUndefined();
    expect(timeline.find(({ state }) => state === 'playing')?.at).toBe(
      Math.round(world.time.now()) + 440,
    );
  });

  it('plans by the delays of those who wait for the music, and tells nobody of them as being in step (PB8)', async () => {
    const world = new HubWorld();
    const { roomId, clients } = await friends(world, 2);
    const [host, guest] = clients as [TestClient, TestClient];
    const idle = { roomId, errorMs: 0, maxErrorMs: 0, state: 'idle' } as const;
    await host.ask('sync.report', { ...idle, rttMs: 4, outputLatencyMs: 20 });
    await guest.ask('sync.report', { ...idle, rttMs: 340, outputLatencyMs: 90 });
    await world.time.advance(6_000);
    expect(host.take('room.sync')).toEqual([]);
    await host.ask('queue.add', { roomId, trackIds: [trackId(1)] });
    const [entryId] = Object.keys(world.hub.rooms.get(roomId)!.state.public.queue) as [EntryId];
    for (const client of [host, guest])
      await client.ask('ready', { roomId, entryId, bufferedMs: 5 });
    await host.ask('playback.play', { roomId });
    const { timeline } = world.hub.rooms.get(roomId)!.state.public.playback;
    expect(timeline.find(({ state }) => state === 'playing')?.at).toBe(
      Math.round(world.time.now()) + 360,
    );
  });

  it('opens the gate early when enough are ready, never later than its deadline (PB6)', async () => {
    const world = new HubWorld();
    const { roomId, clients } = await friends(world, 2);
    const [host, guest] = clients as [TestClient, TestClient];
    await host.ask('queue.add', { roomId, trackIds: [trackId(1)] });
    await host.ask('playback.play', { roomId });
    const room = world.hub.rooms.get(roomId)!;
    const pressedAt = world.time.now();
    const { gate } = room.state.public.playback;
    expect(gate).toMatchObject({ needed: 2, deadlineAt: pressedAt + 1_500 });
    await world.time.advance(300);
    await host.ask('ready', { roomId, entryId: gate!.entryId, bufferedMs: 2_000 });
    expect(room.state.public.playback.gate).toBeDefined();
    await guest.ask('ready', { roomId, entryId: gate!.entryId, bufferedMs: 2_000 });
    expect(room.state.public.playback.gate).toBeUndefined();
    expect(room.state.public.playback.timeline.find(({ state }) => state === 'playing')?.at).toBe(
      pressedAt + 300 + 150,
    );
  });
});
