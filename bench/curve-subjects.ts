// Who is compared in the curves, under the names that the tables and the plots have.
import { startServers, type BenchServers } from './append-hub.ts';
import { startCentrifugo, type Centrifugo } from './centrifugo.ts';
import type { Named } from './curve.ts';
import { startHubs, startSubjects, type RoomServer } from './room-servers.ts';
import type { SubjectOptions } from './subject.ts';

export const NAMES = {
  earshot: 'Earshot',
  earshotAtOnce: 'Earshot, nothing gathered',
  publish: 'uWebSockets.js, publish',
  sends: 'uWebSockets.js, a loop of sends',
  /** The better one of the two. */
  raw: 'raw uWebSockets.js',
  ws: 'ws',
  socketIo: 'Socket.IO',
  centrifugo: 'Centrifugo',
} as const;

export interface CurveSubject extends Named {
  start(options?: Partial<SubjectOptions>): Promise<RoomServer>;
}

export const EARSHOT: CurveSubject = {
  name: NAMES.earshot,
  start: (options) => startSubjects('earshot-uws', options),
};

/** Every message leaves at once, however busy its room is. */
export const EARSHOT_AT_ONCE: CurveSubject = {
  name: NAMES.earshotAtOnce,
  start: (options) => startSubjects('earshot-uws', { ...options, gatherMs: 0 }),
};

export const RAW_PUBLISH: CurveSubject = {
  name: NAMES.publish,
  start: (options) => startSubjects('uws-publish', options),
};

export const RAW: readonly CurveSubject[] = [
  RAW_PUBLISH,
  { name: NAMES.sends, start: (options) => startSubjects('uws-send', options) },
];

export function others(centrifugo: Centrifugo): readonly CurveSubject[] {
  return [
    { name: NAMES.ws, start: (options) => startSubjects('ws', options) },
    { name: NAMES.socketIo, start: (options) => startSubjects('socket.io', options) },
    // What it answers to a join is its own affair.
    { name: NAMES.centrifugo, start: () => startCentrifugo(centrifugo) },
  ];
}

/** Several nodes that have a Redis in common. */
export interface NodesSubject extends Named {
  start(nodes: number): Promise<RoomServer>;
}

export interface NodesStage {
  readonly redisUrl: string;
  readonly subjects: readonly NodesSubject[];
  stop(): Promise<void>;
}

export async function startNodesStage(centrifugo: Centrifugo): Promise<NodesStage> {
  const servers: BenchServers = await startServers();
  const redisUrl = servers.redis.url;
  return {
    redisUrl,
    subjects: [
      { name: NAMES.earshot, start: (nodes) => startHubs(nodes, 'redis', servers) },
      {
        name: NAMES.socketIo,
        start: (nodes) => startSubjects('socket.io', { redisUrl }, nodes),
      },
      { name: NAMES.centrifugo, start: (nodes) => startCentrifugo(centrifugo, nodes, redisUrl) },
    ],
    stop: () => servers.stop(),
  };
}
