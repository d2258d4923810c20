// `npm run bench:fanout`: what a delivered message costs the server, and what an idle member weighs, beside what others would build on.
// One server process and one client process at a time; each figure is the median of rounds that take the subjects in turn.
import { Child, flag, heading, row, say } from './append-child.ts';
import type { ServerOrder, ServerReport } from './fanout-server.ts';
import { writeReport } from './report.ts';
import type { RoomOrder, RoomReport } from './room-clients.ts';
import { inTurn, medianOf } from './rounds.ts';
import { SUBJECTS, kindOf, type SubjectName } from './subject.ts';

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
const ROUNDS = flag('rounds', 3, 1);
const SECONDS = flag('seconds', 5, 1);
const WARM_UP_SECONDS = flag('warm-up', 2, 1);
const IDLE_MEMBERS = flag('members', 10_000, 1_000);
const UNWEIGHED_MEMBERS = 3_000;
const IDLE_PER_ROOM = 5;
const AT_ONCE = 50;

interface Cost {
  readonly userUs: number;
  readonly systemUs: number;
  readonly totalUs: number;
  readonly deliveries: number;
  /** Of one publish to an empty room: appending and encoding it. */
  readonly publishUs: number;
  /** More than 1 where news of a busy room is gathered. */
  readonly eventsPerFrame: number;
  /** Messages that arrived of those that were due; 1 unless something was lost. */
  readonly arrived: number;
}

type Server = Child<ServerOrder, ServerReport>;
type Clients = Child<RoomOrder, RoomReport>;

const serverOf = (): Server => Child.fork('./fanout-server.js', ['--expose-gc']);
const clientsOf = (): Clients => Child.fork('./room-clients.js');

/** `people` come and join `rooms`. @param firstPerson the number of the first of them */
async function gather(
  clients: Clients,
  subject: SubjectName,
  port: number,
  rooms: readonly string[],
  people: number,
  firstPerson: number,
): Promise<void> {
  const server = kindOf(subject);
  await clients.ask({ kind: 'come', server, ports: [port], people, firstPerson }, 'came');
  await clients.ask({ kind: 'join', atOnce: AT_ONCE, rooms, order: 'room by room' }, 'joined');
}

async function measure(subject: SubjectName, shape: Shape): Promise<Cost> {
  // To nobody first: what is left after subtracting it is the delivery.
  const { publishesPerSecond } = shape;
  const start = { kind: 'start', subject, options: { rooms: shape.rooms } } as const;
  const idle = serverOf();
  await idle.ask(start, 'started');
  await idle.ask({ kind: 'run', publishesPerSecond, seconds: WARM_UP_SECONDS }, 'ran');
  const toNobody = await idle.ask({ kind: 'run', publishesPerSecond, seconds: SECONDS }, 'ran');
  await idle.end();

  const server = serverOf();
  const clients = clientsOf();
  const { port, rooms } = await server.ask(start, 'started');
  await gather(clients, subject, port, rooms, shape.rooms * shape.perRoom, 1);
  await server.ask({ kind: 'run', publishesPerSecond, seconds: WARM_UP_SECONDS }, 'ran');
  await clients.ask({ kind: 'count' }, 'counted');
  const ran = await server.ask({ kind: 'run', publishesPerSecond, seconds: SECONDS }, 'ran');
  const { events, frames } = await clients.ask({ kind: 'count' }, 'counted');
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
    deliveries: events,
    eventsPerFrame: events / frames,
    arrived: events / due,
  };
}

/**
 * Bytes of resident memory that each further idle member adds to the server. The first ones are not weighed: they bring in code, and
 * the heap that any process of Node takes at first.
 */
async function weigh(subject: SubjectName): Promise<number> {
  const server = serverOf();
  const clients = clientsOf();
  const { port, rooms } = await server.ask(
    {
      kind: 'start',
      subject,
      options: { rooms: (UNWEIGHED_MEMBERS + IDLE_MEMBERS) / IDLE_PER_ROOM },
    },
    'started',
  );
  const first = rooms.slice(0, UNWEIGHED_MEMBERS / IDLE_PER_ROOM);
  await gather(clients, subject, port, first, UNWEIGHED_MEMBERS, 1);
  const before = await server.ask({ kind: 'memory' }, 'memory');
  const others = rooms.slice(first.length);
  await gather(clients, subject, port, others, IDLE_MEMBERS, UNWEIGHED_MEMBERS + 1);
  const after = await server.ask({ kind: 'memory' }, 'memory');
  await clients.end();
  await server.end();
  return (after.rssBytes - before.rssBytes) / IDLE_MEMBERS;
}

async function main(): Promise<void> {
  const results: Record<string, Record<string, Cost>> = {};
  for (const shape of SHAPES) {
    const { runs } = await inTurn(SUBJECTS, ROUNDS, String, (subject) => measure(subject, shape));
    const costs: Record<string, Cost> = Object.fromEntries(
      [...runs].map(([subject, ofSubject]) => [subject, medianOf(ofSubject)]),
    );
    results[shape.name] = costs;
    const rawUws = Math.min(
      costs['uws-publish']?.totalUs ?? NaN,
      costs['uws-send']?.totalUs ?? NaN,
    );
    say(
      `\n${shape.name}: µs of server CPU per delivered message, medians of ${ROUNDS} rounds of ${SECONDS} s`,
    );
    say(
      heading([
        ...['server', 'user', 'system', 'total', 'of raw uWebSockets.js', 'publish to nobody'],
        ...['messages a frame', 'arrived'],
      ]),
    );
    for (const subject of SUBJECTS) {
      const cost = costs[subject];
      if (cost === undefined) continue;
      say(
        row([
          subject,
          cost.userUs.toFixed(2),
          cost.systemUs.toFixed(2),
          cost.totalUs.toFixed(2),
          (cost.totalUs / rawUws).toFixed(2),
          cost.publishUs.toFixed(0),
          cost.eventsPerFrame.toFixed(1),
          `${(cost.arrived * 100).toFixed(1)} %`,
        ]),
      );
    }
  }
  const memory: Record<string, number> = {};
  for (const subject of SUBJECTS) memory[subject] = await weigh(subject);
  say(
    `\nmemory that each idle joined connection adds (${IDLE_MEMBERS} in rooms of ${IDLE_PER_ROOM}, on top of ${UNWEIGHED_MEMBERS})`,
  );
  say(heading(['server', 'KB']));
  for (const subject of SUBJECTS)
    say(row([subject, ((memory[subject] ?? NaN) / 1_024).toFixed(1)]));
  await writeReport('fanout', {
    rounds: ROUNDS,
    secondsPerRun: SECONDS,
    microsecondsPerDelivery: results,
    bytesPerIdleMember: memory,
  });
}

await main();
