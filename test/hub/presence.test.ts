// Who is here: what members are told of it, and what the log is, through joins, losses, restarts and late answers.
import { describe, expect, it } from 'vitest';
import type { RoomId } from '../../protocol/ids.ts';
import type { Present, PresenceView } from '../../protocol/schemas/pushes.ts';
import { FaultyRoomLog, Gate } from '../support/faulty-room-log.ts';
import { HubWorld, userId, type Message, type TestClient } from '../support/hub-world.ts';
import { UNHURRIED, eventsOf, kitchen } from '../support/kitchen.ts';
import { SeededRandom } from '../support/seeded-random.ts';

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

  it('goes on for one who leaves and is back before the log has heard of either', async () => {
    const log = new FaultyRoomLog();
    const world = new HubWorld(UNHURRIED, { roomLog: log });
    const { host, roomId } = await kitchen(world);
    const guest = await world.connect(2);
    const gate = new Gate();
    log.next(gate.lateStart);
    host.send('playback.mode', { roomId, repeat: 'all' });
    await world.time.settle();
    // One batch has the arrival and the departure, and then they are there again.
    guest.send('room.join', { roomId });
    await world.time.advance(100);
    guest.send('room.leave', { roomId });
    await world.time.advance(100);
    guest.send('room.join', { roomId });
    await world.time.settle();
    guest.socket.take();
    gate.open();
    await world.time.advance(1_000);
    expect(guest.take('room.left')).toEqual([]);
    const room = world.hub.rooms.get(roomId)!;
    expect(room.members.count).toBe(2);
    expect(room.state.members[userId(2)]?.here).toBe(true);
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
