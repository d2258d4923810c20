// The log may be late, away, unheard or somebody else's: no command is lost, none is done twice, and everybody sees the same.
import { describe, expect, it } from 'vitest';
import type { EntryId, RoomId } from '../../protocol/ids.ts';
import type { Timers } from '../../src/ports/timers.ts';
import { applyPatch, type JsonObject } from '../../protocol/merge-patch.ts';
import type { PublicRoom } from '../../protocol/schemas/room.ts';
import { stateHash } from '../../protocol/state-hash.ts';
import { MemoryChatLog } from '../../src/adapters/memory/memory-chat-log.ts';
import {
  FaultyChatLog,
  FaultyRoomLog,
  Gate,
  awayAfter,
  awayBefore,
} from '../support/faulty-room-log.ts';
import { HubWorld, trackId, userId, type Message, type TestClient } from '../support/hub-world.ts';

interface Stage {
  readonly world: HubWorld;
  readonly log: FaultyRoomLog;
  readonly chatLog: FaultyChatLog;
  readonly roomId: RoomId;
  readonly host: TestClient;
  readonly guest: TestClient;
  /** What the guest holds after all that it was told since the stage was set. */
  readonly held: () => PublicRoom;
}

interface Revision {
  readonly revision: number;
  readonly event: { readonly type: string };
  readonly patch: JsonObject;
}

async function stage(options: ConstructorParameters<typeof HubWorld>[0] = {}): Promise<Stage> {
  const log = new FaultyRoomLog();
  const chatLog = new FaultyChatLog(new MemoryChatLog());
  const world = new HubWorld(options, { roomLog: log, chatLog });
  await world.hub.start();
  const host = await world.connect(1);
  const roomId = (await host.ask('room.create', { name: 'Kitchen' }))['roomId'] as RoomId;
  const guest = await world.connect(2);
  await guest.ask('room.join', { roomId });
  await world.time.advance(1_000);
  guest.take('room.events');
  host.take('room.events');
  let room = world.hub.rooms.get(roomId)!.state.public;
  return {
    world,
    log,
    chatLog,
    roomId,
    host,
    guest,
    held: () => {
      for (const { patch } of revisionsOf(guest)) room = applyPatch(room, patch);
      return room;
    },
  };
}

function revisionsOf(client: TestClient): Revision[] {
  return client.take('room.events').flatMap((push) => push['revisions'] as Revision[]);
}

function codes(messages: readonly Message[]): unknown[] {
  return messages.map((message) => message['code'] ?? message.type);
}

async function addedTo(log: FaultyRoomLog, roomId: RoomId): Promise<string[]> {
  const events = await log.events(roomId);
  return events.flatMap((event) =>
    event.type === 'QueueAdded' ? Object.values(event.entries).map(({ trackId: id }) => id) : [],
  );
}

describe('a command that meets another node’s', () => {
  it('is decided again on what the other did, and both are shown in order', async () => {
    const { world, log, roomId, host, guest, held } = await stage();
    log.next(async (append) => {
      await log.elsewhere(
        roomId,
        { type: 'UpdateRoom', name: 'Garden' },
        userId(1),
        world.time.now(),
      );
      return append();
    });
    expect(await host.ask('queue.add', { roomId, trackIds: [trackId(1)] })).toMatchObject({
      type: 'ok',
    });
    const { state } = world.hub.rooms.get(roomId)!;
    expect(held()).toEqual(state.public);
    expect(state.public.name).toBe('Garden');
    expect(Object.keys(state.public.queue)).toHaveLength(1);
    expect(world.hub.metrics.appendConflicts).toBe(1);
    expect(await addedTo(log, roomId)).toEqual([trackId(1)]);
    expect(guest.take('room.snapshot')).toEqual([]);
  });

  it('is refused as stale where the other did the same (RQ4)', async () => {
    const { world, log, roomId, host } = await stage();
    const { entryIds } = await host.ask('queue.add', { roomId, trackIds: [1, 2, 3].map(trackId) });
    await host.ask('playback.play', { roomId });
    await world.time.advance(10_000);
    const [entryId] = entryIds as [EntryId];
    log.next(async (append) => {
      await log.elsewhere(roomId, { type: 'Skip', entryId }, userId(2), world.time.now());
      return append();
    });
    expect(await host.ask('playback.skip', { roomId, entryId })).toMatchObject({ code: 'stale' });
    const skips = (await log.events(roomId)).filter(
      (event) => event.type === 'PlaybackMoved' && event.cause === 'skip',
    );
    expect(skips).toHaveLength(1);
  });

  it('is told of by the log itself, without a command of ours', async () => {
    const { world, log, roomId, held } = await stage();
    await log.elsewhere(roomId, { type: 'UpdateRoom', name: 'Attic' }, userId(1), world.time.now());
    await world.time.settle();
    expect(held().name).toBe('Attic');
  });

  it('is told of in the very tick in which a command of ours arrives that comes to nothing', async () => {
    const { world, log, roomId, host, guest, held } = await stage();
    const message = log.elsewhere(
      roomId,
      { type: 'UpdateRoom', name: 'Attic' },
      userId(1),
      world.time.now(),
    );
    guest.send('room.update', { roomId, name: 'Mine' });
    await message;
    await world.time.settle();
    expect(codes(guest.take('error'))).toEqual(['forbidden']);
    expect(held().name).toBe('Attic');
    expect(host.take('room.events')).toHaveLength(1);
    expect(world.hub.metrics.gapsRepaired).toBe(0);
  });

  it('is read for a client that has seen it there, although commands never end here', async () => {
    const fast = { perSecond: 1_000, burst: 1_000 };
    const { world, log, roomId, host, guest } = await stage({
      connectionRate: fast,
      userRate: fast,
    });
    const joined = await guest.ask('room.join', { roomId });
    const { epoch, revision } = joined['snapshot'] as { epoch: number; revision: number };
    const elsewhere = { type: 'UpdateRoom', name: 'Attic' } as const;
    await log.elsewhere(roomId, elsewhere, userId(1), world.time.now(), false);
    // Whenever one is appended, the next one waits already.
    const isAnswered = (): boolean => guest.take('ok').length > 0;
    let sent = 0;
    log.fate = () => async (append) => {
      if (sent < 100 && !isAnswered()) {
        sent += 1;
        host.send('room.update', { roomId, name: `N${sent}` });
      }
      await new Promise((resolve) => setImmediate(resolve));
      return append();
    };
    host.send('room.update', { roomId, name: 'N' });
    guest.send('room.join', { roomId, since: { epoch, revision: revision + 1 } });
    await world.time.settle();
    expect(sent).toBeLessThan(10);
  });

  it('gives up with `unavailable` when it loses every race, and nothing was changed by it', async () => {
    const { world, log, roomId, host } = await stage();
    let n = 0;
    log.fate = () => async (append) => {
      n += 1;
      await log.elsewhere(
        roomId,
        { type: 'UpdateRoom', name: `N${n}` },
        userId(1),
        world.time.now(),
        false,
      );
      return append();
    };
    expect(await host.ask('queue.add', { roomId, trackIds: [trackId(1)] })).toMatchObject({
      code: 'unavailable',
      retryable: true,
    });
    log.fate = undefined;
    expect(n).toBeLessThan(50);
    expect(await addedTo(log, roomId)).toEqual([]);
    await host.ask('queue.add', { roomId, trackIds: [trackId(2)] });
    expect(await addedTo(log, roomId)).toEqual([trackId(2)]);
  });
});

describe('a log that is away', () => {
  it('is told to who asked, and is used again as soon as it is back', async () => {
    const { world, log, roomId, host, held } = await stage();
    log.next(awayBefore);
    expect(await host.ask('queue.add', { roomId, trackIds: [trackId(1)] })).toMatchObject({
      code: 'unavailable',
      retryable: true,
      retryAfterMs: 1_000,
    });
    await world.time.advance(1_000);
    expect(await host.ask('queue.add', { roomId, trackIds: [trackId(1)] })).toMatchObject({
      type: 'ok',
    });
    expect(await addedTo(log, roomId)).toEqual([trackId(1)]);
    expect(held()).toEqual(world.hub.rooms.get(roomId)!.state.public);
    expect(world.log.lines.filter(({ level }) => level === 'error')).toEqual([]);
  });

  it('may have done it all the same: the key finds the first answer, and it is done once (RQ5)', async () => {
    const { world, log, roomId, host, held } = await stage();
    log.next(awayAfter);
    const lost = await host.ask('queue.add', { roomId, trackIds: [trackId(1)], key: 'k' });
    expect(lost).toMatchObject({ code: 'unavailable' });
    const again = await host.ask('queue.add', { roomId, trackIds: [trackId(1)], key: 'k' });
    expect(again).toMatchObject({ type: 'ok' });
    expect(await addedTo(log, roomId)).toEqual([trackId(1)]);
    const { queue } = world.hub.rooms.get(roomId)!.state.public;
    expect(again['entryIds']).toEqual(Object.keys(queue));
    expect(held().queue).toEqual(queue);
  });

  it('has done it once where it was asked again after a fail-over', async () => {
    const { world, log, roomId, host } = await stage();
    // As a client of Redis does whose connection breaks before the answer: it sends the same again.
    log.next(async (append) => {
      await append();
      await log.failOver(roomId, 0);
      return append();
    });
    expect(await host.ask('queue.add', { roomId, trackIds: [trackId(1)] })).toMatchObject({
      type: 'ok',
    });
    expect(await addedTo(log, roomId)).toEqual([trackId(1)]);
    expect(Object.keys(world.hub.rooms.get(roomId)!.state.public.queue)).toHaveLength(1);
  });

  it('shows everybody what it did, although nobody asks again', async () => {
    const { world, log, roomId, host, held } = await stage();
    log.next(awayAfter);
    await host.ask('queue.add', { roomId, trackIds: [trackId(1)] });
    await world.time.advance(5_000);
    expect(Object.keys(held().queue)).toHaveLength(1);
  });

  it('is told of somebody’s invite once it is back: they are not turned away (RM12)', async () => {
    const { world, log, roomId, host } = await stage();
    await host.ask('room.update', { roomId, visibility: 'private' });
    const { invite } = await host.ask('room.invite', { roomId, uses: 1 });
    log.next(awayBefore, awayBefore);
    const friend = await world.connect(3);
    await friend.ask('room.join', { roomId, invite: invite as string });
    await world.time.advance(10_000);
    expect(friend.take('room.left')).toEqual([]);
    const { state } = world.hub.rooms.get(roomId)!;
    expect(state.members[userId(3)]).toMatchObject({ here: true, admitted: true });
  });

  it('is asked in vain for a while without harm: each command is answered, later ones work', async () => {
    const { world, log, roomId, host, guest } = await stage();
    log.isAway = true;
    for (let n = 0; n < 10; n += 1) host.send('queue.add', { roomId, trackIds: [trackId(n)] });
    await world.time.settle();
    expect(codes(host.socket.take() as Message[])).toEqual(Array<string>(10).fill('unavailable'));
    guest.close();
    await world.time.advance(30_000);
    log.isAway = false;
    await world.time.advance(5_000);
    const state = world.hub.rooms.get(roomId)!.state;
    expect(state.members[userId(2)]?.here ?? false).toBe(false);
    expect(state.public.hereCount).toBe(1);
    await host.ask('queue.add', { roomId, trackIds: [trackId(1)] });
    expect(await addedTo(log, roomId)).toEqual([trackId(1)]);
  });

  it('keeps the planned boundaries coming once it is back', async () => {
    const { world, log, roomId, host } = await stage();
    await host.ask('queue.add', { roomId, trackIds: [1, 2, 3, 4, 5].map(trackId) });
    await host.ask('playback.play', { roomId });
    await world.time.advance(20_000);
    log.isAway = true;
    await world.time.advance(45_000);
    log.isAway = false;
    await world.time.advance(3_000);
    const { timeline } = world.hub.rooms.get(roomId)!.state.public.playback;
    const last = timeline.at(-1)!;
    const end = last.state === 'playing' ? last.at + last.durationMs - last.positionMs : last.at;
    expect(last.state).toBe('playing');
    expect(end).toBeGreaterThan(world.time.now() + 29_000);
  });
});

describe('the same key', () => {
  it('twice in one tick is done once, and both are answered alike (RQ5)', async () => {
    const { world, log, roomId, host } = await stage();
    host.send('queue.add', { roomId, trackIds: [trackId(1)], key: 'k' });
    host.send('queue.add', { roomId, trackIds: [trackId(1)], key: 'k' });
    await world.time.settle();
    const [first, second] = host.socket.take().filter(({ id }) => id !== undefined);
    expect(first).toMatchObject({ type: 'ok' });
    expect({ ...second, id: 0 }).toEqual({ ...first, id: 0 });
    expect(await addedTo(log, roomId)).toEqual([trackId(1)]);
  });

  it('while the first is under way waits for it', async () => {
    const { world, log, roomId, host } = await stage();
    const gate = new Gate();
    log.next(gate.lateAnswer);
    host.send('queue.add', { roomId, trackIds: [trackId(1)], key: 'k' });
    await world.time.settle();
    host.send('queue.add', { roomId, trackIds: [trackId(1)], key: 'k' });
    await world.time.settle();
    expect(host.socket.take()).toEqual([]);
    gate.open();
    await world.time.settle();
    const [first, second] = host.socket.take().filter(({ id }) => id !== undefined);
    expect({ ...second, id: 0 }).toEqual({ ...first, id: 0 });
    expect(await addedTo(log, roomId)).toEqual([trackId(1)]);
  });

  it('of another person is another key', async () => {
    const { log, roomId, host, guest } = await stage();
    await host.ask('queue.add', { roomId, trackIds: [trackId(1)], key: 'k' });
    await guest.ask('queue.add', { roomId, trackIds: [trackId(2)], key: 'k' });
    expect(await addedTo(log, roomId)).toEqual([trackId(1), trackId(2)]);
  });

  it('of many that come to nothing is looked up for all of them at once', async () => {
    const { world, log, roomId, guest } = await stage();
    let underWay = 0;
    let most = 0;
    log.recalled = async (recall) => {
      most = Math.max(most, (underWay += 1));
      await new Promise((resolve) => setImmediate(resolve));
      underWay -= 1;
      return recall();
    };
    for (const key of ['a', 'b', 'c']) guest.send('room.update', { roomId, name: 'Mine', key });
    await world.time.settle();
    expect(codes(guest.socket.take() as Message[])).toEqual(Array<string>(3).fill('forbidden'));
    expect(most).toBe(3);
  });

  it('of many repeated at once, as after a lost connection, answers all', async () => {
    const { world, log, roomId, host } = await stage({
      connectionRate: { perSecond: 1_000, burst: 1_000 },
      userRate: { perSecond: 1_000, burst: 1_000 },
    });
    const send = (): void => {
      for (let n = 0; n < 40; n += 1)
        host.send('queue.add', { roomId, trackIds: [trackId(n)], key: `k${n}` });
    };
    send();
    await world.time.settle();
    const first = host.socket.take().filter(({ id }) => id !== undefined);
    send();
    host.send('queue.add', { roomId, trackIds: [trackId(45)], key: 'new' });
    await world.time.settle();
    const second = host.socket.take().filter(({ id }) => id !== undefined);
    expect(second.map(({ type }) => type)).toEqual(Array<string>(41).fill('ok'));
    const idsOf = (replies: typeof first): string[] =>
      replies.flatMap(({ entryIds }) => entryIds as string[]).sort();
    expect(idsOf(second)).toEqual(expect.arrayContaining(idsOf(first)));
    expect(await addedTo(log, roomId)).toHaveLength(41);
  });
});

describe('a log with another history', () => {
  it('is taken as a whole by everybody, under its own epoch (RM3)', async () => {
    const { world, log, roomId, host, guest } = await stage();
    await host.ask('queue.add', { roomId, trackIds: [trackId(1)] });
    await host.ask('queue.add', { roomId, trackIds: [trackId(2)] });
    for (const client of [host, guest]) client.take('room.events');
    await log.failOver(roomId, 1);
    expect(await host.ask('queue.add', { roomId, trackIds: [trackId(3)] })).toMatchObject({
      type: 'ok',
      epoch: 2,
    });
    const { state } = world.hub.rooms.get(roomId)!;
    for (const client of [host, guest]) {
      const [snapshot, ...more] = client.take('room.snapshot');
      expect(more).toEqual([]);
      expect(snapshot).toMatchObject({ epoch: 2, reason: 'epoch' });
      const revisions = revisionsOf(client);
      const room = revisions.reduce(
        (held, { patch }) => applyPatch(held, patch),
        snapshot!['room'] as PublicRoom,
      );
      expect(stateHash(room)).toBe(stateHash(state.public));
      expect(revisions[0]?.revision).toBe((snapshot!['revision'] as number) + 1);
    }
    expect(await addedTo(log, roomId)).toEqual([trackId(1), trackId(3)]);
  });

  it('does not know some who are here: they arrive again, and who comes back holding the old one starts over', async () => {
    const { world, log, roomId, host, guest } = await stage();
    const { snapshot } = (await guest.ask('room.join', { roomId })) as unknown as {
      snapshot: { epoch: number; revision: number };
    };
    // The guest's arrival is lost.
    await log.failOver(roomId, 1);
    await host.ask('room.update', { roomId, name: 'After' });
    await world.time.advance(3_000);
    const { state } = world.hub.rooms.get(roomId)!;
    expect(state.members[userId(2)]?.here).toBe(true);
    expect(state.public.hereCount).toBe(2);
    const back = await guest.ask('room.join', { roomId, since: snapshot });
    expect(back['snapshot']).toMatchObject({ epoch: 2 });
    expect(back['resumed']).toBeUndefined();
  });
});

describe('chat whose log is late or away', () => {
  const said = (client: TestClient): unknown[] =>
    client
      .take('room.chat')
      .flatMap((push) =>
        (push['items'] as { seq: number; text: string }[]).map(({ text }) => text),
      );

  it('is told in order, whichever answer comes first (CH1)', async () => {
    const { world, chatLog, roomId, host, guest } = await stage();
    const gate = new Gate();
    chatLog.next(gate.lateAnswer);
    host.send('chat.send', { roomId, text: 'one' });
    await world.time.settle();
    expect(await guest.ask('chat.send', { roomId, text: 'two' })).toMatchObject({ seq: 2 });
    expect(said(guest)).toEqual([]);
    gate.open();
    await world.time.settle();
    expect(said(guest)).toEqual(['one', 'two']);
  });

  it('goes on after an answer was lost: what was said is told, and nothing waits for ever', async () => {
    const { chatLog, roomId, host, guest } = await stage();
    chatLog.next(awayAfter);
    expect(await host.ask('chat.send', { roomId, text: 'one' })).toMatchObject({
      code: 'unavailable',
    });
    expect(await host.ask('chat.send', { roomId, text: 'two' })).toMatchObject({ seq: 2 });
    expect(said(guest)).toEqual(['one', 'two']);
  });

  it('is told although nobody says anything more', async () => {
    const { world, chatLog, roomId, host, guest } = await stage();
    chatLog.next(awayAfter);
    await host.ask('chat.send', { roomId, text: 'one' });
    await world.time.advance(5_000);
    expect(said(guest)).toEqual(['one']);
  });

  it('is said once when it is sent again with its key', async () => {
    const { chatLog, roomId, host, guest } = await stage();
    chatLog.next(awayAfter);
    await host.ask('chat.send', { roomId, text: 'one', key: 'k' });
    expect(await host.ask('chat.send', { roomId, text: 'one', key: 'k' })).toMatchObject({
      seq: 1,
    });
    expect(said(guest)).toEqual(['one']);
  });
});

describe('what time brings', () => {
  it('is brought again when the timer fired a moment before its time', async () => {
    // As Node’s timers do: by a millisecond against the clock.
    const hasty: Timers = {
      after: (delayMs, callback) => world.time.after(Math.max(0, delayMs - 1), callback),
      every: (periodMs, callback) => world.time.every(periodMs, callback),
      atEndOfTick: (callback) => world.time.atEndOfTick(callback),
    };
    const world: HubWorld = new HubWorld({}, { timers: hasty });
    const host = await world.connect(1);
    const roomId = (await host.ask('room.create', { name: 'Kitchen' }))['roomId'] as RoomId;
    const guest = await world.connect(2);
    await guest.ask('room.join', { roomId });
    await world.time.advance(200);
    await host.ask('room.leave', { roomId });
    await world.time.advance(125_000);
    const room = world.hub.rooms.get(roomId)!;
    expect(room.state.public.hostId).toBe(userId(2));
    await guest.ask('queue.add', { roomId, trackIds: [1, 2, 3].map(trackId) });
    await guest.ask('playback.play', { roomId });
    await world.time.advance(100_000);
    expect(room.state.public.playback.timeline.at(-1)).toMatchObject({
      entryId: Object.keys(room.state.public.queue)[2],
    });
  });

  it('ends with the hub, also where the log answers after it', async () => {
    const { world, log, roomId, host, guest } = await stage();
    const gate = new Gate();
    log.next(gate.lateAnswer);
    host.send('playback.play', { roomId });
    host.send('queue.add', { roomId, trackIds: [trackId(1)] });
    await world.time.settle();
    await world.hub.stop();
    host.close();
    guest.close();
    gate.open();
    await world.time.settle();
    expect(world.time.waiting).toBe(0);
  });
});
