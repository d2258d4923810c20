// What a delivered message costs a server: it is said by a member over their socket, numbered, kept and told to all who are in the room.
import { setTimeout as pause } from 'node:timers/promises';
import { Child, flag } from './append-child.ts';
import type { RoomOrder, RoomReport } from './room-clients.ts';
import type { RoomServer } from './room-servers.ts';
import { cpuOf, rise, type Usage } from './usage.ts';

interface Pace {
  readonly perSecond: number;
  readonly seconds: number;
}

export interface DeliveryShape {
  readonly rooms: number;
  /** Of each room, beside the one who talks. */
  readonly listeners: number;
  /** Messages over all rooms. */
  readonly perSecond: number;
  /** What is said before anything is measured, where it is not as elsewhere. */
  readonly compile?: Pace;
}

/** CPU is that of all the server's processes. */
export interface Delivery {
  /** For each message that reached a listener, beyond what the same costs where nobody but its sender hears it, µs. */
  readonly userUs: number;
  readonly systemUs: number;
  readonly totalUs: number;
  /** The same for each frame: a frame may carry several messages. */
  readonly frameUs: number;
  readonly eventsPerFrame: number;
  /** As they come, with what the frame adds. */
  readonly bytesPerEvent: number;
  /** Of a message that only its sender hears: to receive, number, keep, tell and acknowledge it, µs. */
  readonly publishUs: number;
  /** All that the server did, for each message that reached a listener, µs. */
  readonly wholeUs: number;
  /** All that was used beside the server, as by a Redis, for each message that reached a listener, µs. */
  readonly besideUs: number;
  /** Of those that were due; 1 unless something was lost. */
  readonly arrived: number;
  /** Numbers that were left out, came again, or too late. */
  readonly disorder: number;
  readonly eventsPerSecond: number;
  /** Of one core: the server, and the process with all clients. */
  readonly serverShare: number;
  readonly clientShare: number;
}

export const SECONDS = flag('seconds', 3, 1);
const WARM_UP_SECONDS = flag('warm-up', 0.5);
/** Before anything is measured so much is said, and fast: the server's code is compiled by then. */
const COMPILED: Pace = { perSecond: 4_000, seconds: flag('compile', 2, 1.5) };
const JOINS_AT_ONCE = 100;
/** Arrivals and presence are told in batches: afterwards the rooms are quiet. */
const QUIET_MS = 1_000;
/** What waits in the server is on its way after this. */
const DRAIN_MS = 200;

export type RoomClients = Child<RoomOrder, RoomReport>;

interface Run {
  readonly said: number;
  readonly used: Usage;
  readonly besideUs: number;
  readonly wallMs: number;
}

export const forkClients = (): RoomClients => Child.fork('./room-clients.js');

type Cpu = Pick<Usage, 'userUs' | 'systemUs'>;
const NOTHING: Cpu = { userUs: 0, systemUs: 0 };

/** People talk, each in a room of their own making. @param beside what else works for the server has used so far */
export async function measureDelivery(
  server: RoomServer,
  shape: DeliveryShape,
  beside: () => Promise<Cpu> = () => Promise.resolve(NOTHING),
): Promise<Delivery> {
  const { kind, ports } = server;
  const clients = forkClients();
  try {
    const { rooms: people } = shape;
    await clients.ask({ kind: 'come', server: kind, ports, people, firstPerson: 1 }, 'came');
    await clients.ask({ kind: 'make', rooms: people }, 'made');
    const talk = async (perSecond: number, seconds: number): Promise<number> =>
      (await clients.ask({ kind: 'talk', perSecond, seconds }, 'talked')).said;
    return await compare({ server, clients, shape, talk, beside });
  } finally {
    await clients.end();
  }
}

/** The same where the messages come from within the server, which has as many rooms as there are to be. */
export async function measureDeliveryFromWithin(
  server: RoomServer,
  shape: DeliveryShape,
): Promise<Delivery> {
  const { within } = server;
  if (within === undefined) throw new Error('only people can talk there');
  const { rooms, talk } = within;
  const clients = forkClients();
  const beside = (): Promise<Cpu> => Promise.resolve(NOTHING);
  try {
    return await compare({ server, clients, shape, rooms, talk, beside });
  } finally {
    await clients.end();
  }
}

interface Stage {
  readonly server: RoomServer;
  readonly clients: RoomClients;
  readonly shape: DeliveryShape;
  /** Those that the clients have made where it is not given. */
  readonly rooms?: readonly string[];
  readonly talk: (perSecond: number, seconds: number) => Promise<number>;
  readonly beside: () => Promise<Cpu>;
}

/** With listeners, beside what was without. */
async function compare({ server, clients, shape, rooms, talk, beside }: Stage): Promise<Delivery> {
  const { listeners, perSecond, compile = COMPILED } = shape;
  const run = async (seconds: number): Promise<Run> => {
    const before = [await server.usage(), await beside(), performance.now()] as const;
    const said = await talk(perSecond, seconds);
    await pause(DRAIN_MS);
    const used = rise(before[0], await server.usage());
    const besideUs = cpuOf(await beside()) - cpuOf(before[1]);
    return { said, used, besideUs, wallMs: performance.now() - before[2] };
  };
  await pause(QUIET_MS);
  await talk(compile.perSecond, compile.seconds);
  await run(WARM_UP_SECONDS);
  const alone = await run(SECONDS);
  const people = shape.rooms * listeners;
  const who = { server: server.kind, ports: server.ports, people, firstPerson: shape.rooms + 1 };
  await clients.ask({ kind: 'come', ...who }, 'came');
  // Friends come one by one: those of a room lie anywhere in the server's memory.
  const order = { kind: 'join', atOnce: JOINS_AT_ONCE, order: 'in turn' } as const;
  await clients.ask({ ...order, ...(rooms === undefined ? {} : { rooms }) }, 'joined');
  await pause(QUIET_MS);
  await run(WARM_UP_SECONDS);
  await clients.ask({ kind: 'count' }, 'counted');
  const heard = await run(SECONDS);
  const counted = await clients.ask({ kind: 'count' }, 'counted');
  const { events, frames, bytes, missing, again } = counted;
  const beyond = (of: (used: Usage) => number): number =>
    of(heard.used) - (of(alone.used) / alone.said) * heard.said;
  const totalUs = beyond(cpuOf);
  return {
    userUs: beyond(({ userUs }) => userUs) / events,
    systemUs: beyond(({ systemUs }) => systemUs) / events,
    totalUs: totalUs / events,
    frameUs: totalUs / frames,
    eventsPerFrame: events / frames,
    bytesPerEvent: bytes / events,
    publishUs: cpuOf(alone.used) / alone.said,
    wholeUs: cpuOf(heard.used) / events,
    besideUs: heard.besideUs / events,
    arrived: events / (heard.said * listeners),
    disorder: missing + again,
    eventsPerSecond: events / (heard.wallMs / 1_000),
    serverShare: cpuOf(heard.used) / 1_000 / heard.wallMs,
    clientShare: counted.cpuUs / 1_000 / heard.wallMs,
  };
}

/** Starts a server for one measurement, and stops it whatever happens. */
export async function on<T>(
  start: Promise<RoomServer>,
  measure: (server: RoomServer) => Promise<T>,
): Promise<T> {
  const server = await start;
  try {
    return await measure(server);
  } finally {
    await server.stop();
  }
}
