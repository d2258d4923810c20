// The account of what a listener was sent: each thing that may go wrong on the way is found, and named for what it is.
import { describe, expect, it } from 'vitest';
import type { RoomId } from '../../protocol/ids.ts';
import type { Joined } from '../../protocol/schemas/pushes.ts';
import { stateHash } from '../../protocol/state-hash.ts';
import { Faults } from '../../loadtest/ledger/faults.ts';
import { RoomBook } from '../../loadtest/ledger/room-book.ts';
import { RoomTrace, chatMark, noTally } from '../../loadtest/ledger/room-trace.ts';

const roomId = '0a0a0a0a-0000-4000-8000-000000000001' as RoomId;
const otherRoom = '0b0b0b0b-0000-4000-8000-000000000002' as RoomId;

/** A room whose only content is a count, and whose every revision raises it. */
function roomAt(revision: number): object {
  return { id: roomId, count: revision };
}

class World {
  readonly faults = new Faults();
  readonly tally = noTally();
  readonly afterMs: number[] = [];
  readonly book: RoomBook;
  nowMs = 1_000;

  constructor() {
    const sink = {
      each: (_: string, ms: number) => void this.afterMs.push(ms),
      last: () => undefined,
    };
    this.book = new RoomBook(roomId, this.faults, { revisions: sink, chat: sink });
  }

  listener(n: number, revision = 5, chat = 2): Listener {
    return new Listener(this, n, revision, chat);
  }

  kinds(): string[] {
    return this.faults.list().map(({ stream, kind, count }) => `${stream} ${kind} ${count}`);
  }
}

class Listener {
  readonly trace: RoomTrace;
  readonly world: World;
  repairs = 0;
  readonly #timers: ((nowMs: number) => void)[] = [];

  constructor(world: World, n: number, revision: number, chat: number) {
    this.world = world;
    this.trace = new RoomTrace(
      {
        label: `listener ${n}`,
        repair: () => (this.repairs += 1),
        after: (_, call) => void this.#timers.push(call),
        left: () => undefined,
      },
      { book: world.book, faults: world.faults, tally: world.tally },
    );
    this.trace.joined(joinedAt(revision, chat), false, world.nowMs);
  }

  push(push: object): this {
    const frame = this.world.book.read(Buffer.from(JSON.stringify(push)));
    this.trace.receive(frame, this.world.nowMs);
    return this;
  }

  revisions(...numbers: number[]): this {
    return this.push(eventsOf(...numbers));
  }

  chat(...numbers: number[]): this {
    return this.push(chatOf(...numbers));
  }

  /** What is only late has come by now, or never will. */
  wait(): this {
    for (const call of this.#timers.splice(0)) call(this.world.nowMs + 250);
    return this;
  }
}

function eventsOf(...numbers: number[]): object {
  const revisions = numbers.map((revision) => ({
    revision,
    event: { type: 'RoomRenamed', n: revision },
    patch: { count: revision },
    ...(revision % 64 === 0 ? { hash: stateHash(roomAt(revision)) } : {}),
  }));
  return { type: 'room.events', roomId, epoch: 1, revisions };
}

function chatOf(...numbers: number[]): object {
  const items = numbers.map((seq) => ({
    ...{ kind: 'message', seq, at: 0, userId: 'u', name: 'N', text: `${chatMark(roomId)}la` },
  }));
  return { type: 'room.chat', roomId, items };
}

function joinedAt(revision: number, chat: number): Joined {
  const room = roomAt(revision);
  return {
    roomId,
    snapshot: { roomId, epoch: 1, revision, hash: stateHash(room), room },
    presence: { version: 1, count: 1, members: {} },
    you: { role: 'listener', votes: {}, skipVotes: [] },
    chat: { items: [], lastSeq: chat, gap: true },
  } as unknown as Joined;
}

function resumedTo(revision: number, numbers: number[], chat: number[], lastSeq: number): Joined {
  const { revisions } = eventsOf(...numbers) as { revisions: object[] };
  const { items } = chatOf(...chat) as { items: object[] };
  return {
    roomId,
    resumed: { epoch: 1, revision, revisions },
    presence: { version: 1, count: 1, members: {} },
    you: { role: 'listener', votes: {}, skipVotes: [] },
    chat: { items, lastSeq, gap: false },
  } as unknown as Joined;
}

describe('what a listener is sent of its room', () => {
  it('is in order when each number comes once (RM2, CH1)', () => {
    const world = new World();
    const listener = world.listener(1).revisions(6).chat(3).revisions(7, 8).chat(4, 5).wait();
    expect(world.kinds()).toEqual([]);
    expect(listener.trace.since).toEqual({ epoch: 1, revision: 8, chat: 5 });
    expect(world.tally).toMatchObject({ revisions: 3, chatItems: 3 });
  });

  it('reads a frame once, however many get it, and all who hold the same hold one object', () => {
    const world = new World();
    const all = [1, 2, 3].map((n) => world.listener(n));
    for (const listener of all) listener.revisions(6);
    expect(new Set(all.map(({ trace }) => trace.version)).size).toBe(1);
    expect(world.book.newest?.room).toEqual(roomAt(6));
  });

  it.each([
    ['a revision lost', (each: Listener) => each.revisions(7), ['revision missing 1']],
    ['three revisions lost', (each: Listener) => each.revisions(9), ['revision missing 3']],
    ['a revision twice', (each: Listener) => each.revisions(6).revisions(6), ['revision twice 1']],
    [
      'two revisions the other way round',
      (each: Listener) => each.revisions(7).revisions(6),
      ['revision out_of_order 1'],
    ],
    ['a chat item lost', (each: Listener) => each.chat(4), ['chat missing 1']],
    ['a chat item twice', (each: Listener) => each.chat(3).chat(3), ['chat twice 1']],
    [
      'two chat items the other way round',
      (each: Listener) => each.chat(4).chat(3),
      ['chat out_of_order 1'],
    ],
    [
      'a change of the presence lost',
      (each: Listener) => each.push({ type: 'room.presence', roomId, version: 3, count: 2 }),
      ['presence missing 1'],
    ],
    [
      'a frame of another room',
      (each: Listener) => each.push({ ...eventsOf(6), roomId: otherRoom }),
      ['revision wrong_room 1'],
    ],
    [
      'what was said in another room',
      (each: Listener) => {
        const [item] = (chatOf(3) as { items: object[] }).items;
        const items = [{ ...item, text: `${chatMark(otherRoom)}la` }];
        return each.push({ type: 'room.chat', roomId, items });
      },
      ['chat wrong_room 1'],
    ],
    ['no JSON', (each: Listener) => each.push('nonsense' as never), ['frame unreadable 1']],
    [
      'a new epoch that nobody told of',
      (each: Listener) => each.push({ ...eventsOf(6), epoch: 2 }),
      ['revision missing 1'],
    ],
  ])('names %s', (_, happens, kinds) => {
    const world = new World();
    happens(world.listener(1)).wait();
    expect(world.kinds()).toEqual(kinds);
  });

  it('names what is said otherwise to somebody else, and not what was deleted meanwhile', () => {
    const world = new World();
    const first = world.listener(1).chat(3, 4);
    const [three, four] = (chatOf(3, 4) as { items: { text: string }[] }).items;
    const items = [
      { ...three, text: '', deleted: true },
      { ...four, text: `${chatMark(roomId)}lo` },
    ];
    world.listener(2).push({ type: 'room.chat', roomId, items }).wait();
    first.wait();
    expect(world.kinds()).toEqual(['chat contradicted 1']);
    expect(world.faults.list()[0]?.examples[0] ?? '').toMatch(/chat 4 of epoch 1, listener 2/);
  });

  it('asks for what is missing, and goes on from the answer', () => {
    const world = new World();
    const listener = world.listener(1).revisions(8).chat(4).wait();
    expect(listener.repairs).toBe(1);
    listener.trace.joined(resumedTo(8, [6, 7, 8], [3, 4], 4), true, 2_000);
    listener.revisions(9).chat(5).wait();
    expect(world.kinds()).toEqual(['revision missing 2', 'chat missing 1']);
    expect(listener.trace.since).toEqual({ epoch: 1, revision: 9, chat: 5 });
  });

  it('holds a resume to what it claims', () => {
    const world = new World();
    const listener = world.listener(1);
    listener.trace.disconnected();
    listener.trace.joined(resumedTo(9, [6, 7], [], 4), true, 2_000);
    expect(world.kinds()).toEqual(['revision missing 2', 'chat missing 2']);
  });

  it('names what a join tells of another room', () => {
    const world = new World();
    const listener = world.listener(1);
    const reply = resumedTo(5, [], [3], 3);
    const [item] = reply.chat.items;
    const chat = { ...reply.chat, items: [{ ...item, text: `${chatMark(otherRoom)}la` }] };
    listener.trace.joined({ ...reply, chat } as unknown as Joined, true, 2_000);
    expect(world.kinds()).toEqual(['chat wrong_room 1']);
    listener.trace.joined({ ...resumedTo(5, [], [], 3), roomId: otherRoom }, true, 2_000);
    expect(world.kinds()).toEqual(['chat wrong_room 1', 'frame wrong_room 1']);
  });

  it('names what comes after the room was left, and between two connections', () => {
    const world = new World();
    const listener = world.listener(1).push({ type: 'room.left', roomId, reason: 'kicked' });
    listener.revisions(6);
    expect(world.kinds()).toEqual(['revision wrong_room 1']);
    listener.push({ type: 'room.admitted', roomId, accept: true });
    expect(world.kinds()).toEqual(['revision wrong_room 1']);
    listener.trace.joined(resumedTo(6, [6], [], 2), true, 2_000);
    listener.revisions(7).wait();
    listener.trace.disconnected();
    listener.chat(3);
    expect(world.kinds()).toEqual(['revision wrong_room 1', 'chat wrong_room 1']);
  });

  it('knows the chat that a new epoch begins with', () => {
    const world = new World();
    const listener = world.listener(1);
    world.book.acknowledged('chat', '2:9');
    const { snapshot } = joinedAt(20, 9);
    const anew = { type: 'room.snapshot', ...snapshot, epoch: 2, reason: 'epoch', chatSeq: 9 };
    listener.push({ ...anew, presence: { version: 4, count: 1, members: {} } });
    const chat = world.book.lastChat;
    world.book.judge({ epoch: 2, revision: 20, hash: stateHash(roomAt(20)), chat });
    expect(world.kinds()).toEqual([]);
  });

  it('takes nothing amiss that was asked for twice or told by a snapshot (RM10)', () => {
    const world = new World();
    const listener = world.listener(1).revisions(6);
    listener.trace.joined(resumedTo(6, [6], [], 2), true, 2_000);
    const { snapshot } = joinedAt(20, 9);
    const behind = { type: 'room.snapshot', ...snapshot, reason: 'behind', chatSeq: 9 };
    listener.push({ ...behind, presence: { version: 4, count: 1, members: {} } });
    // The chat that was withheld is asked for.
    expect(listener.repairs).toBe(1);
    listener.trace.joined(resumedTo(20, [], [3, 4, 5, 6, 7, 8, 9], 9), true, 2_000);
    listener.revisions(21).chat(10).wait();
    expect(world.kinds()).toEqual([]);
    expect(world.tally.snapshotsForBehind).toBe(1);
  });

  it('finds a number that stands for two things', () => {
    const world = new World();
    world.listener(1).revisions(6);
    const other = { revision: 6, event: { type: 'RoomRenamed', n: 6 }, patch: { count: 666 } };
    world.listener(2).push({ type: 'room.events', roomId, epoch: 1, revisions: [other] });
    expect(world.kinds()).toEqual(['revision contradicted 1']);
  });

  it('finds a state that is not the one that was hashed (RM6)', () => {
    const world = new World();
    const listener = world.listener(1, 63);
    const patch = { count: 64, more: 'than hashed' };
    const hash = stateHash(roomAt(64));
    const revisions = [{ revision: 64, event: { type: 'RoomRenamed', n: 64 }, patch, hash }];
    listener.push({ type: 'room.events', roomId, epoch: 1, revisions });
    expect(world.kinds()).toEqual(['revision wrong_hash 1']);
  });

  it('finds a tail that never came', () => {
    const world = new World();
    const [first, second] = [world.listener(1), world.listener(2)];
    first.revisions(6, 7).chat(3);
    second.revisions(6);
    const { newest, lastChat } = world.book;
    const hash = newest === undefined ? '' : world.book.hashOf(newest);
    const far = { epoch: 1, revision: newest?.revision ?? 0, hash, chat: lastChat };
    for (const { trace } of [first, second]) trace.settle(far);
    expect(world.kinds()).toEqual(['revision unseen 1', 'chat unseen 1']);
  });

  it('finds what was acknowledged and reached nobody', () => {
    const world = new World();
    world.listener(1).revisions(6);
    world.book.acknowledged('revisions', '1:8');
    world.book.acknowledged('chat', '1:3');
    world.book.judge({
      ...{ epoch: 1, revision: 6, hash: stateHash(roomAt(6)), chat: { epoch: 1, seq: 2 } },
    });
    expect(world.kinds()).toEqual(['revision unseen 2', 'chat unseen 1']);
  });

  it('measures from when an act was meant, to each who gets it, whatever came first', () => {
    const world = new World();
    const [first, second] = [world.listener(1), world.listener(2)];
    world.nowMs = 1_040;
    first.revisions(6);
    world.book.revisions.mark('1:6', { act: 'seek', intendedMs: 1_010 }, 1_050);
    world.nowMs = 1_060;
    second.revisions(6);
    expect(world.afterMs).toEqual([30, 50]);
  });
});
