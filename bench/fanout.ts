// `npm run bench:fanout`: what a delivered message costs the server, and what an idle member weighs, beside what others would build on.
// One server process and one client process at a time; each figure is the median of rounds that take the subjects in turn.
import { fork, type ChildProcess } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import type { ClientOrder, ClientReport } from './fanout-clients.ts';
import type { ServerOrder, ServerReport } from './fanout-server.ts';
import { SUBJECTS, type SubjectName } from './subject.ts';

interface Shape {
  readonly name: string;
  readonly rooms: number;
  readonly perRoom: number;
  /** Publishes over all rooms: enough to keep the server busy, below what it can do. */
  readonly publishesPerSecond: number;
}

const SHAPES: readonly Shape[] = [
  { name: 'rooms of 1,000', rooms: 1, perRoom: 1_000, publishesPerSecond: 50 },
  { name: 'rooms of 5', rooms: 200, perRoom: 5, publishesPerSecond: 2_000 },
];
const flag = (name: string, fallback: number): number => {
  const given = process.argv.find((argument) => argument.startsWith(`--${name}=`));
  return given === undefined ? fallback : Number(given.split('=')[1]);
};
const ROUNDS = flag('rounds', 3);
const SECONDS = flag('seconds', 5);
const WARM_UP_SECONDS = 2;
const IDLE_MEMBERS = flag('members', 10_000);
const UNWEIGHED_MEMBERS = 3_000;
const IDLE_PER_ROOM = 5;

interface Cost {
  readonly userUs: number;
  readonly systemUs: number;
  readonly totalUs: number;
  readonly deliveries: number;
  /** Of one publish to an empty room: appending and encoding it. */
  readonly publishUs: number;
  /** Frames that arrived of those that were due; 1 unless something was lost or merged. */
  readonly arrived: number;
}

class Peer<Order, Report extends { readonly kind: string }> {
  readonly #child: ChildProcess;

  constructor(file: string, isServer: boolean) {
    this.#child = fork(fileURLToPath(new URL(file, import.meta.url)), {
      execArgv: isServer ? ['--expose-gc'] : [],
    });
  }

  ask<K extends Report['kind']>(order: Order, kind: K): Promise<Extract<Report, { kind: K }>> {
    return new Promise((resolve, reject) => {
      const failed = (code: number | null): void =>
        reject(new Error(`a process of the bench ended with ${code}`));
      this.#child.once('exit', failed);
      this.#child.once('message', (report: Report) => {
        this.#child.off('exit', failed);
        if (report.kind === kind) resolve(report as Extract<Report, { kind: K }>);
        else reject(new Error(`expected ${kind}, got ${report.kind}`));
      });
      this.#child.send(order as object);
    });
  }

  async end(): Promise<void> {
    const exited = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.kill();
    await exited;
  }
}

type Server = Peer<ServerOrder, ServerReport>;
type Clients = Peer<ClientOrder, ClientReport>;

async function measure(subject: SubjectName, shape: Shape): Promise<Cost> {
  // To nobody first: what is left after subtracting it is the delivery.
  const { publishesPerSecond } = shape;
  const idle: Server = new Peer('./fanout-server.js', true);
  await idle.ask({ kind: 'start', subject, rooms: shape.rooms }, 'started');
  await idle.ask({ kind: 'run', publishesPerSecond, seconds: WARM_UP_SECONDS }, 'ran');
  const toNobody = await idle.ask({ kind: 'run', publishesPerSecond, seconds: SECONDS }, 'ran');
  await idle.end();

  const server: Server = new Peer('./fanout-server.js', true);
  const clients: Clients = new Peer('./fanout-clients.js', false);
  const { port, rooms } = await server.ask(
    { kind: 'start', subject, rooms: shape.rooms },
    'started',
  );
  await clients.ask(
    { kind: 'connect', subject, port, rooms, perRoom: shape.perRoom, firstPerson: 1 },
    'connected',
  );
  await server.ask({ kind: 'run', publishesPerSecond, seconds: WARM_UP_SECONDS }, 'ran');
  await clients.ask({ kind: 'count' }, 'counted');
  const ran = await server.ask({ kind: 'run', publishesPerSecond, seconds: SECONDS }, 'ran');
  const { frames } = await clients.ask({ kind: 'count' }, 'counted');
  await clients.end();
  await server.end();
  const perPublish = (run: typeof ran, us: number): number => us / run.published;
  const due = ran.published * shape.perRoom;
  const userUs =
    (perPublish(ran, ran.userUs) - perPublish(toNobody, toNobody.userUs)) / shape.perRoom;
  const systemUs =
    (perPublish(ran, ran.systemUs) - perPublish(toNobody, toNobody.systemUs)) / shape.perRoom;
  const publishUs = perPublish(toNobody, toNobody.userUs + toNobody.systemUs);
  return {
    userUs,
    systemUs,
    totalUs: userUs + systemUs,
    publishUs,
    deliveries: frames,
    arrived: frames / due,
  };
}

/**
 * Bytes of resident memory that each further idle member adds to the server. The first ones are not weighed: they bring in code, and
 * the heap that any process of Node takes at first.
 */
async function weigh(subject: SubjectName): Promise<number> {
  const server: Server = new Peer('./fanout-server.js', true);
  const clients: Clients = new Peer('./fanout-clients.js', false);
  const { port, rooms } = await server.ask(
    { kind: 'start', subject, rooms: (UNWEIGHED_MEMBERS + IDLE_MEMBERS) / IDLE_PER_ROOM },
    'started',
  );
  const connect = { kind: 'connect', subject, port, perRoom: IDLE_PER_ROOM } as const;
  const first = rooms.slice(0, UNWEIGHED_MEMBERS / IDLE_PER_ROOM);
  await clients.ask({ ...connect, rooms: first, firstPerson: 1 }, 'connected');
  const before = await server.ask({ kind: 'memory' }, 'memory');
  const others = rooms.slice(first.length);
  await clients.ask({ ...connect, rooms: others, firstPerson: UNWEIGHED_MEMBERS + 1 }, 'connected');
  const after = await server.ask({ kind: 'memory' }, 'memory');
  await clients.end();
  await server.end();
  return (after.rssBytes - before.rssBytes) / IDLE_MEMBERS;
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? NaN;
}

function medianCost(costs: readonly Cost[]): Cost {
  const of = (pick: (cost: Cost) => number): number => median(costs.map(pick));
  return {
    userUs: of((cost) => cost.userUs),
    systemUs: of((cost) => cost.systemUs),
    totalUs: of((cost) => cost.totalUs),
    publishUs: of((cost) => cost.publishUs),
    deliveries: of((cost) => cost.deliveries),
    arrived: of((cost) => cost.arrived),
  };
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

async function main(): Promise<void> {
  const results: Record<string, Record<string, Cost>> = {};
  for (const shape of SHAPES) {
    const rounds = new Map<SubjectName, Cost[]>(SUBJECTS.map((subject) => [subject, []]));
    for (let round = 0; round < ROUNDS; round += 1) {
      for (const subject of SUBJECTS) rounds.get(subject)?.push(await measure(subject, shape));
    }
    const costs = Object.fromEntries(
      SUBJECTS.map((subject) => [subject, medianCost(rounds.get(subject) ?? [])]),
    );
    results[shape.name] = costs;
    const rawUws = Math.min(
      costs['uws-publish']?.totalUs ?? NaN,
      costs['uws-send']?.totalUs ?? NaN,
    );
    say(
      `\n${shape.name}: µs of server CPU per delivered message, medians of ${ROUNDS} rounds of ${SECONDS} s`,
    );
    say('| server | user | system | total | of raw uWebSockets.js | publish to nobody | arrived |');
    say('|---|---|---|---|---|---|---|');
    for (const subject of SUBJECTS) {
      const cost = costs[subject];
      if (cost === undefined) continue;
      const ratio = (cost.totalUs / rawUws).toFixed(2);
      say(
        `| ${subject} | ${cost.userUs.toFixed(2)} | ${cost.systemUs.toFixed(2)} | ${cost.totalUs.toFixed(2)} | ${ratio} | ${cost.publishUs.toFixed(0)} | ${(cost.arrived * 100).toFixed(1)} % |`,
      );
    }
  }
  const memory: Record<string, number> = {};
  for (const subject of SUBJECTS) memory[subject] = await weigh(subject);
  say(
    `\nmemory that each idle joined connection adds (${IDLE_MEMBERS} in rooms of ${IDLE_PER_ROOM}, on top of ${UNWEIGHED_MEMBERS})`,
  );
  say('| server | KB |');
  say('|---|---|');
  for (const subject of SUBJECTS)
    say(`| ${subject} | ${((memory[subject] ?? NaN) / 1_024).toFixed(1)} |`);
  await mkdir('bench/results', { recursive: true });
  const report = {
    bench: 'fanout',
    at: new Date().toISOString(),
    node: process.version,
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    rounds: ROUNDS,
    secondsPerRun: SECONDS,
    microsecondsPerDelivery: results,
    bytesPerIdleMember: memory,
  };
  await writeFile('bench/results/fanout.json', `${JSON.stringify(report, null, 2)}\n`);
  say('\nwritten to bench/results/fanout.json');
}

await main();
