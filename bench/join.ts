// `npm run bench:join`: what joining costs the server: ten thousand people into one room, and into two thousand rooms of five.
// On both stores, beside servers that others would build on, which do no more than answer and remember who is where.
import { Child, flag, heading, row, say, type Spread } from './append-child.ts';
import { startServers } from './append-hub.ts';
import { writeReport } from './report.ts';
import type { RoomOrder, RoomReport } from './room-clients.ts';
import { startHubs, startSubjects, type RoomServer } from './room-servers.ts';
import { cpuOf } from './usage.ts';

const PEOPLE = flag('people', 10_000, 1_000);
/** They come first and are not weighed: they bring in code, and the heap that any process of Node takes at first. */
const UNWEIGHED = flag('unweighed', 2_000, 200);
const AT_ONCE = 200;
const PER_ROOM = 5;
/** Presence and arrivals are told in batches: what the joins have brought about is over after this, ms. */
const QUIET_MS = 1_500;

interface Shape {
  readonly name: string;
  readonly roomsOf: (people: number) => number;
}

const SHAPES: readonly Shape[] = [
  { name: 'one room', roomsOf: () => 1 },
  { name: `rooms of ${PER_ROOM}`, roomsOf: (people) => people / PER_ROOM },
];

interface Cost {
  readonly joins: number;
  readonly comeMs: number;
  /** Of the server, for a connection and its hello; user and system. */
  readonly comeUs: number;
  readonly makeMs: number;
  readonly wallMs: number;
  readonly answer: Spread;
  readonly answerBytes: number;
  readonly userUsPerJoin: number;
  readonly systemUsPerJoin: number;
  readonly bytesPerMember: number;
  /** Undefined for a server that has none. */
  readonly snapshots: number | undefined;
  readonly revisions: number | undefined;
}

const quiet = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, QUIET_MS));

async function measure(server: RoomServer, { roomsOf }: Shape): Promise<Cost> {
  const clients = Child.fork<RoomOrder, RoomReport>('./room-clients.js');
  const enter = async (
    people: number,
    firstPerson: number,
  ): Promise<Omit<Cost, 'bytesPerMember'>> => {
    const { kind: serverKind, ports } = server;
    const beforeThem = await server.usage();
    const came = await clients.ask(
      { kind: 'come', server: serverKind, ports, people, firstPerson },
      'came',
    );
    const withThem = await server.usage();
    const made = await clients.ask({ kind: 'make', rooms: roomsOf(people) }, 'made');
    await quiet();
    const before = { usage: await server.usage(), counters: await server.counters() };
    const order = { kind: 'join', atOnce: AT_ONCE, order: 'in turn' } as const;
    const joined = await clients.ask(order, 'joined');
    await quiet();
    const after = { usage: await server.usage(), counters: await server.counters() };
    const rise = (name: string): number | undefined => {
      const value = after.counters.get(name);
      return value === undefined ? undefined : value - (before.counters.get(name) ?? 0);
    };
    const { joins, wallMs, answer, bytes } = joined;
    return {
      joins,
      comeMs: came.wallMs,
      comeUs: (cpuOf(withThem) - cpuOf(beforeThem)) / people,
      makeMs: made.wallMs,
      wallMs,
      answer,
      answerBytes: bytes,
      userUsPerJoin: (after.usage.userUs - before.usage.userUs) / joins,
      systemUsPerJoin: (after.usage.systemUs - before.usage.systemUs) / joins,
      snapshots: rise('earshot_snapshots_encoded_total'),
      revisions: rise('earshot_events_appended_total'),
    };
  };
  try {
    await enter(UNWEIGHED, 1);
    const before = await server.memory();
    const cost = await enter(PEOPLE, UNWEIGHED + 1);
    const after = await server.memory();
    return { ...cost, bytesPerMember: (after.rssBytes - before.rssBytes) / PEOPLE };
  } finally {
    await clients.end();
    await server.stop();
  }
}

function tell(shape: Shape, costs: Readonly<Record<string, Cost>>): void {
  const raw = costs['uWebSockets.js'];
  const usOf = (cost: Cost | undefined): number =>
    cost === undefined ? NaN : cost.userUsPerJoin + cost.systemUsPerJoin;
  say(`\n${PEOPLE} people, ${shape.name}; ${AT_ONCE} joins under way at once`);
  say(
    heading([
      'server',
      'joins',
      'seconds',
      'answer p50, ms',
      'p99, ms',
      'answer, bytes',
      'µs a join, user',
      'system',
      'of raw uWebSockets.js',
      'µs a hello',
      'KB a member',
      'snapshots encoded',
      'revisions',
    ]),
  );
  for (const [name, cost] of Object.entries(costs)) {
    say(
      row([
        name,
        cost.joins,
        (cost.wallMs / 1_000).toFixed(2),
        cost.answer.p50.toFixed(1),
        cost.answer.p99.toFixed(1),
        cost.answerBytes,
        cost.userUsPerJoin.toFixed(0),
        cost.systemUsPerJoin.toFixed(0),
        (usOf(cost) / usOf(raw)).toFixed(1),
        cost.comeUs.toFixed(0),
        (cost.bytesPerMember / 1_024).toFixed(1),
        cost.snapshots ?? '',
        cost.revisions ?? '',
      ]),
    );
  }
}

async function main(): Promise<void> {
  const results: Record<string, Record<string, Cost>> = {};
  const servers = await startServers();
  try {
    for (const shape of SHAPES) {
      const redis = await measure(await startHubs(1, 'redis', servers), shape);
      const embedded = await measure(await startHubs(1, 'embedded', servers), shape);
      const answers = { joinBytes: redis.answerBytes };
      const uws = await measure(await startSubjects('uws-publish', answers), shape);
      const socketIo = await measure(await startSubjects('socket.io', answers), shape);
      const costs = {
        'Earshot on Redis': redis,
        'Earshot, embedded': embedded,
        'uWebSockets.js': uws,
        'Socket.IO': socketIo,
      };
      tell(shape, costs);
      results[shape.name] = costs;
    }
  } finally {
    await servers.stop();
  }
  await writeReport('join', { people: PEOPLE, unweighed: UNWEIGHED, results });
}

await main();
