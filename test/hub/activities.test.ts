import { describe, expect, it } from 'vitest';
import { userId } from '../support/hub-world.ts';
import { ListeningWorld, listen, playingRoom, report } from '../support/listening-world.ts';

async function kitchen(tracks: readonly string[] = ['track1', 'track2']) {
  const world = new ListeningWorld();
  await world.hub.start();
  const host = await world.person(1);
  const roomId = await playingRoom(host, tracks);
  return { world, host, roomId };
}

describe('what a room’s listeners are shown to listen to', () => {
  it('is the track that plays, with its position and the way in', async () => {
    const { world, host, roomId } = await kitchen();
    await listen([host], roomId, 15_000);
    const live = world.live(1);
    expect(live).toMatchObject({
      user: { id: userId(1), name: 'User 1' },
      state: 'playing',
      track: { trackId: 'track1', title: 'Title 1', durationMs: 60_000 },
      room: { roomId, name: 'Kitchen', hereCount: 1 },
      join: 'room',
    });
    expect(Object.keys((live?.['room'] ?? {}) as object)).toContain('code');
    const { positionMs, positionAt } = live as { positionMs: number; positionAt: number };
    const room = world.hub.rooms.get(roomId);
    const anchor = room?.state.public.playback.timeline.find(({ state }) => state === 'playing');
    expect({ positionMs, positionAt }).toEqual({ positionMs: 0, positionAt: anchor?.at });
  });

  it('is nothing in the first five seconds of a track', async () => {
    const { world, host, roomId } = await kitchen();
    const startsAt = world.hub.rooms
      .get(roomId)
      ?.state.public.playback.timeline.find(({ state }) => state === 'playing')?.at;
    if (startsAt === undefined) throw new Error('nothing plays');
    await world.time.advance(Math.max(0, startsAt - world.time.now()));
    report(host, roomId);
    await world.time.advance(4_900);
    expect(world.live(1)).toBeUndefined();
    report(host, roomId);
    await world.time.advance(2_000);
    expect(world.live(1)).toBeDefined();
  });

  it('is nothing for whoever only looks', async () => {
    const { world, host, roomId } = await kitchen();
    const looker = await world.person(2);
    await looker.ask('room.join', { roomId });
    await listen([host], roomId, 15_000);
    expect(world.live(1)).toBeDefined();
    expect(world.live(2)).toBeUndefined();
    expect(world.outbox.played(2)).toEqual([]);
  });

  it('skips what was left within five seconds, and keeps what was there before for so long', async () => {
    const { world, host, roomId } = await kitchen(['track1', 'track2', 'track3']);
    await listen([host], roomId, 15_000);
    const skip = async () => {
      const room = world.hub.rooms.get(roomId);
      const now = room?.state.public.playback.timeline.findLast(
        (anchor) =>
          anchor.at <= world.time.now() && 'entryId' in anchor && anchor.state === 'playing',
      );
      if (now === undefined || !('entryId' in now)) throw new Error('nothing plays');
      await host.ask('playback.skip', { roomId, entryId: now.entryId });
    };
    await skip();
    await listen([host], roomId, 4_000);
    expect(world.live(1)).toMatchObject({ track: { trackId: 'track1' } });
    await skip();
    await listen([host], roomId, 10_000);
    expect(world.live(1)).toMatchObject({ track: { trackId: 'track3' } });
    expect(world.outbox.history(1).map(({ track }) => track.title)).toEqual(['Title 1', 'Title 3']);
  });

  it('is not what had stopped before they had heard it for five seconds, while it is shown of others', async () => {
    const { world, host, roomId } = await kitchen(['track1', 'track2']);
    await listen([host], roomId, 15_000);
    const late = await world.person(2);
    await late.ask('room.join', { roomId });
    await listen([host, late], roomId, 2_500);
    const playing = world.hub.rooms.get(roomId)?.state.public.playback.timeline.at(0);
    if (playing === undefined || !('entryId' in playing)) throw new Error('nothing plays');
    await host.ask('playback.skip', { roomId, entryId: playing.entryId });
    await listen([host, late], roomId, 4_500);
    expect(world.live(1)).toMatchObject({ track: { trackId: 'track1' } });
    expect(world.live(2)).toBeUndefined();
    await listen([host, late], roomId, 6_000);
    expect(world.live(2)).toMatchObject({ track: { trackId: 'track2' } });
    expect(world.outbox.history(2).map(({ track }) => track.title)).toEqual(['Title 2']);
  });

  it('keeps its id through a pause, which shows', async () => {
    const { world, host, roomId } = await kitchen();
    await listen([host], roomId, 15_000);
    const before = world.live(1);
    const entryId = Object.keys(world.hub.rooms.get(roomId)?.state.public.queue ?? {})[0] as string;
    await host.ask('playback.pause', { roomId, entryId });
    await world.time.advance(60_000);
    expect(world.live(1)).toMatchObject({ activityId: before?.['activityId'], state: 'paused' });
    await host.ask('playback.play', { roomId });
    await listen([host], roomId, 10_000);
    expect(world.live(1)).toMatchObject({ activityId: before?.['activityId'], state: 'playing' });
    expect(world.outbox.history(1)).toHaveLength(1);
  });

  it('goes when they leave, at once, with its end in the history', async () => {
    const { world, host, roomId } = await kitchen();
    await listen([host], roomId, 15_000);
    const leftAt = world.time.now();
    await host.ask('room.leave', { roomId });
    await world.time.advance(1_500);
    expect(world.live(1)).toBeUndefined();
    expect(world.outbox.history(1)).toMatchObject([{ endedAt: leftAt }]);
  });

  it('stays through a short loss of the socket, and goes when the grace has ended', async () => {
    const { world, host, roomId } = await kitchen();
    await listen([host], roomId, 15_000);
    const { activityId } = world.live(1) as { activityId: string };
    host.close();
    await world.time.advance(10_000);
    expect(world.live(1)).toBeDefined();
    const again = await world.connect(1);
    await again.ask('room.join', { roomId });
    await listen([again], roomId, 20_000);
    expect(world.live(1)).toMatchObject({ activityId });
    const lostAt = world.time.now();
    again.close();
    await world.time.advance(18_000);
    expect(world.live(1)).toBeUndefined();
    expect(world.outbox.history(1)).toMatchObject([{ activityId, endedAt: lostAt }]);
  });

  it('goes when they report no more while it plays', async () => {
    const { world, host, roomId } = await kitchen();
    await listen([host], roomId, 15_000);
    await world.time.advance(30_000);
    expect(world.live(1)).toBeUndefined();
  });

  it('ends with the queue', async () => {
    const { world, host, roomId } = await kitchen(['track1']);
    await listen([host], roomId, 70_000);
    expect(world.live(1)).toBeUndefined();
    const [entry] = world.outbox.history(1);
    expect((entry?.endedAt ?? 0) - (entry?.at ?? 0)).toBeGreaterThan(59_000);
    expect((entry?.endedAt ?? 0) - (entry?.at ?? 0)).toBeLessThan(61_000);
  });

  it('is one of two rooms: the one that was entered later', async () => {
    const { world, host, roomId } = await kitchen();
    const other = await world.person(2);
    const otherId = await playingRoom(other, ['track5']);
    await listen([host], roomId, 15_000);
    await host.ask('room.join', { roomId: otherId });
    for (let i = 0; i < 3; i += 1) {
      report(host, roomId);
      report(host, otherId);
      await world.time.advance(5_000);
    }
    expect(world.live(1)).toMatchObject({ room: { roomId: otherId } });
    await host.ask('room.leave', { roomId: otherId });
    await listen([host], roomId, 5_000);
    expect(world.live(1)).toMatchObject({ room: { roomId } });
  });
});

describe('somebody who is gone when the next track begins', () => {
  /** Until so long before the end of the first track, somebody else listens on. */
  async function before(endMs: number) {
    const { world, host, roomId } = await kitchen();
    const other = await world.person(2);
    await other.ask('room.join', { roomId });
    const startsAt = world.hub.rooms
      .get(roomId)
      ?.state.public.playback.timeline.find(({ state }) => state === 'playing')?.at;
    if (startsAt === undefined) throw new Error('nothing plays');
    await listen([host, other], roomId, startsAt + 60_000 - endMs - world.time.now());
    return { world, host, other, roomId, endsAt: startsAt + 60_000 };
  }

  it('is not shown with it, nor is it noted, and what they heard last ends when they went', async () => {
    const { world, host, other, roomId } = await before(5_000);
    const lostAt = world.time.now();
    host.close();
    for (let passed = 0; passed < 30; passed += 1) {
      await listen([other], roomId, 1_000);
      expect(world.live(1)?.['track']).not.toMatchObject({ trackId: 'track2' });
    }
    expect(world.live(2)).toMatchObject({ track: { trackId: 'track2' } });
    expect(world.live(1)).toBeUndefined();
    expect(world.outbox.history(1)).toMatchObject([
      { track: { title: 'Title 1' }, endedAt: lostAt },
    ]);
  });

  it('is shown with it when they are back within the grace', async () => {
    const { world, host, roomId, endsAt } = await before(5_000);
    host.close();
    await world.time.advance(12_000);
    const again = await world.connect(1);
    await again.ask('room.join', { roomId });
    await listen([again], roomId, 10_000);
    expect(world.live(1)).toMatchObject({ track: { trackId: 'track2' } });
    expect(world.outbox.history(1)).toMatchObject([
      { track: { title: 'Title 1' }, endedAt: endsAt },
      { track: { title: 'Title 2' } },
    ]);
  });

  it('is not shown with it either where their socket stands and says nothing', async () => {
    const { world, other, roomId } = await before(15_100);
    await listen([other], roomId, 35_000);
    expect(world.live(2)).toMatchObject({ track: { trackId: 'track2' } });
    expect(world.outbox.history(1).map(({ track }) => track.title)).toEqual(['Title 1']);
  });
});

describe('privacy', () => {
  it('hides what a room plays that does not show it, and notes it as private', async () => {
    const { world, host, roomId } = await kitchen();
    await host.ask('room.update', { roomId, settings: { showActivity: false } });
    await listen([host], roomId, 15_000);
    expect(world.live(1)).toBeUndefined();
    expect(world.outbox.history(1)).toMatchObject([{ isPrivate: true }]);
  });

  it('takes away what is shown when the room ceases to show it', async () => {
    const { world, host, roomId } = await kitchen();
    await listen([host], roomId, 15_000);
    expect(world.outbox.history(1)).toMatchObject([{ isPrivate: false }]);
    await host.ask('room.update', { roomId, settings: { showActivity: false } });
    await world.time.advance(1_500);
    expect(world.live(1)).toBeUndefined();
    expect(world.outbox.history(1)).toMatchObject([{ isPrivate: true }]);
  });

  it('gives no code of a private room, and lets friends knock or enter as the room says', async () => {
    const world = new ListeningWorld();
    await world.hub.start();
    const host = await world.person(1);
    const roomId = await playingRoom(host, ['track1', 'track2'], 'private');
    await host.ask('room.update', { roomId, settings: { friendsEnter: false } });
    await listen([host], roomId, 15_000);
    expect(world.live(1)).toMatchObject({ join: 'knock' });
    expect(Object.keys(world.live(1)?.['room'] as object)).not.toContain('code');
    await host.ask('room.update', { roomId, settings: { friendsEnter: true } });
    await world.time.advance(1_500);
    expect(world.live(1)).toMatchObject({ join: 'room' });
  });

  it('tells nothing in a private session, and goes on with the track that begins after it', async () => {
    const { world, host, roomId } = await kitchen(['track1', 'track2', 'track3']);
    await listen([host], roomId, 15_000);
    const privateUntil = world.time.now() + 60_000;
    const { policies } = await world.stores.friends.setAudience(userId(1), {
      audience: 'friends',
      privateUntil,
    });
    for (const { userId: id, version } of policies) await world.feed.tellPolicy(id, version);
    await listen([host], roomId, 55_000);
    expect(world.live(1)).toBeUndefined();
    // What was begun before it, and what began in it.
    expect(world.outbox.history(1).map(({ isPrivate }) => isPrivate)).toEqual([true, true]);
    // It goes on when the session has ended, and a part of it was heard there.
    await listen([host], roomId, 15_000);
    expect(world.live(1)).toBeUndefined();
    await listen([host], roomId, 60_000);
    expect(world.live(1)).toMatchObject({ track: { title: 'Title 3' } });
    expect(world.outbox.history(1).map(({ isPrivate }) => isPrivate)).toEqual([true, true, false]);
  });

  it('counts as private what nobody can be asked about, until they can', async () => {
    const world = new ListeningWorld();
    const { friends } = world.stores;
    let isAway = true;
    const policies = friends.policies.bind(friends);
    friends.policies = (...args) =>
      isAway ? Promise.reject(new Error('away')) : policies(...args);
    await world.hub.start();
    const host = await world.person(1);
    const roomId = await playingRoom(host, ['track1']);
    await listen([host], roomId, 15_000);
    expect(world.outbox.history(1)).toMatchObject([{ isPrivate: true }]);
    isAway = false;
    await listen([host], roomId, 10_000);
    expect(world.outbox.history(1)).toMatchObject([{ isPrivate: false }]);
  });
});

describe('what was heard', () => {
  it('is what the room played while they reported, to the millisecond of the reports', async () => {
    const { world, host, roomId } = await kitchen();
    await listen([host], roomId, 140_000);
    await host.ask('room.leave', { roomId });
    await world.time.advance(500);
    // The first report vouches for nothing; the second track is heard whole.
    expect(world.outbox.heardMs(1, 'Title 2')).toBe(60_000);
    const first = world.outbox.heardMs(1, 'Title 1');
    expect(first).toBeGreaterThan(54_000);
    expect(first).toBeLessThanOrEqual(60_000);
  });

  it('is nothing while they are detached, and at most fifteen seconds of a silence', async () => {
    const { world, host, roomId } = await kitchen();
    await listen([host], roomId, 20_000);
    await listen([host], roomId, 10_000, 'detached');
    await world.time.advance(1);
    report(host, roomId);
    await world.time.advance(19_000);
    report(host, roomId);
    await host.ask('room.leave', { roomId });
    await world.time.advance(500);
    const total = world.outbox.heardMs(1, 'Title 1') + world.outbox.heardMs(1, 'Title 2');
    // 15 s of the first four reports less the wait for the start, and 15 of the 19 s: of the time before the first word after the absence nobody knows.
    expect(total).toBeGreaterThan(28_000);
    expect(total).toBeLessThanOrEqual(30_001);
  });

  it('is nothing where each word that they listen comes after one that they do not', async () => {
    const { world, host, roomId } = await kitchen();
    for (const absence of ['detached', 'buffering', 'detached', 'buffering'] as const) {
      report(host, roomId, absence);
      await world.time.advance(10_000);
      report(host, roomId);
      await world.time.advance(100);
    }
    await host.ask('room.leave', { roomId });
    await world.time.advance(500);
    expect(world.outbox.heard(1)).toEqual([]);
  });

  it('is the same listen for the same play of the same person, and another for others', async () => {
    const { world, host, roomId } = await kitchen();
    const guest = await world.person(2);
    await guest.ask('room.join', { roomId });
    await listen([host, guest], roomId, 40_000);
    await host.ask('room.leave', { roomId });
    await guest.ask('room.leave', { roomId });
    await world.time.advance(500);
    const [mine, theirs] = [world.outbox.heard(1), world.outbox.heard(2)];
    expect(new Set(mine.map(({ listenId }) => listenId)).size).toBe(1);
    expect(mine[0]?.playKey).toBe(theirs[0]?.playKey);
    expect(mine[0]?.listenId).not.toBe(theirs[0]?.listenId);
    expect(mine[0]?.listenId).toBe(world.outbox.history(1)[0]?.activityId);
  });
});

describe('a track that a room plays again', () => {
  async function listensOf(world: ListeningWorld) {
    await world.time.advance(500);
    return world.stores.activityLog.listensPage(userId(1), { limit: 50 });
  }

  it('counts as often as it is heard, each time from its own start', async () => {
    const { world, host, roomId } = await kitchen(['track1']);
    await host.ask('playback.mode', { roomId, repeat: 'one' });
    await listen([host], roomId, 250_000);
    await host.ask('room.leave', { roomId });
    const listens = await listensOf(world);
    expect(listens.map(({ heardMs }) => heardMs).slice(0, 3)).toEqual([60_000, 60_000, 60_000]);
    expect(listens).toHaveLength(4);
    const begun = world.outbox.history(1).map(({ at }) => at);
    const apart = begun.slice(2).map((at, n) => at - (begun[n + 1] ?? 0));
    expect(apart).toEqual([60_000, 60_000, 60_000]);
  });

  it('counts again when the queue comes round to it', async () => {
    const { world, host, roomId } = await kitchen(['track1', 'track2']);
    await host.ask('playback.mode', { roomId, repeat: 'all' });
    await listen([host], roomId, 250_000);
    await host.ask('room.leave', { roomId });
    const listens = await listensOf(world);
    expect(listens.map(({ track }) => track.title)).toEqual([
      'Title 2',
      'Title 1',
      'Title 2',
      'Title 1',
    ]);
  });

  it('counts again when it is begun again past its half, and once when it is sooner', async () => {
    const { world, host, roomId } = await kitchen(['track1']);
    const room = world.hub.rooms.get(roomId);
    const entryId = Object.keys(room?.state.public.queue ?? {})[0] as string;
    await listen([host], roomId, 40_000);
    await host.ask('playback.previous', { roomId, entryId });
    await listen([host], roomId, 15_000);
    await host.ask('playback.jump', { roomId, to: entryId });
    await listen([host], roomId, 70_000);
    await host.ask('room.leave', { roomId });
    const listens = await listensOf(world);
    expect(listens).toHaveLength(2);
    expect(world.outbox.history(1)).toHaveLength(2);
  });

  it('keeps its play through seeks, after which its start stands nowhere in the timeline', async () => {
    const { world, host, roomId } = await kitchen(['track1']);
    const room = world.hub.rooms.get(roomId);
    const entryId = Object.keys(room?.state.public.queue ?? {})[0] as string;
    await listen([host], roomId, 15_000);
    for (const positionMs of [20_000, 15_000, 25_000]) {
      await host.ask('playback.seek', { roomId, entryId, positionMs });
      await listen([host], roomId, 10_000);
    }
    expect(room?.state.public.playback.timeline[0]).not.toMatchObject({ positionMs: 0 });
    await host.ask('room.leave', { roomId });
    expect(await listensOf(world)).toHaveLength(1);
    expect(world.outbox.history(1)).toHaveLength(1);
  });
});

describe('a hub that stops', () => {
  it('has handed on what was heard, and the ends, before its stores may close', async () => {
    const { world, host, roomId } = await kitchen(['track1']);
    const alone = await world.person(2);
    const lost = await world.person(3);
    const word = { track: { trackId: 'track3' }, positionMs: 0, state: 'playing' } as const;
    const startedAt = world.time.now();
    await alone.ask('activity.set', word);
    await lost.ask('activity.set', word);
    await listen([host], roomId, 20_000);
    lost.close();
    await listen([host], roomId, 10_000);
    await world.time.advance(500);
    const add = world.outbox.add.bind(world.outbox);
    let release = (): void => undefined;
    world.outbox.add = async (entries) => {
      await new Promise<void>((resolve) => {
        release = resolve;
      });
      await add(entries);
    };
    let isOver = false;
    const stopped = world.hub.stop().then(() => (isOver = true));
    await world.time.settle();
    expect(isOver).toBe(false);
    release();
    await stopped;
    const stoppedAt = world.time.now();
    expect(world.outbox.heardMs(2, 'Title 3')).toBe(stoppedAt - startedAt);
    expect(world.outbox.heardMs(3, 'Title 3')).toBeLessThan(21_000);
    expect(world.outbox.heardMs(3, 'Title 3')).toBeGreaterThan(19_000);
    expect(world.outbox.heardMs(1, 'Title 1')).toBeGreaterThan(19_000);
    expect(world.outbox.history(1)).toMatchObject([{ endedAt: stoppedAt }]);
    expect(world.outbox.history(2)).toMatchObject([{ endedAt: stoppedAt }]);
    expect(world.outbox.history(3)[0]?.endedAt).toBeLessThan(startedAt + 21_000);
  });

  it('tells the ends as private where it cannot ask in time whether they were, and waits no longer', async () => {
    const { world } = await kitchen(['track1']);
    const alone = await world.person(2);
    const word = { track: { trackId: 'track3' }, positionMs: 0, state: 'playing' } as const;
    await alone.ask('activity.set', word);
    await world.time.advance(20_000);
    world.stores.friends.policies = () => new Promise(() => undefined);
    const stoppedAt = world.time.now();
    let lost: number | undefined;
    const stopped = world.hub.stop().then((count) => (lost = count));
    await world.time.advance(3_000);
    expect(lost).toBe(0);
    await stopped;
    expect(world.outbox.history(2)).toMatchObject([{ endedAt: stoppedAt, isPrivate: true }]);
  });
});
