// The servers whose rooms are measured, each behind one face: people reach it by its ports, and it tells what all its processes use.
import { Child } from './append-child.ts';
import { BenchHub, type BenchServers, type StoreKind } from './append-hub.ts';
import type { ServerKind } from './append-people.ts';
import type { ServerOrder, ServerReport } from './fanout-server.ts';
import { kindOf, type SubjectName, type SubjectOptions } from './subject.ts';
import { sumOf, type Usage } from './usage.ts';

export interface RoomServer {
  readonly kind: ServerKind;
  /** One of each node. */
  readonly ports: readonly number[];
  usage(): Promise<Usage>;
  /** The same with the garbage collected first. */
  memory(): Promise<Usage>;
  /** Its own, by name; none where it has none. */
  counters(): Promise<ReadonlyMap<string, number>>;
  /** Undefined where nobody but people can talk. */
  readonly within?: Within;
  stop(): Promise<void>;
}

/** Messages that come from within the server's process. */
export interface Within {
  /** Ids of the rooms that were there from the start. */
  readonly rooms: readonly string[];
  /** Tells `perSecond` messages to them in turn, for `seconds`. @returns how many */
  readonly talk: (perSecond: number, seconds: number) => Promise<number>;
}

const NO_COUNTERS: ReadonlyMap<string, number> = new Map();

/** One node, or several on one Redis: the build as processes of its own. */
export async function startHubs(
  count: number,
  store: StoreKind,
  servers: BenchServers,
): Promise<RoomServer> {
  const hubs = await BenchHub.startNodes(count, store, servers);
  return {
    kind: 'earshot',
    ports: hubs.map(({ port }) => port),
    usage: async () => sumOf(await Promise.all(hubs.map((hub) => hub.usage()))),
    memory: async () => sumOf(await Promise.all(hubs.map((hub) => hub.memory()))),
    counters: async () => (await hubs[0]?.metrics()) ?? NO_COUNTERS,
    stop: async () => {
      await Promise.all(hubs.map((hub) => hub.stop()));
    },
  };
}

/** A hub with its log in memory, or a peer. @param count of processes; more than one have a Redis in common */
export async function startSubjects(
  subject: SubjectName,
  options: Partial<SubjectOptions> = {},
  count = 1,
): Promise<RoomServer> {
  const children: Child<ServerOrder, ServerReport>[] = [];
  const stop = async (): Promise<void> => {
    for (const child of children) await child.end();
  };
  try {
    const ports: number[] = [];
    let rooms: readonly string[] = [];
    for (let n = 0; n < count; n += 1) {
      const child = Child.fork<ServerOrder, ServerReport>('./fanout-server.js', ['--expose-gc']);
      children.push(child);
      const order = { kind: 'start', subject, options: { rooms: 0, ...options } } as const;
      const started = await child.ask(order, 'started');
      ports.push(started.port);
      ({ rooms } = started);
    }
    const ask = async (kind: 'usage' | 'memory'): Promise<Usage> =>
      sumOf(await Promise.all(children.map((child) => child.ask({ kind }, kind))));
    const talk = async (publishesPerSecond: number, seconds: number): Promise<number> => {
      const order = { kind: 'run', publishesPerSecond, seconds } as const;
      return (await children[0]?.ask(order, 'ran'))?.published ?? 0;
    };
    return {
      kind: kindOf(subject),
      ports,
      usage: () => ask('usage'),
      memory: () => ask('memory'),
      counters: () => Promise.resolve(NO_COUNTERS),
      within: { rooms, talk },
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}
