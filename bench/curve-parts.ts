// The parts of `npm run bench:curves`: what is varied in each, who is measured, and how.
import { setTimeout as pause } from 'node:timers/promises';
import { flag, isQuick } from './append-child.ts';
import type { Centrifugo } from './centrifugo.ts';
import { curves, sweeps, type Curves } from './curve.ts';
import {
  EARSHOT,
  EARSHOT_AT_ONCE,
  RAW,
  RAW_PUBLISH,
  others,
  startNodesStage,
} from './curve-subjects.ts';
import {
  forkClients,
  measureDelivery,
  measureDeliveryFromWithin,
  on,
  type Delivery,
  type DeliveryShape,
} from './delivery.ts';
import { redisCpu } from './redis-usage.ts';
import type { RoomServer } from './room-servers.ts';
import { cpuOf, rise } from './usage.ts';

/** All parts together are done in some 50 minutes. */
const ROUNDS = flag('rounds', 2, 1);
/**
 * In rooms of 5 as much is subtracted as is left, and the system counts by samples what of it was the kernel's: two rounds would not do.
 * Nor would they where the costs of some numbers of rooms are compared with one another.
 */
const MORE_ROUNDS = flag('rounds', 4, 1);
/** What a connection weighs is the same in every round. */
const MEMORY_ROUNDS = flag('rounds', 1);

const always = (): number => ROUNDS;

/** By the listeners of a room; as many rooms as make the servers busy, and in each too little for news to be gathered. */
export const SIZES: ReadonlyMap<number, DeliveryShape> = new Map(
  [
    { rooms: 1_000, listeners: 1, perSecond: 2_000 },
    { rooms: 400, listeners: 5, perSecond: 2_000 },
    { rooms: 30, listeners: 100, perSecond: 300 },
    { rooms: 3, listeners: 1_000, perSecond: 30 },
    { rooms: 1, listeners: isQuick ? 3_000 : 10_000, perSecond: isQuick ? 10 : 3 },
  ].map((shape) => [shape.listeners, shape]),
);

export const ROOM_COUNTS = isQuick ? [1, 10, 100, 1_000] : [1, 10, 100, 1_000, 5_000];
/** From here on the cost is to be the same. */
export const FLAT_FROM_ROOMS = 10;
/** 15,000 connections in 5,000 rooms. */
export const FEW_LISTENERS = 3;
export const FEW_PER_SECOND = 3_000;

export const BUSY: DeliveryShape = { rooms: 1, listeners: 200, perSecond: 200 };

export const CONNECTIONS = isQuick
  ? [0, 500, 1_000, 2_000]
  : [0, 2_500, 5_000, 7_500, 10_000, 15_000];
/** Those who come before them bring in code, and the heap that any process takes at first. */
export const UNWEIGHED = isQuick ? 500 : 2_500;
const IDLE_PER_ROOM = 5;
/** Whatever the arrivals have brought about is over. */
const SETTLE_MS = 1_500;

export const NODE_COUNTS = [1, 2, 4];
/** An odd number: people go to the nodes in turn and to the rooms in turn, and every room is to have some on every node. */
export const NODES_SHAPE: DeliveryShape = {
  ...{ rooms: 21, listeners: 48, perSecond: 210 },
  // Each is an append to the Redis: four thousand a second would be more than a node does.
  compile: { perSecond: 1_000, seconds: isQuick ? 2 : 6 },
};

export const STORM_PEOPLE = isQuick ? 1_000 : 10_000;
const STORM_AT_ONCE = 500;
const STORM_PER_ROOM = 5;
export const STORM_ROOMS = [1, STORM_PEOPLE / STORM_PER_ROOM];

/** Of one room's size, of a number of rooms, or of how much is said. */
export type DeliveryCurves = Curves<Delivery>;

/** @param places of the sizes; all where it is undefined */
export function measureSizes(
  centrifugo: Centrifugo,
  places?: readonly number[],
): Promise<DeliveryCurves> {
  const sizes = [...SIZES.keys()].filter((size) => places?.includes(size) ?? true);
  const subjects = [EARSHOT, ...RAW, ...others(centrifugo)];
  const roundsAt = (listeners: number): number => (listeners === 5 ? MORE_ROUNDS : ROUNDS);
  return curves(subjects, roundsAt, sizes, (subject, listeners) => {
    const shape = SIZES.get(listeners);
    if (shape === undefined) throw new Error('no such size');
    return on(subject.start(), (server) => measureDelivery(server, shape));
  });
}

export function measureRooms(): Promise<DeliveryCurves> {
  const subjects = [EARSHOT, EARSHOT_AT_ONCE, RAW_PUBLISH];
  return curves(
    subjects,
    () => MORE_ROUNDS,
    ROOM_COUNTS,
    (subject, rooms) =>
      on(subject.start({ rooms }), (server) =>
        measureDeliveryFromWithin(server, {
          ...{ rooms, listeners: FEW_LISTENERS, perSecond: FEW_PER_SECOND },
        }),
      ),
  );
}

export function measureBusy(): Promise<DeliveryCurves> {
  return curves([EARSHOT, EARSHOT_AT_ONCE, ...RAW], always, [BUSY.perSecond], (subject) =>
    on(subject.start(), (server) => measureDelivery(server, BUSY)),
  );
}

export interface Weight {
  readonly rssBytes: number;
}

export function measureMemory(centrifugo: Centrifugo): Promise<Curves<Weight>> {
  const subjects = [EARSHOT, RAW_PUBLISH, ...others(centrifugo)];
  return sweeps(subjects, MEMORY_ROUNDS, CONNECTIONS, (subject) => on(subject.start(), weigh));
}

async function weigh(server: RoomServer): Promise<Weight[]> {
  const { kind, ports } = server;
  const clients = forkClients();
  try {
    const weights: Weight[] = [];
    let here = 0;
    for (const connections of CONNECTIONS) {
      const people = connections - here;
      if (people > 0) {
        const who = { server: kind, ports, people, firstPerson: here + 1 };
        await clients.ask({ kind: 'come', ...who }, 'came');
        await clients.ask({ kind: 'make', rooms: people / IDLE_PER_ROOM }, 'made');
        await clients.ask({ kind: 'join', atOnce: 100, order: 'in turn' }, 'joined');
      }
      here = connections;
      await pause(SETTLE_MS);
      const { rssBytes } = await server.memory();
      weights.push({ rssBytes });
    }
    return weights;
  } finally {
    await clients.end();
  }
}

export async function measureNodes(centrifugo: Centrifugo): Promise<DeliveryCurves> {
  const stage = await startNodesStage(centrifugo);
  try {
    return await curves(stage.subjects, always, NODE_COUNTS, (subject, nodes) =>
      on(subject.start(nodes), (server) =>
        measureDelivery(server, NODES_SHAPE, () => redisCpu(stage.redisUrl)),
      ),
    );
  } finally {
    await stage.stop();
  }
}

/** Of one room, in which somebody says something as often. */
export const LAST_LISTENERS = isQuick ? 200 : 1_000;
const LAST_PER_SECOND = [10];
const LAST_MESSAGES = isQuick ? 50 : 300;

export interface LastHeard {
  /** Until the last of all has heard a message, ms. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  /** Of one core. */
  readonly serverShare: number;
  readonly clientShare: number;
}

export function measureLast(centrifugo: Centrifugo): Promise<Curves<LastHeard>> {
  const subjects = [EARSHOT, ...RAW, ...others(centrifugo)];
  return curves(subjects, always, LAST_PER_SECOND, (subject, perSecond) =>
    on(subject.start(), (server) => lastOf(server, perSecond)),
  );
}

async function lastOf(server: RoomServer, perSecond: number): Promise<LastHeard> {
  const { kind, ports } = server;
  const clients = forkClients();
  try {
    const who = { server: kind, ports };
    const listeners = LAST_LISTENERS;
    await clients.ask({ kind: 'come', ...who, people: 1, firstPerson: 1 }, 'came');
    await clients.ask({ kind: 'make', rooms: 1 }, 'made');
    await clients.ask({ kind: 'come', ...who, people: listeners, firstPerson: 2 }, 'came');
    await clients.ask({ kind: 'join', atOnce: 100, order: 'in turn' }, 'joined');
    await pause(SETTLE_MS);
    // The code of both is compiled by then.
    await clients.ask({ kind: 'talk', perSecond: 20, seconds: 3 }, 'talked');
    await pause(SETTLE_MS);
    await clients.ask({ kind: 'count' }, 'counted');
    const [before, startedAt] = [await server.usage(), performance.now()];
    const order = { kind: 'last', listeners, perSecond, messages: LAST_MESSAGES } as const;
    const { after } = await clients.ask(order, 'heard by all');
    const wallUs = (performance.now() - startedAt) * 1_000;
    const used = rise(before, await server.usage());
    const { cpuUs } = await clients.ask({ kind: 'count' }, 'counted');
    return {
      ...{ p50Ms: after.p50, p99Ms: after.p99, maxMs: after.max },
      ...{ serverShare: cpuOf(used) / wallUs, clientShare: cpuUs / wallUs },
    };
  } finally {
    await clients.end();
  }
}

export interface Storm {
  /** From the first connect until the last one is in. */
  readonly allInS: number;
  /** For each, from its connect to being in the room, ms. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Of the server, for a connection, its greeting and its join, µs. */
  readonly userUs: number;
  readonly systemUs: number;
  readonly totalUs: number;
  /** Of what somebody gets who joins. */
  readonly answerBytes: number;
  readonly clientShare: number;
}

export function measureStorm(centrifugo: Centrifugo): Promise<Curves<Storm>> {
  // The peers answer a join with as many bytes as Earshot did, which comes first in each round.
  let joinBytes = 0;
  const subjects = [EARSHOT, RAW_PUBLISH, ...others(centrifugo)];
  return curves(subjects, always, STORM_ROOMS, async (subject, rooms) => {
    const storm = await on(subject.start({ joinBytes }), (server) => stormOf(server, rooms));
    if (subject === EARSHOT) joinBytes = storm.answerBytes;
    return storm;
  });
}

async function stormOf(server: RoomServer, rooms: number): Promise<Storm> {
  const { kind, ports } = server;
  const clients = forkClients();
  try {
    const who = { server: kind, ports };
    await clients.ask({ kind: 'come', ...who, people: rooms, firstPerson: 1 }, 'came');
    await clients.ask({ kind: 'make', rooms }, 'made');
    await pause(SETTLE_MS);
    const before = await server.usage();
    const people = STORM_PEOPLE;
    const order = { ...who, people, firstPerson: rooms + 1, atOnce: STORM_AT_ONCE };
    const { wallMs, answer, bytes, share } = await clients.ask(
      { kind: 'storm', ...order },
      'joined',
    );
    await pause(SETTLE_MS);
    const { userUs, systemUs } = rise(before, await server.usage());
    return {
      allInS: wallMs / 1_000,
      p50Ms: answer.p50,
      p99Ms: answer.p99,
      userUs: userUs / people,
      systemUs: systemUs / people,
      totalUs: (userUs + systemUs) / people,
      answerBytes: bytes,
      clientShare: share,
    };
  } finally {
    await clients.end();
  }
}
