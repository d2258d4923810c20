// `npm run bench:append`: what a change of a room costs over Redis: until the last listener has it, over many rooms, and in one hot room.
// A Redis, a Postgres, the hub and its clients are processes apart; each figure has the processors' load beside it.
import { cpus } from 'node:os';
import path from 'node:path';
import { Child, aside, flag, heading, median, row, say, type Spread } from './append-child.ts';
import type { ClientOrder, ClientReport, CommandKind, Pressed } from './append-clients.ts';
import { BenchHub, startServers, type BenchServers } from './append-hub.ts';
import type { RedisOrder, RedisReport } from './append-redis.ts';
import { redisCpu } from './redis-usage.ts';
import { writeReport } from './report.ts';
import { startSubjects } from './room-servers.ts';
import { cpuOf, rise } from './usage.ts';

const ROUNDS = flag('rounds', 3, 1);
const SECONDS = flag('seconds', 4, 1);
const SAMPLES = flag('samples', 400, 50);
/** Which of the three: `--only=1` the latency, 2 many rooms, 3 the hot room. */
const ONLY = flag('only', 0);
const WARM_UP_SECONDS = 2;
const WARM_UP_SAMPLES = 200;
const THINK_MS = 8;
const PEOPLE = 100;
const ROOMS = 200;
/** Commands under way of each person in the hot room. */
const WINDOW = flag('window', 20);
const NAMED = 15;
const PROFILES = path.resolve('.cache/bench');

type Clients = Child<ClientOrder, ClientReport>;

const clientsOf = (): Clients => Child.fork('./append-clients.js');
const ms = (value: number): string => value.toFixed(3);
const times = (value: number, of: number): string => (value / of).toFixed(2);

/** The medians of each part over the rounds. */
function middle(rounds: readonly Spread[]): Spread {
  return {
    p50: median(rounds.map(({ p50 }) => p50)),
    p99: median(rounds.map(({ p99 }) => p99)),
    max: Math.max(...rounds.map(({ max }) => max)),
  };
}

/** All processors' time so far, busy and in all, ms. */
function processorTime(): { readonly busy: number; readonly all: number } {
  let [busy, all] = [0, 0];
  for (const { times: t } of cpus()) {
    busy += t.user + t.sys + t.nice + t.irq;
    all += t.user + t.sys + t.nice + t.irq + t.idle;
  }
  return { busy, all };
}

/** From a command's write to the last listener's read, beside what the script alone takes, and what telling a hundred sockets alone takes. */
async function latency(hub: BenchHub, servers: BenchServers): Promise<object> {
  const clients = clientsOf();
  const peerClients = clientsOf();
  const redis = Child.fork<RedisOrder, RedisReport>('./append-redis.js');
  const peer = await startSubjects('uws-publish');
  await clients.ask(
    {
      kind: 'gather',
      server: 'earshot',
      port: hub.port,
      rooms: 1,
      perRoom: PEOPLE,
      firstPerson: 1,
      trackId: await hub.trackId(),
      isPlaying: true,
    },
    'gathered',
  );
  await peerClients.ask(
    {
      kind: 'gather',
      server: peer.kind,
      port: peer.ports[0] ?? 0,
      rooms: 1,
      perRoom: PEOPLE,
      firstPerson: 1,
      trackId: '',
      isPlaying: false,
    },
    'gathered',
  );
  await redis.ask({ kind: 'open', url: servers.redis.url, people: PEOPLE }, 'opened');
  const told: Extract<ClientReport, { kind: 'told' }>[] = [];
  const bare: Extract<RedisReport, { kind: 'appended' }>[] = [];
  const raw: Extract<ClientReport, { kind: 'told' }>[] = [];
  const inside: Spread[] = [];
  let frames = 0;
  for (let round = 0; round <= ROUNDS; round += 1) {
    // The first round warms up.
    const order = { samples: round === 0 ? WARM_UP_SAMPLES : SAMPLES, thinkMs: THINK_MS } as const;
    const appended = await redis.ask({ kind: 'append', ...order }, 'appended');
    const rawTold = await peerClients.ask({ kind: 'tell', ...order }, 'told');
    const seen = await hub.inside(() => clients.ask({ kind: 'tell', ...order }, 'told'));
    if (round === 0) continue;
    bare.push(appended);
    raw.push(rawTold);
    told.push(seen.report);
    inside.push(seen.inside);
    frames = seen.frames;
  }
  for (const child of [clients, peerClients, redis]) await child.end();
  await peer.stop();
  const script = middle(bare.map(({ roundTrip }) => roundTrip));
  const rows: [string, Spread][] = [
    ['the append’s script alone', script],
    ['uWebSockets.js alone, to the last listener', middle(raw.map(({ last }) => last))],
    ['inside the hub, from arrival to the last frame’s send', middle(inside)],
    ['Earshot, to the answer', middle(told.map(({ answer }) => answer))],
    ['Earshot, to the first listener', middle(told.map(({ first }) => first))],
    ['Earshot, to the last listener', middle(told.map(({ last }) => last))],
  ];
  say(
    `\na room of ${PEOPLE} on Redis, one seek after the other: ms from its write to the frame’s read; medians of ${ROUNDS} rounds of ${SAMPLES}`,
  );
  say(heading(['way', 'p50', 'p99', 'p50 of the script’s', 'p99 of the script’s']));
  for (const [name, { p50, p99 }] of rows)
    say(row([name, ms(p50), ms(p99), times(p50, script.p50), times(p99, script.p99)]));
  const { keys = 0, bytes = 0 } = bare[0] ?? {};
  say(`the script has ${keys} keys and ${bytes} bytes of arguments; ${frames} frames a command`);
  return { keys, bytes, frames, milliseconds: Object.fromEntries(rows) };
}

interface Load {
  readonly pressed: Pressed;
  /** What the hub used of one processor, 0 to 1. */
  readonly hubShare: number;
  readonly hubUs: number;
  readonly redisShare: number;
  readonly clientShare: number;
  /** Processors busy with anything. */
  readonly busy: number;
  readonly metrics: (name: string) => number;
}

/** Runs `order` and weighs who worked how much for it. */
async function under(
  hub: BenchHub,
  servers: BenchServers,
  clients: Clients,
  order: Extract<ClientOrder, { kind: 'press' | 'pace' }>,
): Promise<Load> {
  const take = async () => ({
    hub: await hub.usage(),
    redis: cpuOf(await redisCpu(servers.redis.url)),
    metrics: await hub.metrics(),
    machine: processorTime(),
    at: performance.now(),
  });
  const before = await take();
  const pressed = await clients.ask(order, 'pressed');
  const after = await take();
  const wallUs = (after.at - before.at) * 1e3;
  const hubUs = cpuOf(rise(before.hub, after.hub));
  const machine = {
    busy: after.machine.busy - before.machine.busy,
    all: after.machine.all - before.machine.all,
  };
  return {
    pressed,
    hubShare: hubUs / wallUs,
    hubUs,
    redisShare: (after.redis - before.redis) / wallUs,
    clientShare: pressed.cpuUs / wallUs,
    busy: (machine.busy / machine.all) * cpus().length,
    metrics: (name) =>
      (after.metrics.get(`earshot_${name}_total`) ?? 0) -
      (before.metrics.get(`earshot_${name}_total`) ?? 0),
  };
}

function rate({ acknowledged, wallMs }: Pressed): number {
  return (acknowledged / wallMs) * 1_000;
}

const LOAD_HEADING = [
  'acknowledged a second',
  'answer p50, ms',
  'p99, ms',
  'commands an append',
  'hub µs a command',
  'hub, of a core',
  'Redis, of a core',
  'clients, of a core',
  'cores busy',
  'refused',
  'missing, twice, out of order',
];

function loadCells({ pressed, metrics, ...load }: Load): string[] {
  const { acknowledged, answer, refused, order } = pressed;
  return [
    rate(pressed).toFixed(0),
    answer.p50.toFixed(1),
    answer.p99.toFixed(1),
    (metrics('events_appended') / metrics('appends')).toFixed(1),
    (load.hubUs / acknowledged).toFixed(0),
    load.hubShare.toFixed(2),
    load.redisShare.toFixed(2),
    load.clientShare.toFixed(2),
    load.busy.toFixed(2),
    String(refused),
    `${order.missing}, ${order.twice}, ${order.outOfOrder}`,
  ];
}

/** Fails the bench where what was acknowledged is not one order without a gap. */
function mustBeInOrder({ pressed: { order, refused, refusal }, metrics }: Load): void {
  if (order.missing + order.twice + order.outOfOrder > 0)
    throw new Error(`acknowledged out of order: ${JSON.stringify(order)}`);
  if (refused > 0) throw new Error(`${refused} were refused: ${refusal}`);
  // More are no fault: those of the run before depart from their rooms meanwhile.
  if (metrics('events_appended') < order.revisions)
    throw new Error(`${metrics('events_appended')} appended, ${order.revisions} acknowledged`);
}

function resultOf({ metrics, ...load }: Load): object {
  return {
    ...load,
    acknowledgedPerSecond: rate(load.pressed),
    appends: metrics('appends'),
    framesWithheld: metrics('frames_withheld'),
  };
}

function middleLoad(loads: readonly Load[]): Load {
  const sorted = [...loads].sort((a, b) => rate(a.pressed) - rate(b.pressed));
  const load = sorted[Math.floor(sorted.length / 2)];
  if (load === undefined) throw new Error('no rounds');
  return load;
}

async function manyRooms(hub: BenchHub, servers: BenchServers): Promise<object> {
  const clients = clientsOf();
  await clients.ask(
    {
      kind: 'gather',
      server: 'earshot',
      port: hub.port,
      rooms: ROOMS,
      perRoom: 1,
      firstPerson: 1_001,
      trackId: await hub.trackId(),
      isPlaying: false,
    },
    'gathered',
  );
  const press = { kind: 'press', command: 'seek', commanders: 1, window: 1 } as const;
  await under(hub, servers, clients, { ...press, seconds: WARM_UP_SECONDS });
  const closed: Load[] = [];
  for (let round = 0; round < ROUNDS; round += 1)
    closed.push(await under(hub, servers, clients, { ...press, seconds: SECONDS }));
  const asFast = middleLoad(closed);
  const perSecond = Math.round(rate(asFast.pressed) / 2);
  const half = await under(hub, servers, clients, { kind: 'pace', perSecond, seconds: SECONDS });
  await clients.end();
  say(`\n${ROOMS} rooms of one person each on one node, a seek each: each append is a command`);
  say(heading(['loop', ...LOAD_HEADING]));
  say(row(['closed: each person waits for the answer', ...loadCells(asFast)]));
  say(row(['open: half of that, whatever is answered', ...loadCells(half)]));
  for (const load of [asFast, half]) mustBeInOrder(load);
  return { closedLoop: resultOf(asFast), openLoop: resultOf(half) };
}

async function hotRoom(hub: BenchHub, servers: BenchServers): Promise<object> {
  const results: Record<string, object> = {};
  const lines: string[] = [];
  const profiles: string[] = [];
  for (const [i, command] of (['vote', 'seek'] satisfies CommandKind[]).entries()) {
    const clients = clientsOf();
    await clients.ask(
      {
        kind: 'gather',
        server: 'earshot',
        port: hub.port,
        rooms: 1,
        perRoom: PEOPLE,
        firstPerson: 2_001 + 1_000 * i,
        trackId: await hub.trackId(),
        isPlaying: false,
      },
      'gathered',
    );
    const press = { kind: 'press', command, commanders: PEOPLE, window: WINDOW } as const;
    await under(hub, servers, clients, { ...press, seconds: WARM_UP_SECONDS });
    const loads: Load[] = [];
    for (let round = 0; round < ROUNDS; round += 1)
      loads.push(await under(hub, servers, clients, { ...press, seconds: SECONDS }));
    const load = middleLoad(loads);
    const functions = await hub.busiest(`${PROFILES}/hot-room-${command}.cpuprofile`, () =>
      clients.ask({ ...press, seconds: SECONDS }, 'pressed'),
    );
    await clients.end();
    lines.push(row([command, ...loadCells(load), load.metrics('frames_withheld')]));
    profiles.push(`\nthe hub’s own time in the hot room, ${command}:`);
    profiles.push(heading(['function', 'where', '% of what it worked']));
    for (const { name, where, share } of functions.slice(0, NAMED))
      profiles.push(row([name, where, (share * 100).toFixed(1)]));
    mustBeInOrder(load);
    results[command] = { ...resultOf(load), busiest: functions.slice(0, NAMED) };
  }
  say(
    `\none room of ${PEOPLE} who all command and all listen, ${WINDOW} commands of each under way (closed loop)`,
  );
  say(heading(['command', ...LOAD_HEADING, 'frames withheld']));
  for (const line of lines) say(line);
  // Names of functions are for whoever makes them faster.
  for (const line of profiles) aside(line);
  return results;
}

async function main(): Promise<void> {
  const servers = await startServers();
  const figures: Record<string, unknown> = { rounds: ROUNDS, secondsPerRun: SECONDS };
  const parts = [
    ['latency', latency],
    ['manyRooms', manyRooms],
    ['hotRoom', hotRoom],
  ] as const;
  try {
    for (const [i, [name, part]] of parts.entries()) {
      if (ONLY !== 0 && ONLY !== i + 1) continue;
      const hub = await BenchHub.start('redis', servers);
      try {
        figures[name] = await part(hub, servers);
      } finally {
        await hub.stop();
      }
    }
  } finally {
    await servers.stop();
  }
  if (ONLY !== 0) return;
  await writeReport('append', figures);
}

await main();
