// Rooms that leave a real Redis for a real Postgres when nobody needs them, and come back: nothing is lost, no number is given twice.
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import type { RoomId } from '../../protocol/ids.ts';
import { RedisIdleRooms } from '../../src/adapters/redis/redis-idle-rooms.ts';
import { createPromMetrics } from '../../src/adapters/system/prom-metrics.ts';
import { systemTimers } from '../../src/adapters/system/system-timers.ts';
import { ChatMoved } from '../../src/ports/chat-log.ts';
import { NO_ROOM, StoreUnavailable, type LoadedRoom } from '../../src/ports/room-log.ts';
import { ANA, BEN, gathering } from '../support/gathering.ts';
import { IdleWorld, says } from '../support/idle-world.ts';
import { startPostgresServer } from '../support/postgres-server.ts';
import { SILENT } from '../support/postgres-stores.ts';
import { orSkipped, startRedisCluster, startRedisServer } from '../support/redis-server.ts';
import { RoomHolder } from '../support/room-holder.ts';
import type { SharedLogs } from '../support/shared-logs.ts';

const HOUR_MS = 3_600_000;

const postgres = await startPostgresServer();
const single = await orSkipped('Redis', startRedisServer);
const cluster = await orSkipped('a cluster of Redis', startRedisCluster);
afterAll(async () => {
  await single?.stop();
  await cluster?.stop();
  await postgres?.stop();
});

function onRedis(redisUrl: string): void {
  const world = new IdleWorld(redisUrl, () => postgres!.createDatabase());
  afterEach(() => world.stop());

  it('leave when the archive has all of them, and not before', async () => {
    const logs = await world.node();
    const room = await world.emptied(logs);
    const { roomId } = room;
    await logs.idleRooms.sweep();
    expect(await world.isHere(logs, room)).toBe(true);
    logs.outbox.start();
    await world.allArrived(logs);
    expect(await logs.figure('redis_rooms')).toBe(1);
    await logs.idleRooms.sweep();
    expect(await world.isHere(logs, room)).toBe(false);
    const { keys } = logs;
    for (const name of [keys.room(roomId), keys.events(roomId), keys.chat(roomId)])
      expect(await world.command(logs, name, 'EXISTS')).toBe(0);
    expect(await logs.figure('redis_rooms_left_total')).toBe(1);
    await logs.idleRooms.sweep();
    expect(await logs.figure('redis_rooms')).toBe(0);
  });

  it('come back as they were, for all who ask at once, and go on; as often as it happens', async () => {
    const [one, other] = [await world.node(), await world.node()];
    const room = await world.left(one);
    const { roomId } = room;
    const chat = await one.kept.chatLog.after(roomId, 0, 100);
    expect(chat.items).toHaveLength(4);
    const epochs = [room.head.epoch];
    for (const name of ['once', 'twice']) {
      expect(await other.roomLog.findByCode(room.code)).toBe(roomId);
      const asked = [one, other, one, other].map(({ roomLog }) => roomLog.load(roomId));
      const loaded = await Promise.all(asked);
      const [back] = loaded;
      for (const each of loaded) expect(each).toMatchObject({ ...back });
      expect(back?.state).toEqual(room.state);
      expect(back?.head).toEqual({ ...room.head, epoch: back?.head.epoch });
      epochs.push(back!.head.epoch);
      room.head = back!.head;
      expect(await other.chatLog.after(roomId, 0, 100)).toMatchObject({ items: chat.items });
      room.at += 1_000;
      await room.append(other.roomLog, [room.renamed(name)]);
      const { item } = await other.chatLog.append(roomId, says(name), room.at);
      expect(item.seq).toBe(chat.items.length + 1);
      (chat.items as unknown[]).push(item);
      await world.expectArchived(one, room);
      await one.idleRooms.sweep();
      expect(await world.isHere(one, room)).toBe(false);
    }
    expect(epochs).toEqual([...new Set(epochs)].toSorted((a, b) => a - b));
    expect((await one.kept.chatLog.after(roomId, 0, 100)).items).toEqual(chat.items);
    const sessions = await one.kept.archive.sessionsOf(roomId, { limit: 10 });
    expect(sessions).toHaveLength(1);
    const record = await one.kept.archive.session(sessions[0]!.sessionId);
    expect(record?.participations).toMatchObject([ANA, BEN]);
    expect(record?.participations.every(({ departedAt }) => departedAt !== undefined)).toBe(true);
    expect(await world.recorded(roomId)).toHaveLength(room.head.revision);
  });

  it('stay while people are in them, or something has changed within the time', async () => {
    const [logs, slow] = [await world.node(), await world.node(HOUR_MS)];
    logs.outbox.start();
    const inhabited = await gathering(logs.roomLog);
    await world.allArrived(logs);
    await logs.idleRooms.sweep();
    expect(await world.isHere(logs, inhabited)).toBe(true);
    // Another one takes the leases over.
    const room = await world.emptied(logs);
    await world.allArrived(logs);
    for (let partition = 0; partition < world.partitions; partition += 1)
      await world.command(logs, logs.keys.idleLease(partition), 'DEL');
    await slow.idleRooms.sweep();
    expect(await world.isHere(logs, room)).toBe(true);
  });

  it('stay an hour when they are closed, however long the others stay', async () => {
    const logs = await world.node(10 * HOUR_MS);
    logs.outbox.start();
    const [open, closed, fresh] = [
      await world.emptied(logs),
      await world.emptied(logs),
      await world.emptied(logs),
    ];
    for (const room of [closed, fresh])
      await room.append(logs.roomLog, [room.event('RoomClosed', { by: room.hostId })]);
    await world.allArrived(logs);
    const { keys } = logs;
    for (const room of [open, closed]) {
      const changed = keys.changed(keys.partitionOf(room.roomId));
      const at = Number(await world.command(logs, changed, 'ZSCORE', room.roomId));
      const earlier = at - Math.sign(at) * 2 * HOUR_MS;
      await world.command(logs, changed, 'ZADD', String(earlier), room.roomId);
    }
    await logs.idleRooms.sweep();
    expect(
      await Promise.all([open, closed, fresh].map((room) => world.isHere(logs, room))),
    ).toEqual([true, false, true]);
  });

  it('stay while the archive has something of theirs to take, or has refused something', async () => {
    const logs = await world.node();
    logs.outbox.start();
    const room = await world.emptied(logs);
    await world.allArrived(logs);
    await logs.outbox.stop();
    const { keys } = logs;
    const partition = keys.partitionOf(room.roomId);
    const staysFor = async (key: string): Promise<void> => {
      const id = String(await world.command(logs, key, 'XADD', '*', 'm', '{}'));
      const at = id.replace(/-.*/, '');
      await world.command(logs, keys.changed(partition), 'ZADD', at, room.roomId);
      await logs.idleRooms.sweep();
      expect(await world.isHere(logs, room)).toBe(true);
      await world.command(logs, key, 'XDEL', id);
    };
    await staysFor(keys.outbox(partition));
    await staysFor(keys.rejected(partition));
    await logs.idleRooms.sweep();
    expect(await world.isHere(logs, room)).toBe(false);
  });

  /** A sweep that is held up between its reading and its leaving. */
  const heldUp = (logs: SharedLogs, meanwhile: () => Promise<unknown>): RedisIdleRooms => {
    const { redis, keys, live, kept } = logs;
    const archive = {
      chatLog: kept.chatLog,
      roomLog: {
        async load(roomId: RoomId): Promise<LoadedRoom | undefined> {
          const loaded = await kept.roomLog.load(roomId);
          await meanwhile();
          return loaded;
        },
      },
    };
    const common = { timers: systemTimers, metrics: createPromMetrics(), log: SILENT };
    return new RedisIdleRooms({
      ...{ redis, keys, live, archive, ...common },
      nodeId: 'held up',
      idleMs: 0,
    });
  };
  it.each(['an append', 'a word', 'an append that is archived', 'a word that is archived'])(
    'stay when %s comes between',
    async (what) => {
      const logs = await world.node();
      logs.outbox.start();
      const room = await world.emptied(logs);
      const { roomId } = room;
      await world.allArrived(logs);
      let times = 0;
      const sweep = heldUp(logs, async () => {
        times += 1;
        if (what.startsWith('a word'))
          await logs.chatLog.append(roomId, says('wait'), room.at, undefined, 4);
        else await room.append(logs.roomLog, [room.renamed('wait')]);
        if (what.endsWith('archived')) await world.allArrived(logs);
      });
      await sweep.sweep();
      expect(times).toBe(1);
      expect(await world.isHere(logs, room)).toBe(true);
      const { items } = await logs.live.chatLog.after(roomId, 0, 10);
      expect(items).toHaveLength(what.startsWith('a word') ? 5 : 4);
      await world.expectArchived(logs, room);
    },
  );

  it('lose nothing to many who append while they leave again and again', async () => {
    const logs = await world.node();
    logs.outbox.start();
    const rooms = await Promise.all(Array.from({ length: 4 }, () => world.emptied(logs)));
    const acknowledged = new Map(rooms.map(({ roomId }) => [roomId, [] as string[]]));
    const life = { isOver: false };
    const sweeping = (async (): Promise<void> => {
      while (!life.isOver) {
        await logs.idleRooms.sweep();
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    })();
    const hasLeft = async (): Promise<boolean> =>
      (await logs.figure('redis_rooms_left_total')) > rooms.length;
    const holding = rooms.map(async ({ roomId }) => {
      const holder = await RoomHolder.open(logs, roomId);
      for (let i = 0; i < 12 || !(await hasLeft()); i += 1) {
        const name = `name ${i}`;
        expect(await holder.renameSurely(name)).toMatchObject({ kind: 'done' });
        acknowledged.get(roomId)?.push(name);
        // At last longer than it takes to be archived and to leave, however busy the machine is.
        await new Promise((resolve) => setTimeout(resolve, (40 + 4 * i) * (i % 4)));
      }
      return holder;
    });
    const holders = await Promise.all(holding);
    life.isOver = true;
    await sweeping;
    await world.allArrived(logs);
    expect(await hasLeft()).toBe(true);
    for (const { roomId, shown, runner } of holders) {
      const loaded = await logs.roomLog.load(roomId);
      expect(loaded?.state).toEqual(runner.state);
      expect(loaded?.state.public.name).toBe(acknowledged.get(roomId)?.at(-1));
      // Each was shown once, under numbers that never go back.
      expect(shown.map(({ eventId }) => eventId)).toEqual([
        ...new Set(shown.map(({ eventId }) => eventId)),
      ]);
      expect(new Set(shown.map(({ epoch, revision }) => `${epoch}-${revision}`)).size).toBe(
        shown.length,
      );
      await world.allArrived(logs);
      const kept = await logs.kept.roomLog.load(roomId);
      expect(kept?.state).toEqual(runner.state);
      const recorded = await world.recorded(roomId);
      expect(recorded).toHaveLength(runner.head.revision);
      expect(recorded.slice(-shown.length)).toEqual(shown.map(({ eventId }) => eventId));
    }
  });

  it('are put back by a node that holds them still, when it notices or decides', async () => {
    const logs = await world.node();
    logs.outbox.start();
    const room = await world.emptied(logs);
    const holder = await RoomHolder.open(logs, room.roomId);
    await world.allArrived(logs);
    await logs.idleRooms.sweep();
    expect(await world.isHere(logs, room)).toBe(false);
    const [head = NO_ROOM] = await logs.roomLog.heads([room.roomId]);
    holder.runner.compare(head);
    await expect.poll(() => holder.runner.head.epoch).toBeGreaterThan(1);
    const { epoch } = holder.runner.head;
    expect(await world.isHere(logs, room)).toBe(true);
    await world.allArrived(logs);
    await logs.idleRooms.sweep();
    expect(await world.isHere(logs, room)).toBe(false);
    expect(await holder.rename('by a holder')).toMatchObject({ kind: 'done' });
    expect(holder.runner.head.epoch).toBeGreaterThan(epoch);
    expect(holder.runner.head.revision).toBe(room.head.revision + 1);
    await world.allArrived(logs);
    expect((await logs.kept.roomLog.load(room.roomId))?.state).toEqual(holder.runner.state);
  });

  it('remember the requests that took effect, and are not made a second time', async () => {
    const logs = await world.node();
    logs.outbox.start();
    const room = await world.emptied(logs);
    const { roomId } = room;
    const record = { key: 'k', reply: { n: 1 } };
    await room.append(logs.roomLog, [room.renamed('A')], [record]);
    const said = await logs.chatLog.append(roomId, says('m5'), room.at, 'said', 4);
    await world.allArrived(logs);
    await logs.idleRooms.sweep();
    expect(await world.isHere(logs, room)).toBe(false);
    expect(await logs.roomLog.recall(roomId, 'k')).toEqual(record.reply);
    const again = await logs.chatLog.append(roomId, says('m5'), room.at, 'said', 5);
    expect(again).toEqual({ ...said, repeated: true });
    // The request that made it comes again, to a node that draws another code.
    const before = { head: room.head, state: room.state };
    const event = { ...room.created(), code: 'ABCDEFGH' as never };
    [room.head, room.state] = [NO_ROOM, undefined];
    expect(await room.append(logs.roomLog, [event])).toEqual({ kind: 'conflict', head: NO_ROOM });
    expect(await logs.roomLog.findByCode('ABCDEFGH' as never)).toBeUndefined();
    const back = await logs.roomLog.load(roomId);
    expect(back?.state).toEqual(before.state);
    const events = [room.renamed('A')];
    expect(await logs.roomLog.append(roomId, back!.head, events, back!.state, [record])).toEqual({
      kind: 'duplicate',
      ...record,
    });
  });

  it('give no number of their chat twice, whatever the one who speaks has seen', async () => {
    const logs = await world.node();
    const { roomId } = await world.left(logs);
    await expect(
      logs.live.chatLog.append(roomId, says('seen'), 30_000, undefined, 4),
    ).rejects.toThrow(ChatMoved);
    await expect(logs.live.chatLog.append(roomId, says('unseen'), 30_000)).rejects.toThrow(
      ChatMoved,
    );
    // Whoever reads the chat alone brings it back alone, and it goes again.
    expect((await logs.chatLog.after(roomId, 0, 10)).items).toHaveLength(4);
    expect((await logs.live.chatLog.after(roomId, 0, 10)).items).toHaveLength(4);
    await world.allArrived(logs);
    await logs.idleRooms.sweep();
    expect((await logs.live.chatLog.after(roomId, 0, 10)).items).toEqual([]);
    await logs.roomLog.load(roomId);
    await expect(logs.live.chatLog.append(roomId, says('unseen'), 30_000)).rejects.toThrow(
      ChatMoved,
    );
    await logs.chatLog.restore(roomId, []);
    expect((await logs.chatLog.append(roomId, says('m5'), 30_000, undefined, 4)).item.seq).toBe(5);
  });

  it('are not put back with less than they had, unless the archive itself has less', async () => {
    const logs = await world.node();
    const room = await world.left(logs);
    const { roomId } = room;
    const stale = { ...(await logs.kept.roomLog.load(roomId))!, recent: [], keys: [] };
    room.head = (await logs.roomLog.load(roomId))!.head;
    room.at = 40_000;
    await room.append(logs.roomLog, [room.renamed('later')]);
    await world.allArrived(logs);
    await logs.idleRooms.sweep();
    expect(await world.isHere(logs, room)).toBe(false);
    // Read before all that, by somebody who was held up.
    await expect(logs.live.roomLog.restore(roomId, stale)).rejects.toThrow(StoreUnavailable);
    expect((await logs.roomLog.load(roomId))?.state).toEqual(room.state);
    await world.allArrived(logs);
    await logs.idleRooms.sweep();
    // Now it is the archive that was set back, and says the same again.
    await expect(logs.live.roomLog.restore(roomId, stale)).rejects.toThrow(StoreUnavailable);
    const back = await logs.live.roomLog.restore(roomId, stale);
    expect(back.state).toEqual(stale.state);
    expect(back.head.epoch).toBeGreaterThan(room.head.epoch);
  });
}

describe.skipIf(single === undefined || postgres === undefined)('idle rooms on Redis', () => {
  if (single !== undefined) onRedis(single.url);
});

describe.skipIf(cluster === undefined || postgres === undefined)('idle rooms on a cluster', () => {
  if (cluster !== undefined) onRedis(cluster.urls.join(','));
});
