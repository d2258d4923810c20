// A service that was stopped and starts again: rooms whose people come back, and rooms whose people do not.
import { describe, expect, it } from 'vitest';
import type { EntryId, RoomId } from '../../protocol/ids.ts';
import { anchorAt, positionAt } from '../../protocol/schemas/playback.ts';
import { StoreUnavailable } from '../../src/ports/room-log.ts';
import { FaultyRoomLog } from '../support/faulty-room-log.ts';
import { HubWorld, trackId, userId } from '../support/hub-world.ts';
import { UNHURRIED, eventsOf, kitchen } from '../support/kitchen.ts';

describe('a restart', () => {
  async function playing(
    tracks = 4,
  ): Promise<{ world: HubWorld; roomId: RoomId; entryId: EntryId }> {
    const world = new HubWorld(UNHURRIED);
    const { host, roomId } = await kitchen(world);
    const guest = await world.connect(2);
    await guest.ask('room.join', { roomId });
    const { entryIds } = await host.ask('queue.add', {
      roomId,
      trackIds: Array.from({ length: tracks }, (_, i) => trackId(i + 1)),
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

  it('begins anew where the store was away in the middle of it', async () => {
    const log = new FaultyRoomLog();
    const world = new HubWorld(UNHURRIED, { roomLog: log });
    const { roomId } = await kitchen(world);
    await world.time.advance(1_000);
    world.restart();
    log.isAway = true;
    await expect(world.hub.start()).rejects.toBeInstanceOf(StoreUnavailable);
    expect(world.time.waiting).toBe(0);
    log.isAway = false;
    await world.hub.start();
    await world.time.advance(60_000);
    expect(world.hub.rooms.get(roomId)!.state.public.hereCount).toBe(0);
  });

  it('is not kept from beginning by one room that cannot be read', async () => {
    const { world, roomId } = await playing();
    const broken = (await (await world.connect(3)).ask('room.create', { name: 'Broken' }))[
      'roomId'
    ] as RoomId;
    await world.time.advance(1_000);
    world.restart();
    const { roomLog } = world.ports;
    const load = roomLog.load.bind(roomLog);
    roomLog.load = (id) => (id === broken ? Promise.reject(new TypeError('no state')) : load(id));
    await world.hub.start();
    expect(world.hub.rooms.get(roomId)).toBeDefined();
    expect(world.log.lines).toContainEqual(
      expect.objectContaining({ level: 'error', message: 'a room could not be opened' }),
    );
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

  it.each([
    [1, 60_000],
    [1, 600_000],
    [4, 60_000],
    [4, 3_600_000],
  ])(
    'pauses where it was last heard if nobody comes back: %d tracks, %d ms (RM13)',
    async (tracks, downMs) => {
      const { world, roomId, entryId } = await playing(tracks);
      const { timeline } = world.hub.rooms.get(roomId)!.state.public.playback;
      // The service is known to have lived until its last heartbeat, at most two seconds ago.
      const heard = positionAt(anchorAt(timeline, world.time.now()), world.time.now());
      world.restart();
      await world.time.advance(downMs);
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
    },
  );
});
