// What is put back, and where: single cases, and many servers' deaths in a row over a log of plain data.
import { describe, expect, it } from 'vitest';
import type { EntryId, EventId } from '../../../protocol/ids.ts';
import {
  planRestore,
  type LoggedRoom,
  type NewEpoch,
} from '../../../src/adapters/redis/restore-plan.ts';
import { evolve } from '../../../src/domain/evolve.ts';
import type { RoomEvent } from '../../../src/domain/room-event.ts';
import { isSameHead, type HeldEvent, type HeldRoom } from '../../../src/ports/room-log.ts';
import { RoomScript } from '../../support/room-fixtures.ts';
import { SeededRandom } from '../../support/seeded-random.ts';

const script = new RoomScript();
const created = script.created();

/** The log as it is after a new epoch has begun. */
function begun(log: LoggedRoom | undefined, plan: NewEpoch): LoggedRoom {
  const { epoch, base, baseEventId, tail, events, state, lineage } = plan;
  return {
    head: { epoch, revision: base + tail.length, eventId: tail.at(-1)?.event.id ?? baseEventId },
    state,
    lineage,
    events: [...(log?.events ?? []), ...events],
    isCurrent: true,
  };
}

function appended(log: LoggedRoom, event: RoomEvent): LoggedRoom {
  const { epoch, revision } = log.head;
  return {
    ...log,
    head: { epoch, revision: revision + 1, eventId: event.id },
    state: evolve(log.state, event),
    events: [...log.events, { epoch, revision: revision + 1, event }],
  };
}

/** A room of one epoch with so many events. */
function logOf(count: number): LoggedRoom {
  let log: LoggedRoom = {
    head: { epoch: 1, revision: 1, eventId: created.id },
    state: evolve(undefined, created),
    lineage: [],
    events: [{ epoch: 1, revision: 1, event: created }],
    isCurrent: true,
  };
  while (log.head.revision < count) log = appended(log, script.renamed(`n ${log.head.revision}`));
  return log;
}

function heldAt(log: LoggedRoom, recent: readonly HeldEvent[] = log.events): HeldRoom {
  return { head: log.head, state: log.state, recent, keys: [] };
}

/** The log as another server has it that takes over. */
const takenOver = (log: LoggedRoom): LoggedRoom => ({ ...log, isCurrent: false });

describe('a restore', () => {
  it('changes nothing where the log lacks nothing', () => {
    const log = logOf(5);
    expect(planRestore(log, heldAt(log), 1)).toBeUndefined();
    expect(planRestore(appended(log, script.renamed('x')), heldAt(log), 1)).toBeUndefined();
  });

  it('begins an epoch where another server took over, even if nothing is lost', () => {
    const log = logOf(5);
    const behind = heldAt(logOf(3));
    for (const held of [heldAt(log), { ...behind, state: log.state, recent: [] }]) {
      const plan = planRestore(takenOver(log), held, 1);
      expect(plan).toMatchObject({ epoch: 2, base: 5, baseEventId: log.head.eventId, tail: [] });
      expect(plan?.state).toEqual(log.state);
      expect(plan?.lineage).toEqual([[2, 5]]);
    }
  });

  it('goes on where the archive ends, whatever led there, if the log may have lost its end', () => {
    const log = logOf(5);
    let further = log;
    while (further.head.revision < 40) further = appended(further, script.renamed('further'));
    const kept: HeldRoom = { ...heldAt(further, []), isArchived: true };
    expect(planRestore(takenOver(log), kept, 3)).toMatchObject({
      ...{ epoch: 4, base: 40, baseEventId: further.head.eventId, tail: [], events: [] },
      ...{ state: further.state, lineage: [[4, 40]] },
    });
    // Somebody has restored it already.
    expect(planRestore(log, { ...kept, ...heldAt(logOf(3), []) }, 3)).toBeUndefined();
    // Of a node the way is known, or it is not further.
    const behind: HeldRoom = { ...heldAt(log, []), isArchived: true };
    expect(planRestore(takenOver(further), behind, 3)).toMatchObject({ epoch: 4, base: 40 });
    // Those who held what the archive has, and more, give the rest back.
    const plan = planRestore(takenOver(log), kept, 3);
    const next = script.renamed('more');
    const held = heldAt(appended(further, next));
    const again = planRestore(begun(log, plan!), held, 3);
    expect(again?.tail.map(({ event }) => event.id)).toEqual([next.id]);
    expect(again?.state.public.name).toBe('more');
  });

  it('puts a lost tail back behind the log’s end', () => {
    const before = logOf(3);
    const lost = [script.renamed('A'), script.renamed('B')];
    const log = lost.reduce(appended, before);
    const plan = planRestore(takenOver(before), heldAt(log), 1);
    expect(plan).toMatchObject({ epoch: 2, base: 3 });
    expect(plan?.tail.map(({ event }) => event)).toEqual(lost);
    expect(plan?.state).toEqual(log.state);
  });

  it('takes the holder’s state, whatever holes its events have', () => {
    const before = logOf(3);
    const log = [script.queued({ x: 1_000 }), script.renamed('B')].reduce(appended, before);
    const plan = planRestore(takenOver(before), heldAt(log, log.events.slice(-1)), 1);
    expect(plan?.tail).toEqual(log.events.slice(-1));
    expect(plan?.state).toEqual(log.state);
  });

  it('puts a room back whole', () => {
    const log = logOf(5);
    const plan = planRestore(undefined, heldAt(log), 1);
    expect(plan).toMatchObject({ epoch: 2, base: 5, baseEventId: log.head.eventId, tail: [] });
    expect(plan?.state).toEqual(log.state);
  });

  it('puts a lost tail behind what others have appended meanwhile', () => {
    const before = logOf(3);
    const lost = script.queued({ x: 1_000 });
    const held = heldAt(appended(before, lost));
    const first = planRestore(takenOver(before), heldAt(before), 1);
    const others = script.renamed('others');
    const log = appended(begun(before, first!), others);
    const plan = planRestore(log, held, 1);
    expect(plan).toMatchObject({ epoch: 3, base: 4 });
    expect(plan?.tail.map(({ event }) => event)).toEqual([lost]);
    expect(plan?.state).toEqual(evolve(log.state, lost));
    expect(plan?.lineage).toEqual([
      [2, 3],
      [3, 4],
    ]);
  });

  it('puts nothing back twice, also when the log has been trimmed since', () => {
    const before = logOf(3);
    const held = heldAt(appended(before, script.renamed('lost')));
    let log = begun(before, planRestore(takenOver(before), held, 1)!);
    for (let i = 0; i < 10; i += 1) log = appended(log, script.renamed(`later ${i}`));
    expect(planRestore(log, held, 1)).toBeUndefined();
    expect(planRestore({ ...log, events: log.events.slice(-5) }, held, 1)).toBeUndefined();
  });

  it('never takes an epoch that only the holder knows of', () => {
    const before = logOf(3);
    const first = planRestore(takenOver(before), heldAt(before), 1);
    const log = appended(begun(before, first!), script.renamed('lost'));
    const plan = planRestore(takenOver(before), heldAt(log), 1);
    expect(plan).toMatchObject({ epoch: 3, base: 3 });
    expect(plan?.tail.map(({ event }) => event.id)).toEqual([log.head.eventId]);
    expect(plan?.state).toEqual(log.state);
  });

  it('finds what was lost where two servers began the same epoch', () => {
    const before = logOf(3);
    const begin = (event: RoomEvent): LoggedRoom => {
      const plan = planRestore(takenOver(before), heldAt(before), 1);
      return appended(begun(before, plan!), event);
    };
    const [ours, theirs] = [begin(script.renamed('ours')), begin(script.renamed('theirs'))];
    const plan = planRestore(theirs, heldAt(ours), 1);
    expect(plan).toMatchObject({ epoch: 3, base: 4 });
    expect(plan?.tail.map(({ event }) => event.id)).toEqual([ours.head.eventId]);
  });
});

/** What a server has of the room, and the epoch in which the room left it, or 0. */
interface Kept {
  readonly log: LoggedRoom | undefined;
  readonly leftIn: number;
}

/** Nodes over one log, whose server dies again and again and comes back as it was some writes ago. */
class Deaths {
  readonly random: SeededRandom;
  /** The entry that each acknowledged event has brought: what a room was put back with has it in its state alone. */
  readonly acknowledged: EntryId[] = [];
  /** What each revision meant, whenever somebody was told of it. */
  readonly meanings = new Map<string, EventId | ''>();
  log: LoggedRoom | undefined = logOf(1);
  /** Undefined: it does not hold the room at the moment. */
  readonly nodes: (HeldRoom | undefined)[];
  #step = 1;
  #leftIn = 0;
  #archived: Pick<HeldRoom, 'head' | 'state'> | undefined;
  /** Older states of the log, which another server may have. */
  #past: Kept[] = [];

  constructor(seed: number, nodes: number) {
    this.random = new SeededRandom(seed);
    this.nodes = Array.from({ length: nodes }, () => heldAt(this.log!));
  }

  #write(log: LoggedRoom): void {
    this.log = log;
    this.#past.push({ log, leftIn: this.#leftIn });
    const { epoch, revision, eventId } = log.head;
    const key = `${epoch}-${revision}`;
    // A new epoch begins with what it was: its base is no new revision.
    if (log.lineage.some(([began, base]) => began === epoch && base === revision)) return;
    expect(this.meanings.get(key) ?? eventId).toBe(eventId);
    this.meanings.set(key, eventId);
  }

  /** What a node does when the log is elsewhere than it thought. */
  sync(i: number): void {
    const held = this.nodes[i];
    this.#unarchive(held);
    const { log } = this;
    if (held === undefined) {
      this.nodes[i] = heldAt(log!);
      return;
    }
    const at = log?.events.findIndex(({ event }) => event.id === held.head.eventId) ?? -1;
    if (log?.isCurrent === true && log.head.epoch === held.head.epoch && at >= 0) {
      const news = log.events.slice(at + 1);
      this.nodes[i] = {
        ...held,
        head: log.head,
        state: log.state,
        recent: [...held.recent, ...news],
      };
      return;
    }
    const plan = planRestore(log, held, this.#step, this.#leftIn);
    if (plan !== undefined) this.#write(begun(log, plan));
    const { head, state } = this.log!;
    this.nodes[i] = { ...held, head, state, recent: [...held.recent, ...(plan?.events ?? [])] };
  }

  /** Of a room that is not here any more, the archive may have more than who asks for it. */
  #unarchive(held: HeldRoom | undefined): void {
    const archived = this.#archived;
    if (this.log !== undefined || archived === undefined) return;
    const { epoch, revision } = archived.head;
    const isAhead =
      held === undefined ||
      epoch > held.head.epoch ||
      (epoch === held.head.epoch && revision > held.head.revision);
    if (!isAhead) return;
    const given = { ...archived, recent: [], keys: [] };
    this.#write(begun(undefined, planRestore(undefined, given, this.#step, this.#leftIn)!));
  }

  /** Nobody has needed the room for long: the archive has all of it, and some nodes hold it still. */
  leave(): void {
    this.settle();
    const { log } = this;
    this.#archived = { head: log!.head, state: log!.state };
    this.#past = [{ log, leftIn: this.#leftIn }];
    this.#leftIn = log!.head.epoch;
    this.log = undefined;
    this.#past.push({ log: undefined, leftIn: this.#leftIn });
    for (const i of this.nodes.keys()) if (this.random.int(2) === 0) this.nodes[i] = undefined;
  }

  append(i: number): void {
    const before = this.nodes[i];
    const isThere = before !== undefined && this.log?.isCurrent === true;
    if (!isThere || !isSameHead(before.head, this.log!.head)) this.sync(i);
    // What was loaded may be of another server than reigns now.
    if (this.log?.isCurrent !== true) this.sync(i);
    const entry = `entry ${this.acknowledged.length}`;
    this.#write(appended(this.log!, script.queued({ [entry]: 1_000 })));
    const { head, state, events } = this.log!;
    const { recent } = this.nodes[i]!;
    this.nodes[i] = { head, state, recent: [...recent, events.at(-1)!], keys: [] };
    this.acknowledged.push(entry as EntryId);
  }

  /**
   * @param lost writes that have not come to the server which takes over
   * @param mayVanish whether that may be one to which the room has not come back yet: who met no server in between is not known there
   */
  die(lost: number, mayVanish: boolean): void {
    const to = this.#past.length - 1 - lost;
    if (to < 0 || (this.#past[to]?.log === undefined && !mayVanish)) return;
    this.#step = 1 + this.random.int(1_000);
    const { log, leftIn } = this.#past[to]!;
    this.log = log && takenOver(log);
    this.#leftIn = leftIn;
    this.#past = this.#past.slice(0, to + 1);
  }

  vanish(): void {
    this.#step = 1 + this.random.int(1_000);
    this.log = undefined;
    this.#leftIn = 0;
    this.#past = [];
  }

  settle(): void {
    for (const i of this.nodes.keys()) this.sync(i);
    for (const i of this.nodes.keys()) this.sync(i);
  }
}

const SEEDS = Array.from({ length: 60 }, (_, i) => i + 1);

describe('servers that die in a row', () => {
  it.each([
    { when: 'after all nodes have met the one before', settles: true, leaves: false },
    { when: 'before', settles: false, leaves: false },
    { when: 'also while the room leaves for the archive', settles: true, leaves: true },
    { when: 'also while it leaves, and before', settles: false, leaves: true },
  ])('lose nothing that a living node holds, $when', ({ settles, leaves }) => {
    for (const seed of SEEDS) {
      const world = new Deaths(seed, 3);
      for (let step = 0; step < 60; step += 1) {
        const roll = world.random.int(100);
        if (roll < 75) world.append(world.random.int(3));
        else if (roll < 85) world.sync(world.random.int(3));
        else if (leaves && roll < 89) world.leave();
        else {
          if (settles) world.settle();
          for (let k = world.random.int(3); k > 0; k -= 1) world.append(world.random.int(3));
          if (roll < 98 || !settles) world.die(world.random.int(6), settles);
          else world.vanish();
        }
      }
      world.settle();
      const { log } = world;
      const { queue } = log!.state.public;
      const lost = world.acknowledged.filter((entryId) => queue[entryId] === undefined);
      expect({ seed, lost }).toEqual({ seed, lost: [] });
      const ids = log!.events.map(({ event }) => event.id);
      expect(new Set(ids).size).toBe(ids.length);
      for (const node of world.nodes) {
        expect(node?.head).toEqual(log!.head);
        expect(node?.state).toEqual(log!.state);
      }
    }
  });
});
