// `npm run bench:feed`: from a publish to the viewers, what a delivery of the feed costs beside one of a room, what a subscription weighs,
// and what a page of the history takes beside the bare query.
import { setTimeout as pause } from 'node:timers/promises';
import { startRedisServer } from '../test/support/redis-server.ts';
import { Child, flag, heading, median, row, say, spreadOf } from './append-child.ts';
import type { ServerOrder, ServerReport } from './fanout-server.ts';
import type { FeedClientOrder, FeedClientReport } from './feed-clients.ts';
import { measureHistory, tellHistory, type HistoryResult } from './feed-history.ts';
import type { FeedServerOrder, FeedStore, FeedServerReport } from './feed-server.ts';
import type { WhoLooks } from './feed-shape.ts';
import { writeReport } from './report.ts';
import type { RoomOrder, RoomReport } from './room-clients.ts';
import { medianOf } from './rounds.ts';
import { kindOf } from './subject.ts';
import { cpuOf } from './usage.ts';

interface Shape extends WhoLooks {
  readonly name: string;
  readonly nodes: number;
  readonly publishesPerSecond: number;
  /** Whether rooms with as many listeners, and the peer, are measured beside it. */
  readonly hasPeers: boolean;
}

const PEOPLE = flag('people', 10_000, 1_000);
const SECONDS = flag('seconds', 10, 2);
const ROUNDS = flag('rounds', 3, 1);
const WIDE = flag('wide', 50_000, 2_000);
const LISTENS = flag('listens', 1_000_000, 20_000);
/** In MongoDB: fewer, as what stands in for it in tests takes some hundreds a second; none where it is 0. */
const MONGO_LISTENS = flag('mongo-listens', 20_000, 0);
const WARM_UP_SECONDS = 3;
const AT_ONCE = 50;
/** After the last publish: what is on its way arrives. */
const DRAIN_MS = 2_000;
const VIEWERS_EACH = 20;
/** The number of the one shape that is measured; all of them where it is below 0. */
const ONLY = flag('only', -1);
const SHAPES: readonly Shape[] = [
  {
    ...{ name: `one author, ${PEOPLE} viewers`, viewers: PEOPLE, authors: 1, looksAt: 1 },
    ...{ nodes: 1, publishesPerSecond: 2, hasPeers: true },
  },
  {
    ...{ name: `${PEOPLE} authors, ${VIEWERS_EACH} viewers each`, viewers: PEOPLE },
    ...{ authors: PEOPLE, looksAt: VIEWERS_EACH, nodes: 1, publishesPerSecond: 500 },
    hasPeers: true,
  },
  {
    ...{ name: `one author, ${WIDE} viewers on 3 nodes`, viewers: WIDE, authors: 1, looksAt: 1 },
    ...{ nodes: 3, publishesPerSecond: 0.25, hasPeers: false },
  },
];

interface Figures {
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Of all server processes, without what a publish to nobody takes. */
  readonly cpuUsPerDelivery: number;
  /** Of a publish to nobody. */
  readonly publishUs: number;
  readonly arrived: number;
  readonly subscribeMs: number;
  readonly bytesPerSubscription: number;
}

type Server = Child<FeedServerOrder, FeedServerReport>;
type Clients = Child<FeedClientOrder, FeedClientReport>;

const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);

async function measureFeed(shape: Shape, on: FeedStore): Promise<Figures> {
  const { viewers, authors, looksAt, nodes, publishesPerSecond } = shape;
  const each = Math.ceil(viewers / nodes);
  const ends: (() => Promise<void>)[] = [];
  try {
    const servers: Server[] = [];
    const clients: Clients[] = [];
    for (let node = 0; node < nodes; node += 1) {
      const server: Server = Child.fork('./feed-server.js', ['--expose-gc']);
      const client: Clients = Child.fork('./feed-clients.js');
      ends.push(() => client.end().then(() => server.end()));
      servers.push(server);
      clients.push(client);
      const first = 1 + node * each;
      const who = { viewers: Math.min(each, viewers + 1 - first), authors, looksAt };
      const { port } = await server.ask(
        { kind: 'start', on, nodeId: `node-${node}`, firstViewer: first, ...who },
        'started',
      );
      await client.ask({ kind: 'connect', port, first, viewers: who.viewers }, 'connected');
    }
    const rssOf = async (): Promise<number> =>
      sum(
        await Promise.all(
          servers.map(async (server) => (await server.ask({ kind: 'memory' }, 'memory')).rssBytes),
        ),
      );
    const cpuUsed = async (): Promise<number> => {
      const asked = servers.map((server) => server.ask({ kind: 'usage' }, 'usage'));
      return sum((await Promise.all(asked)).map(cpuOf));
    };
    const count = () =>
      Promise.all(clients.map((client) => client.ask({ kind: 'count' }, 'counted')));
    const [publisher] = servers;
    if (publisher === undefined) throw new Error('no node');
    const run = async (runSeconds: number) => {
      const order = { kind: 'run', publishesPerSecond, seconds: runSeconds } as const;
      const cpuBefore = await cpuUsed();
      const { published } = await publisher.ask(order, 'ran');
      await pause(DRAIN_MS);
      return { published, cpuUs: (await cpuUsed()) - cpuBefore };
    };
    const warmUp = Math.max(WARM_UP_SECONDS, 2 / publishesPerSecond);
    const seconds = Math.max(SECONDS, 5 / publishesPerSecond);
    await run(warmUp);
    const toNobody = await run(seconds);
    const publishUs = toNobody.cpuUs / toNobody.published;
    const before = await rssOf();
    const came = await Promise.all(
      clients.map((client) => client.ask({ kind: 'subscribe' }, 'subscribed')),
    );
    const after = await rssOf();
    await run(warmUp);
    await count();
    const { published, cpuUs } = await run(seconds);
    const counted = await count();
    const due = (published * viewers * looksAt) / authors;
    const { p50, p99 } = spreadOf(counted.flatMap(({ latenciesMs }) => [...latenciesMs]));
    return {
      p50Ms: p50,
      p99Ms: p99,
      cpuUsPerDelivery: (cpuUs - publishUs * published) / due,
      publishUs,
      arrived: sum(counted.map(({ frames }) => frames)) / due,
      subscribeMs: Math.max(...came.map(({ wallMs }) => wallMs)),
      bytesPerSubscription: (after - before) / (viewers * looksAt),
    };
  } finally {
    await Promise.all(ends.map((end) => end()));
  }
}

/** Of a delivery in rooms with as many listeners as an author has viewers, measured alike. */
async function measureRooms({ viewers, authors, looksAt, publishesPerSecond }: Shape) {
  const perRoom = (viewers * looksAt) / authors;
  const subject = 'earshot-uws';
  const measureWith = async (hasListeners: boolean): Promise<number> => {
    const server = Child.fork<ServerOrder, ServerReport>('./fanout-server.js', ['--expose-gc']);
    const clients = Child.fork<RoomOrder, RoomReport>('./room-clients.js');
    try {
      const start = { kind: 'start', subject, options: { rooms: viewers / perRoom } } as const;
      const { port, rooms } = await server.ask(start, 'started');
      if (hasListeners) {
        const who = { server: kindOf(subject), ports: [port], people: viewers, firstPerson: 1 };
        await clients.ask({ kind: 'come', ...who }, 'came');
        const order = { kind: 'join', atOnce: AT_ONCE, rooms, order: 'room by room' } as const;
        await clients.ask(order, 'joined');
      }
      await server.ask({ kind: 'run', publishesPerSecond, seconds: WARM_UP_SECONDS }, 'ran');
      const run = { kind: 'run', publishesPerSecond, seconds: SECONDS } as const;
      const ran = await server.ask(run, 'ran');
      return (ran.userUs + ran.systemUs) / ran.published;
    } finally {
      await clients.end();
      await server.end();
    }
  };
  return ((await measureWith(true)) - (await measureWith(false))) / perRoom;
}

interface Peers {
  /** The feed with its heads in memory, as the log of the rooms is. */
  readonly inMemory: Figures;
  readonly uws: Figures;
  readonly roomsUsPerDelivery: number;
}

interface Result {
  readonly shape: Shape;
  readonly onRedis: Figures;
  readonly peers: Peers | undefined;
}

function tell({ shape, onRedis, peers }: Result): void {
  say(`\n${shape.name}; ${shape.publishesPerSecond} publishes a second`);
  say(
    heading([
      'server',
      'to visible p50, ms',
      'p99, ms',
      'µs of CPU a delivery',
      'of the rooms’',
      'µs a publish to nobody',
      'arrived',
      'all subscribed, s',
      'bytes a subscription',
    ]),
  );
  const line = (name: string, figures: Figures): void =>
    say(
      row([
        name,
        figures.p50Ms.toFixed(1),
        figures.p99Ms.toFixed(1),
        figures.cpuUsPerDelivery.toFixed(2),
        peers === undefined ? '' : (figures.cpuUsPerDelivery / peers.roomsUsPerDelivery).toFixed(2),
        figures.publishUs.toFixed(0),
        `${(figures.arrived * 100).toFixed(1)} %`,
        (figures.subscribeMs / 1_000).toFixed(1),
        figures.bytesPerSubscription.toFixed(0),
      ]),
    );
  line('Earshot’s feed on Redis', onRedis);
  if (peers === undefined) return;
  line('Earshot’s feed in memory', peers.inMemory);
  line('uWebSockets.js, publish', peers.uws);
  say(`rooms with as many listeners: ${peers.roomsUsPerDelivery.toFixed(2)} µs a delivery`);
}

async function measure(shape: Shape): Promise<Result> {
  const rounds = shape.hasPeers ? ROUNDS : 1;
  const onRedis: Figures[] = [];
  const of = { inMemory: [] as Figures[], uws: [] as Figures[], rooms: [] as number[] };
  for (let round = 0; round < rounds; round += 1) {
    const redis = await startRedisServer();
    try {
      onRedis.push(await measureFeed(shape, { kind: 'redis', url: redis.url }));
    } finally {
      await redis.stop();
    }
    if (!shape.hasPeers) continue;
    of.inMemory.push(await measureFeed(shape, { kind: 'memory' }));
    of.uws.push(await measureFeed(shape, { kind: 'peer' }));
    of.rooms.push(await measureRooms(shape));
  }
  const peers = {
    inMemory: medianOf(of.inMemory),
    uws: medianOf(of.uws),
    roomsUsPerDelivery: median(of.rooms),
  };
  return { shape, onRedis: medianOf(onRedis), peers: shape.hasPeers ? peers : undefined };
}

async function main(): Promise<void> {
  const feed: Result[] = [];
  for (const [i, shape] of SHAPES.entries()) {
    if (ONLY >= 0 && i !== ONLY) continue;
    const result = await measure(shape);
    tell(result);
    feed.push(result);
  }
  const history: HistoryResult[] = [];
  for (const [on, listens] of [
    ['postgres', LISTENS],
    ['mongo', MONGO_LISTENS],
  ] as const) {
    if (listens === 0) continue;
    const measured = await measureHistory(listens, on);
    tellHistory(measured);
    history.push(measured);
  }
  await writeReport('feed', { rounds: ROUNDS, secondsPerRun: SECONDS, feed, history });
}

await main();
