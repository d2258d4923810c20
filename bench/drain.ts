// A node with all its people is told to end, beside another one that takes them: how long it takes, and what of it they notice.
import { setTimeout as pause } from 'node:timers/promises';
import type { Report } from '../loadtest/report/report.ts';
import type { ScenarioInput } from '../loadtest/scenario/scenario.ts';
import { temporaryDir } from '../test/support/earshot-process.ts';
import { aside, flag, isQuick, listFlag } from './append-child.ts';
import { doubtsOf, faultsOf, latencyOf, type LatencyFigures } from './load-report.ts';
import { startLoadTest } from './load-test.ts';
import { OperationNode, makePlace, startSharedStores } from './operation-node.ts';

/** As long as few people have, and what a hub takes by itself for so many: what the other node has to take in a second decides on how long each waits. */
const WINDOWS_MS = listFlag('windows')?.map(Number) ?? (isQuick ? [500, 2_000] : [2_000, 10_000]);
const PEOPLE = flag('drained', 10_000, 500);
const PER_ROOM = 5;
const ARRIVALS_PER_SECOND = 200;
/** The generator shares the machine with both nodes: of all who listen so many run clock and player as well. */
const CLOCK_SHARE = 0.05;
const RAMP_SECONDS = 10;
/** Half of them begin on each node; the other half comes over in this time, which is not judged. */
const GATHER_SECONDS = isQuick ? 10 : 40;
/** After the node has been told: until all are back, and some time more. */
const BACK_SECONDS = isQuick ? 15 : 60;
const GATHERED_AFTER_MS = 2_000;

/** Who come and go at the other node meanwhile. */
const COMING_ROOMS = isQuick ? 5 : 20;
const COMING_PER_ROOM = 10;
/** They are told to end. */
const LONG_SECONDS = 900;
const LATELY_MS = 1_000;
/** A load test counts its seconds from when its people are sent: by so much later than it was started. */
const START_SECONDS = 10;

export interface Drain {
  readonly people: number;
  readonly rooms: number;
  readonly runs: readonly DrainRun[];
}

export interface DrainRun {
  /** In which those who are asked to leave do so. */
  readonly windowMs: number;
  /** Connections of the node when it was told. */
  readonly connections: number;
  /** From the signal until the process was gone, and its exit code. */
  readonly exitMs: number;
  readonly exitCode: number | null;
  /** From leaving, or losing the connection, to being back in the room on the other node. */
  readonly resume: LatencyFigures;
  /** From a message to each who hears it, from the signal until all were back and some time more. */
  readonly heard: LatencyFigures;
  readonly faults: number;
  readonly lost: number;
  readonly doubts: readonly string[];
  readonly coming: {
    readonly people: number;
    /** From the wish to come to being in the room, on the other node. */
    readonly join: LatencyFigures;
    /** The p99 of its worst second from the signal on, ms; null where nobody came. */
    readonly worstJoinMs: number | null;
    readonly faults: number;
    readonly lost: number;
    readonly doubts: readonly string[];
  };
}

function drained(): ScenarioInput {
  return {
    name: 'drain of the bench',
    groups: [
      {
        ...{ kind: 'rooms', rooms: PEOPLE / PER_ROOM, listeners: PER_ROOM, preset: 'friends' },
        ...{ tracks: 1, acts: { seek: 0.5, chat: 2 }, clockShare: CLOCK_SHARE },
      },
    ],
    arrivalsPerSecond: ARRIVALS_PER_SECOND,
    phases: [
      { name: 'ramp', seconds: RAMP_SECONDS, from: 0, load: 1 },
      { name: 'gather', seconds: GATHER_SECONDS, event: 'drain' },
      { name: 'drain', seconds: BACK_SECONDS, measured: true },
    ],
    settleSeconds: 5,
    thresholds: ['faults == 0', 'lost == 0'],
  };
}

const COMING: ScenarioInput = {
  name: 'those who come meanwhile',
  seed: 2,
  groups: [
    {
      ...{ kind: 'rooms', rooms: COMING_ROOMS, listeners: COMING_PER_ROOM, preset: 'friends' },
      ...{ staySeconds: 10, awaySeconds: 5, acts: { seek: 2, chat: 10 }, clockShare: CLOCK_SHARE },
    },
  ],
  phases: [
    { name: 'ramp', seconds: 2, from: 0, load: 1 },
    { name: 'come and go', seconds: LONG_SECONDS, measured: true },
  ],
  thresholds: [],
};

export async function measureDrain(): Promise<Drain> {
  const runs: DrainRun[] = [];
  for (const windowMs of WINDOWS_MS) {
    aside(`within ${windowMs} ms`);
    runs.push(await measureWindow(windowMs));
  }
  return { people: PEOPLE, rooms: PEOPLE / PER_ROOM, runs };
}

async function measureWindow(windowMs: number): Promise<DrainRun> {
  const scratch = await temporaryDir();
  const shared = await startSharedStores();
  const ends: (() => Promise<unknown>)[] = [() => scratch.remove(), () => shared.stop()];
  try {
    const start = async (more: Readonly<Record<string, string>>): Promise<OperationNode> => {
      const place = await makePlace({ ...shared.env, ...more });
      ends.push(() => place.remove());
      const node = await OperationNode.start(place);
      ends.push(() => node.end('SIGKILL'));
      return node;
    };
    const leaving = await start({ DRAIN_MS: String(windowMs), DRAIN_MAX_MS: '0' });
    const other = await start({});
    await leaving.hasTracks();
    return await rolled({ leaving, other, windowMs, dir: scratch.dir, ends });
  } finally {
    for (const end of ends.reverse()) await end();
  }
}

interface Stage {
  readonly leaving: OperationNode;
  readonly other: OperationNode;
  readonly windowMs: number;
  readonly dir: string;
  readonly ends: (() => Promise<unknown>)[];
}

/**
 * A generator may open no more sockets than `PEOPLE` and half of them on each node: the other node is told to end first and started anew, so that
 * all are on the one that is measured, and know where else to go.
 */
async function rolled({ leaving, other, windowMs, dir, ends }: Stage): Promise<DrainRun> {
  const urls = [leaving, other].map(({ url }) => url).join(',');
  const flags = ['--drain', String(other.pid)];
  const people = await startLoadTest(urls, dir, drained(), flags);
  ends.push(() => people.over());
  await Promise.race([people.report.then(tooSoon), other.exited]);
  const gatheredAt = performance.now() + GATHER_SECONDS * 1_000 + GATHERED_AFTER_MS;
  const again = await OperationNode.start(other.place);
  ends.push(() => again.end('SIGKILL'));
  await again.hasTracks();
  const comingAt = performance.now();
  const coming = await startLoadTest(again.url, dir, COMING);
  ends.push(() => coming.over());
  await Promise.race([people.report.then(tooSoon), pause(gatheredAt - performance.now())]);
  const connections = await leaving.connections();
  if (connections < PEOPLE) throw new Error(`only ${connections} people were on the node`);
  const toldAfter = (performance.now() - comingAt) / 1_000;
  const ended = await leaving.end('SIGTERM');
  const report = await people.report;
  await pause(LATELY_MS);
  coming.end();
  return runOf({ windowMs, connections, ended, report, came: await coming.report, toldAfter });
}

function tooSoon(): never {
  throw new Error('the load test ended before the node was told to');
}

function runOf({
  windowMs,
  connections,
  ended,
  report,
  came,
  toldAfter,
}: {
  readonly windowMs: number;
  readonly connections: number;
  readonly ended: Awaited<ReturnType<OperationNode['end']>>;
  readonly report: Report;
  readonly came: Report;
  /** When the node was told, s since those who come and go began. */
  readonly toldAfter: number;
}): DrainRun {
  return {
    ...{ windowMs, connections, exitMs: ended.tookMs, exitCode: ended.code },
    // Of the one measured phase: whoever came over before is not among them.
    ...{ resume: latencyOf(report, 'resume'), heard: latencyOf(report, 'chat.each') },
    ...{ faults: faultsOf(report), lost: report.counts.lost, doubts: doubtsOf(report) },
    coming: {
      people: COMING_ROOMS * COMING_PER_ROOM,
      join: latencyOf(came, 'join'),
      worstJoinMs: worstAfter(came, toldAfter),
      ...{ faults: faultsOf(came), lost: came.counts.lost, doubts: doubtsOf(came) },
    },
  };
}

/** Its first seconds pass until its people are sent, so that some of those before the signal may be among them, and none after it is left out. */
function worstAfter({ seconds }: Report, toldAfter: number): number | null {
  const worst = seconds
    .filter(({ atSeconds }) => atSeconds >= toldAfter - START_SECONDS)
    .flatMap(({ latencies }) => latencies['join']?.[1] ?? []);
  return worst.length === 0 ? null : Math.max(...worst);
}
