// Who is here: what members are told of it, and what the log is, through joins, losses, restarts and late answers.
import { describe, expect, it } from 'vitest';
import type { EntryId, RoomId } from '../../protocol/ids.ts';
import type { Present, PresenceView } from '../../protocol/schemas/pushes.ts';
import { anchorAt, positionAt } from '../../protocol/schemas/playback.ts';
import type { RoomEvent } from '../../src/domain/room-event.ts';
import type { RoomLog } from '../../src/ports/room-log.ts';
import { FaultyRoomLog, Gate } from '../support/faulty-room-log.ts';
import { HubWorld, trackId, userId, type Message, type TestClient } from '../support/hub-world.ts';
import { SeededRandom } from '../support/seeded-random.ts';

const RATE = { perSecond: 1e6, burst: 1e6 };
const UNHURRIED = { connectionRate: RATE, userRate: RATE };

async function kitchen(world: HubWorld): Promise<{ host: TestClient; roomId: RoomId }> {
  await world.hub.start();
  const host = await world.connect(1);
  const roomId = (await host.ask('room.create', { name: 'Kitchen' }))['roomId'] as RoomId;
  await world.time.advance(1_000);
  host.socket.take();
  return { host, roomId };
}

async function eventsOf(log: RoomLog, roomId: RoomId): Promise<readonly RoomEvent[]> {
  const read = await log.read(roomId, { epoch: 1, revision: 0 });
  return read.kind === 'events' ? read.events : [];
}

/** A view of the presence as a client keeps it: what a join brought, and the differences since (RM9). */
class PresenceCopy {
  readonly client: TestClient;
  version: number;
  count: number;
  readonly members: Map<string, Present>;

  constructor(client: TestClient, joined: Message) {
    this.client = client;
    const { version, count, members } = joined['presence'] as PresenceView;
    this.version = version;
    this.count = count;
    this.members = new Map(Object.entries(members));
  }

  follow(): this {
    for (const push of this.client.take('room.presence')) {
      const { version, count, joined, left, changed } = push as unknown as {
        version: number;
        count: number;
        joined?: Record<string, Present>;
        left?: string[];
        changed?: Record<string, Present>;
      };
      // A push that was on its way when the join was answered is older than its view.
      if (version <= this.version) continue;
      expect(version, 'versions count by one').toBe(this.version + 1);
      this.version = version;
      this.count = count;
      for (const id of left ?? []) this.members.delete(id);
      for (const [id, present] of Object.entries({ ...joined, ...changed })) {
        this.members.set(id, present);
      }
    }
    return this;
  }

  get view(): PresenceView {
    return { version: this.version, count: this.count, members: Object.fromEntries(this.members) };
  }
}

function viewOf(world: HubWorld, roomId: RoomId): PresenceView {
  return JSON.parse(world.hub.rooms.get(roomId)!.members.presence.json()) as PresenceView;
}

describe('the presence', () => {
  it('reaches the log in one batch and the members in one push, however many come at once (RM8)', async () => {
    const world = new HubWorld(UNHURRIED);
    const { host, roomId } = await kitchen(world);
    const before = (await eventsOf(world.ports.roomLog, roomId)).length;
    const clients = [];
    for (let n = 2; n <= 31; n += 1) clients.push(await world.connect(n));
    for (const client of clients) client.send('room.join', { roomId });
    await world.time.advance(300);
    const events = (await eventsOf(world.ports.roomLog, roomId)).slice(before);
    expect(events.map(({ type }) => type)).toEqual(['MembersArrived']);
    const pushes = host.take('room.presence');
    expect(pushes).toHaveLength(1);
    expect(pushes[0]).toMatchObject({ count: 31 });
    expect(Object.keys(pushes[0]!['joined'] as object)).toHaveLength(30);
    // The members are told of twenty by name, and of all by number.
    const [shown] = host
      .take('room.events')
      .flatMap((push) => push['revisions'] as { event: { members: unknown[]; count: number } }[]);
    expect(shown!.event.count).toBe(30);
    expect(shown!.event.members).toHaveLength(20);
  });

  it('names no more than it may, but whoever holds a role', async () => {
    const world = new HubWorld({ ...UNHURRIED, maxNamedMembers: 5 });
    const { host, roomId } = await kitchen(world);
    const clients = new Map<number, TestClient>();
    for (let n = 2; n <= 9; n += 1) {
      clients.set(n, await world.connect(n));
      await clients.get(n)!.ask('room.join', { roomId });
    }
    await world.time.advance(500);
    const copy = new PresenceCopy(host, await host.ask('room.join', { roomId }));
    expect(copy.count).toBe(9);
    expect([...copy.members.keys()]).toEqual([1, 2, 3, 4, 5].map(userId));
    // Somebody without a name in the list becomes a dj: everybody must learn who.
    await host.ask('role.set', { roomId, userId: userId(9), role: 'dj' });
    await world.time.advance(500);
    expect(copy.follow().members.get(userId(9))).toEqual({ name: 'User 9', role: 'dj' });
    // A dj who comes back into a full room is named too.
    clients.get(9)!.close();
    await world.time.advance(500);
    expect(copy.follow().members.has(userId(9))).toBe(false);
    await (await world.connect(9)).ask('room.join', { roomId });
    await world.time.advance(500);
    expect(copy.follow().members.get(userId(9))?.role).toBe('dj');
    expect(copy.view).toEqual(viewOf(world, roomId));
  });

  it('names all again once they are few enough', async () => {
    const world = new HubWorld({ ...UNHURRIED, maxNamedMembers: 5 });
    const { host, roomId } = await kitchen(world);
    const clients: TestClient[] = [];
    for (let n = 2; n <= 8; n += 1) {
      const client = await world.connect(n);
      await client.ask('room.join', { roomId });
      clients.push(client);
    }
    await world.time.advance(500);
    const copy = new PresenceCopy(host, await host.ask('room.join', { roomId }));
    for (const client of clients.slice(0, 4)) await client.ask('room.leave', { roomId });
    await world.time.advance(500);
    copy.follow();
    expect(copy.count).toBe(4);
    expect([...copy.members.keys()].sort()).toEqual([1, 6, 7, 8].map(userId));
    expect(copy.view).toEqual(viewOf(world, roomId));
  });

  it('forgets one who came and went while another was looking', async () => {
    const world = new HubWorld(UNHURRIED);
    const { roomId } = await kitchen(world);
    const [brief, watcher] = [await world.connect(2), await world.connect(3)];
    await brief.ask('room.join', { roomId });
    // The view has the one who has just come, before anybody was told of them.
    const copy = new PresenceCopy(watcher, await watcher.ask('room.join', { roomId }));
    expect(copy.members.has(userId(2))).toBe(true);
    await brief.ask('room.leave', { roomId });
    await world.time.advance(500);
    expect([...copy.follow().members.keys()].sort()).toEqual([1, 3].map(userId));
  });

  it.each(Array.from({ length: 20 }, (_, seed) => [seed + 1]))(
    'of a copy is that of the hub, whenever it was taken (seed %i)',
    async (seed) => {
      const random = new SeededRandom(seed);
      const world = new HubWorld({ ...UNHURRIED, maxNamedMembers: 1 + random.int(6) });
      const { host, roomId } = await kitchen(world);
      const others = new Map<number, TestClient>();
      const copies: PresenceCopy[] = [];
      for (let step = 0; step < 80; step += 1) {
        const n = 2 + random.int(8);
        const client = others.get(n);
        const chance = random.next();
        if (client === undefined) {
          const fresh = await world.connect(n);
          others.set(n, fresh);
          copies.push(new PresenceCopy(fresh, await fresh.ask('room.join', { roomId })));
        } else if (chance < 0.3) {
          if (random.next() < 0.5) client.close();
          else await client.ask('room.leave', { roomId });
          others.delete(n);
          copies.splice(
            copies.findIndex((copy) => copy.client === client),
            1,
          );
        } else if (chance < 0.5) {
          await host.ask('role.set', {
            roomId,
            userId: userId(n),
            role: random.pick(['dj', 'listener']),
          });
        } else {
          await world.time.advance(random.int(200));
        }
      }
      await world.time.advance(500);
      const truth = viewOf(world, roomId);
      expect(truth.count).toBe(others.size + 1);
      for (const copy of copies) expect(copy.follow().view).toEqual(truth);
      const named = Object.keys(truth.members);
      expect(named.length).toBeGreaterThanOrEqual(
        Math.min(truth.count, world.options.maxNamedMembers),
      );
      const { state } = world.hub.rooms.get(roomId)!;
      for (const [id, holder] of Object.entries(state.public.roles))
        if (holder.here && state.members[id as keyof typeof state.members]?.here === true)
          expect([...named, 'graced']).toContain(
            [...others.keys(), 1].map(userId).includes(id as never) ? id : 'graced',
          );
    },
  );
});

describe('a stay', () => {
  it('goes on for one who comes back while their departure is on its way to the log', async () => {
    const log = new FaultyRoomLog();
    const world = new HubWorld(UNHURRIED, { roomLog: log });
    const { host, roomId } = await kitchen(world);
    const guest = await world.connect(2);
    await guest.ask('room.join', { roomId });
    await world.time.advance(500);
    const gate = new Gate();
    log.next(gate.lateAnswer);
    await guest.ask('room.leave', { roomId });
    await world.time.advance(100);
    guest.send('room.join', { roomId });
    await world.time.settle();
    gate.open();
    await world.time.advance(500);
    const { state } = world.hub.rooms.get(roomId)!;
    expect(world.hub.rooms.get(roomId)!.members.count).toBe(2);
    expect(state.members[userId(2)]?.here).toBe(true);
    expect(state.public.hereCount).toBe(2);
    expect(host.socket.isOpen).toBe(true);
  });

  it('ends for one who leaves while their arrival is on its way', async () => {
    const log = new FaultyRoomLog();
    const world = new HubWorld(UNHURRIED, { roomLog: log });
    const { roomId } = await kitchen(world);
    const guest = await world.connect(2);
    const gate = new Gate();
    log.next(gate.lateStart);
    await guest.ask('room.join', { roomId });
    await world.time.advance(100);
    guest.send('room.leave', { roomId });
    await world.time.settle();
    gate.open();
    await world.time.advance(500);
    const { state } = world.hub.rooms.get(roomId)!;
    expect(state.public.hereCount).toBe(1);
    expect(state.members[userId(2)]?.here ?? false).toBe(false);
  });

  it('is none for a second one who uses an invite for one (RM12)', async () => {
    const world = new HubWorld(UNHURRIED);
    const { host, roomId } = await kitchen(world);
    await host.ask('room.update', { roomId, visibility: 'private' });
    const { invite } = await host.ask('room.invite', { roomId, uses: 1 });
    const [a, b] = [await world.connect(2), await world.connect(3)];
    // In one tick: both find the invite unused.
    a.send('room.join', { roomId, invite: invite as string });
    b.send('room.join', { roomId, invite: invite as string });
    await world.time.advance(500);
    const room = world.hub.rooms.get(roomId)!;
    expect(room.state.public.hereCount).toBe(2);
    expect(room.members.count).toBe(2);
    expect(room.members.of(userId(3))).toBeUndefined();
    expect(b.take('room.left')).toHaveLength(1);
    b.socket.take();
    await host.ask('chat.send', { roomId, text: 'for us alone' });
    expect(b.socket.take()).toEqual([]);
  });

  it('is not begun by a socket that closed while its room was being made', async () => {
    const log = new FaultyRoomLog();
    const world = new HubWorld(UNHURRIED, { roomLog: log });
    await world.hub.start();
    const host = await world.connect(1);
    const gate = new Gate();
    log.next(gate.lateStart);
    host.send('room.create', { name: 'Kitchen' });
    await world.time.settle();
    host.close();
    gate.open();
    await world.time.advance(200_000);
    expect(world.hub.rooms.count).toBe(0);
  });

  it('is one of at most so many, however many rooms are made at once', async () => {
    const world = new HubWorld({ ...UNHURRIED, maxRoomsPerConnection: 2 });
    await world.hub.start();
    const host = await world.connect(1);
    for (let n = 0; n < 5; n += 1) host.send('room.create', { name: `Room ${n}` });
    await world.time.settle();
    const replies = host.socket.take().filter(({ id }) => id !== undefined);
    expect(replies.filter(({ type }) => type === 'ok')).toHaveLength(2);
    expect(replies.filter(({ code }) => code === 'conflict')).toHaveLength(3);
  });
});

describe('a restart', () => {
  async function playing(): Promise<{ world: HubWorld; roomId: RoomId; entryId: EntryId }> {
    const world = new HubWorld(UNHURRIED);
    const { host, roomId } = await kitchen(world);
    const guest = await world.connect(2);
    await guest.ask('room.join', { roomId });
    const { entryIds } = await host.ask('queue.add', {
      roomId,
      trackIds: [1, 2, 3, 4].map(trackId),
    });
    await host.ask('playback.play', { roomId });
    await world.time.advance(20_000);
    return { world, roomId, entryId: (entryIds as EntryId[])[0]! };
  }

  it('is not noticed by those who come back within the grace: it plays on', async () => {
    const { world, roomId } = await playing();
    const before = (await eventsOf(world.ports.roomLog, roomId)).length;
    world.restart();
    await world.time.advance(5_000);
    await world.hub.start();
    await world.time.advance(4_000);
    for (const n of [1, 2]) await (await world.connect(n)).ask('room.join', { roomId });
    await world.time.advance(30_000);
    const events = (await eventsOf(world.ports.roomLog, roomId)).slice(before);
    expect(events.map(({ type }) => type)).not.toContain('MembersDeparted');
    expect(events.map(({ type }) => type)).not.toContain('MembersArrived');
    const { playback, hereCount } = world.hub.rooms.get(roomId)!.state.public;
    expect(hereCount).toBe(2);
    expect(anchorAt(playback.timeline, world.time.now())).toMatchObject({ state: 'playing' });
  });

  it('ends the stay of those alone who do not come back', async () => {
    const { world, roomId } = await playing();
    world.restart();
    await world.hub.start();
    await world.time.advance(1_000);
    await (await world.connect(2)).ask('room.join', { roomId });
    await world.time.advance(20_000);
    const { state } = world.hub.rooms.get(roomId)!;
    expect(state.members[userId(1)]?.here).toBe(false);
    expect(state.members[userId(2)]?.here).toBe(true);
    expect(anchorAt(state.public.playback.timeline, world.time.now()).state).toBe('playing');
  });

  it('pauses where it was last heard if nobody comes back (RM13)', async () => {
    const { world, roomId, entryId } = await playing();
    const { timeline } = world.hub.rooms.get(roomId)!.state.public.playback;
    // The service is known to have lived until its last heartbeat, at most two seconds ago.
    const heard = positionAt(anchorAt(timeline, world.time.now()), world.time.now());
    world.restart();
    await world.time.advance(60_000);
    await world.hub.start();
    await world.time.advance(14_000);
    expect(world.hub.rooms.get(roomId)!.state.public.hereCount).toBe(2);
    await world.time.advance(3_000);
    const { playback, hereCount, session } = world.hub.rooms.get(roomId)!.state.public;
    expect(hereCount).toBe(0);
    expect(session).toBeUndefined();
    const [anchor, ...more] = playback.timeline;
    expect(more).toEqual([]);
    expect(anchor).toMatchObject({ state: 'paused', entryId });
    expect(anchor!.positionMs).toBeLessThanOrEqual(heard);
    expect(anchor!.positionMs).toBeGreaterThanOrEqual(heard - 2_000);
  });
});
