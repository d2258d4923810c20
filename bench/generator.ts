// `npm run bench:generator`: how many frames the load test can take from one process, beside a crowd on the package ws that only counts; how many
// connections it holds; and whether it finds the one frame in a million that is not as it should be. The hub is real; a gateway
// multiplies what it tells, so that the sending of it costs as little as can be.
import { execSync } from 'node:child_process';
import { setTimeout as pause } from 'node:timers/promises';
import type { Report } from '../loadtest/report/report.ts';
import type { ScenarioInput } from '../loadtest/scenario/scenario.ts';
import { temporaryDir } from '../test/support/earshot-process.ts';
import { Child, aside, flag, heading, isQuick, listFlag, row, say } from './append-child.ts';
import { BenchHub } from './append-hub.ts';
import { benchToken } from './bench-token.ts';
import { FAULTS, type Fault, type GatewayOrder, type GatewayReport } from './crowd-gateway.ts';
import { SI } from './curve-tables.ts';
import { startLoadTest } from './load-test.ts';
import { writeReport } from './report.ts';
import { rise, usageOf } from './usage.ts';
import type { CrowdOrder, CrowdReport } from './ws-crowd.ts';

const LISTENERS = isQuick ? 500 : 3_000;
/** A seek is told at once, whatever else is told: so many frames reach each listener in a second. */
const SEEKS_PER_SECOND = 50;
const RAMP_SECONDS = isQuick ? 3 : 8;
const STEADY_SECONDS = flag('seconds', 20, 6);
/** How many frames the gateway sends in one write: those of so many milliseconds. */
const GATHERS_MS = [0, 100];
const THREADS = [1, 2];
const CLOCK_SHARE = 0.01;
/** The frame that is made wrong, of all. */
const WRONG_FRAME = isQuick ? 100_000 : 1_000_000;
/** A run for one fault takes no longer, however slow the machine is. */
const MOST_SECONDS = 120;
/** What a process needs besides its sockets. */
const OTHER_FILES = 400;
const MOST_CONNECTIONS = 20_000;
/** More clocks than this and one thread has no time left to read what comes as it comes. */
const HOLDING_CLOCK_SHARE = 0.1;
const PARTS = ['frames', 'connections', 'faults'];

interface Taking {
  readonly who: string;
  readonly threads: number;
  readonly gatherMs: number;
  readonly framesPerSecond: number;
  /** A hub that is late tells several in one frame; NaN where nobody looks into it. */
  readonly revisionsPerFrame: number;
  /** Of the process that takes the frames, for each. */
  readonly userUs: number;
  readonly systemUs: number;
  /** Of the gateway, for each. */
  readonly gatewayUs: number;
  readonly faults: number;
  readonly lateP99Ms: number | null;
  /** Whether the load test believes its own figures. */
  readonly isValid: boolean;
}

function crowd(name: string, seconds: number): ScenarioInput {
  return {
    name,
    groups: [
      {
        ...{ kind: 'rooms', rooms: 1, listeners: LISTENERS, grows: 'listeners', preset: 'friends' },
        ...{ acts: { seek: 60 * SEEKS_PER_SECOND }, clockShare: CLOCK_SHARE },
      },
    ],
    arrivalsPerSecond: LISTENERS,
    phases: [
      { name: 'ramp', seconds: RAMP_SECONDS, from: 0, load: 1 },
      { name: 'steady', seconds, load: 1, measured: true },
    ],
    thresholds: [],
  };
}

type Gateway = Child<GatewayOrder, GatewayReport>;

interface Stage {
  readonly hub: BenchHub;
  readonly dir: string;
}

async function withGateway<T>(
  { hub }: Stage,
  order: Omit<Extract<GatewayOrder, { kind: 'open' }>, 'kind' | 'hubPort'>,
  use: (gateway: Gateway, url: string) => Promise<T>,
): Promise<T> {
  const gateway: Gateway = Child.fork('./crowd-gateway.js');
  try {
    const { port } = await gateway.ask({ kind: 'open', hubPort: hub.port, ...order }, 'opened');
    return await use(gateway, `127.0.0.1:${port}`);
  } finally {
    await gateway.end();
  }
}

interface Used {
  /** Of the process that takes the frames, µs in a second. */
  readonly userUs: number;
  readonly systemUs: number;
  /** Of the gateway, µs for each frame that it sent. */
  readonly gatewayUs: number;
}

/** In the middle of the steady phase. */
async function used(gateway: Gateway, pid: number): Promise<Used> {
  const [before, cpuBefore] = [await gateway.ask({ kind: 'count' }, 'counted'), await usageOf(pid)];
  const fromMs = performance.now();
  await pause(STEADY_SECONDS * 600);
  const [after, cpuAfter] = [await gateway.ask({ kind: 'count' }, 'counted'), await usageOf(pid)];
  const elapsedS = (performance.now() - fromMs) / 1_000;
  const { userUs, systemUs } = rise(cpuBefore, cpuAfter);
  return {
    userUs: userUs / elapsedS,
    systemUs: systemUs / elapsedS,
    gatewayUs: ((after.cpuMs - before.cpuMs) * 1_000) / (after.frames - before.frames),
  };
}

/** That the load test read and understood, whatever was sent. */
function takenBy({ seconds }: Report): number {
  const steady = seconds.filter(({ phase }) => phase === 1).slice(1, -1);
  return steady.reduce((sum, each) => sum + each.framesPerSecond, 0) / steady.length;
}

function byLoadTest(stage: Stage, gatherMs: number, threads: number): Promise<Taking> {
  return withGateway(stage, { gatherMs }, async (gateway, address) => {
    const test = await startLoadTest(
      `http://${address}`,
      stage.dir,
      crowd(`frames ${gatherMs} ${threads}`, STEADY_SECONDS),
      ['--threads', String(threads)],
    );
    await pause((RAMP_SECONDS + STEADY_SECONDS * 0.25) * 1_000 + 2_000);
    const { userUs, systemUs, gatewayUs } = await used(gateway, test.pid);
    const report = await test.report;
    const framesPerSecond = takenBy(report);
    return {
      ...{ who: 'the load test', threads, gatherMs, framesPerSecond, gatewayUs },
      ...{ userUs: userUs / framesPerSecond, systemUs: systemUs / framesPerSecond },
      revisionsPerFrame: (report.sent['revisions'] ?? 0) / (report.sent['frames'] ?? 0),
      faults: report.faults.reduce((sum, { count }) => sum + count, 0),
      lateP99Ms: report.generator.lateness.p99Ms,
      isValid: report.verdict !== 'invalid',
    };
  });
}

function byWs(stage: Stage, gatherMs: number): Promise<Taking> {
  return withGateway(stage, { gatherMs }, async (gateway, address) => {
    const roomId = await createRoom(stage.hub);
    const clients = Child.fork<CrowdOrder, CrowdReport>('./ws-crowd.js');
    try {
      await clients.ask(
        { kind: 'come', url: `ws://${address}`, roomId, people: LISTENERS },
        'came',
      );
      const trackId = await stage.hub.trackId();
      const seconds = STEADY_SECONDS * 1.5;
      const seek = { roomId, trackId, perSecond: SEEKS_PER_SECOND, seconds };
      const sought = gateway.ask({ kind: 'seek', ...seek }, 'sought');
      await pause(STEADY_SECONDS * 250);
      const figures = await takenMeanwhile(clients);
      await sought;
      return {
        ...{ who: 'ws, counting only', threads: 1, gatherMs, ...figures },
        ...{ revisionsPerFrame: NaN, gatewayUs: NaN, faults: 0, lateP99Ms: null, isValid: true },
      };
    } finally {
      await clients.end();
    }
  });
}

/** The gateway is busy with an order meanwhile: the crowd counts by itself. */
async function takenMeanwhile(
  clients: Child<CrowdOrder, CrowdReport>,
): Promise<Pick<Taking, 'framesPerSecond' | 'userUs' | 'systemUs'>> {
  const before = await clients.ask({ kind: 'count' }, 'counted');
  const fromMs = performance.now();
  await pause(STEADY_SECONDS * 600);
  const after = await clients.ask({ kind: 'count' }, 'counted');
  const frames = after.frames - before.frames;
  const { userUs, systemUs } = rise({ ...before, rssBytes: 0 }, { ...after, rssBytes: 0 });
  return {
    framesPerSecond: (frames * 1_000) / (performance.now() - fromMs),
    userUs: userUs / frames,
    systemUs: systemUs / frames,
  };
}

async function createRoom(hub: BenchHub): Promise<string> {
  const response = await fetch(`${hub.url}/v1/rooms`, {
    method: 'POST',
    headers: { authorization: `Bearer ${await benchToken(0)}`, 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'Crowd', preset: 'friends', visibility: 'unlisted' }),
  });
  return ((await response.json()) as { readonly id: string }).id;
}

async function measureFrames(stage: Stage): Promise<Taking[]> {
  const all: Taking[] = [];
  for (const gatherMs of GATHERS_MS) {
    all.push(await byWs(stage, gatherMs));
    for (const threads of THREADS) all.push(await byLoadTest(stage, gatherMs, threads));
  }
  say(
    `One room of ${SI(LISTENERS)} listeners, ${SEEKS_PER_SECOND} frames a second for each; the hub’s one socket is multiplied by a gateway on the same machine, which sends what came within some milliseconds in one write.`,
  );
  say('');
  say(
    heading([
      ...[
        'who listens',
        'threads',
        'gathered, ms',
        'frames a second',
        'revisions a frame',
        'user, µs a frame',
        'system',
      ],
      ...['the gateway, µs a frame', 'faults', 'acts late, p99, ms', 'trusts itself'],
    ]),
  );
  for (const of of all)
    say(
      row([
        ...[of.who, of.threads, of.gatherMs, SI(Math.round(of.framesPerSecond))],
        ...[of.revisionsPerFrame, of.userUs, of.systemUs, of.gatewayUs].map((us) =>
          Number.isNaN(us) ? '–' : us.toFixed(2),
        ),
        ...[of.faults, of.lateP99Ms?.toFixed(1) ?? '–', of.isValid ? 'yes' : 'NO'],
      ]),
    );
  say('');
  return all;
}

interface Holding {
  readonly connections: number;
  readonly joined: number;
  readonly faults: number;
  readonly lost: number;
  readonly kilobytesEach: number;
  readonly probeP99Ms: number | null;
}

/** On a hub, with no gateway between: as many as this machine’s limit of open files lets one process have. */
async function measureConnections({ hub, dir }: Stage): Promise<Holding> {
  const files = Number(execSync('ulimit -n', { encoding: 'utf8', shell: '/bin/sh' }));
  const most = isQuick ? 1_000 : MOST_CONNECTIONS;
  const connections = Math.min(most, Math.floor((files - OTHER_FILES) / 10) * 10);
  const scenario: ScenarioInput = {
    name: 'connections',
    groups: [
      {
        ...{ kind: 'rooms', rooms: connections / 10, listeners: 10, acts: { seek: 0.2 } },
        clockShare: HOLDING_CLOCK_SHARE,
      },
    ],
    // Whoever comes looks at the clock often at first: faster, and one thread has no time left for its own.
    arrivalsPerSecond: 200,
    phases: [
      { name: 'ramp', seconds: 10, from: 0, load: 1 },
      { name: 'steady', seconds: isQuick ? 5 : 30, measured: true },
    ],
    thresholds: [],
  };
  const test = await startLoadTest(hub.url, dir, scenario, ['--threads', '1']);
  const report = await test.report;
  const seconds = report.seconds.filter(({ phase }) => phase === 1);
  const rssBytes = Math.max(...seconds.map((second) => second.rssBytes));
  const idle = Math.min(...report.seconds.map((second) => second.rssBytes));
  const joined = Math.max(...seconds.map((second) => second.joined));
  const holding: Holding = {
    ...{ connections, joined, lost: report.counts.lost },
    faults: report.faults.reduce((sum, { count }) => sum + count, 0),
    kilobytesEach: (rssBytes - idle) / connections / 1_024,
    probeP99Ms: report.latencies['probe']?.p99Ms ?? null,
  };
  say(
    `One process with one thread held ${SI(joined)} of ${SI(connections)} listeners${connections < most ? ` (this machine lets a process open ${SI(files)} files)` : ''} in rooms of ten, each tenth with the clock and the player of a client: ${holding.kilobytesEach.toFixed(1)} KB each, ${holding.faults} faults, ${holding.lost} lost.`,
  );
  say('');
  return holding;
}

interface Found {
  readonly fault: Fault;
  readonly frames: number;
  readonly named: readonly string[];
}

async function measureFaults(stage: Stage): Promise<Found[]> {
  const all: Found[] = [];
  for (const fault of FAULTS) {
    const order = { gatherMs: 100, fault: { kind: fault, frame: WRONG_FRAME } };
    all.push(
      await withGateway(stage, order, async (gateway, address): Promise<Found> => {
        const scenario = crowd(`fault ${fault}`, MOST_SECONDS);
        const test = await startLoadTest(`http://${address}`, stage.dir, scenario);
        const untilMs = performance.now() + MOST_SECONDS * 1_000;
        const sent = async (): Promise<number> =>
          (await gateway.ask({ kind: 'count' }, 'counted')).frames;
        // And some more, so that what came after it tells.
        while ((await sent()) < 1.2 * WRONG_FRAME && performance.now() < untilMs) await pause(500);
        test.end();
        const report = await test.report;
        return { fault, frames: report.counts.framesReceived, named: namesOf(report) };
      }),
    );
  }
  say(`One frame of all, number ${SI(WRONG_FRAME)}, made wrong on its way:`);
  say('');
  say(heading(['what was done to it', 'frames received', 'what the load test says']));
  for (const { fault, frames, named } of all)
    say(row([fault, SI(frames), named.join(', ') || 'NOTHING']));
  say('');
  return all;
}

function namesOf({ faults }: Report): string[] {
  return faults.map(({ kind, stream, count }) => `${count} ${stream} ${kind.replaceAll('_', ' ')}`);
}

async function main(): Promise<void> {
  const parts = listFlag('only') ?? PARTS;
  const scratch = await temporaryDir();
  const hub = await BenchHub.startEmbedded();
  const stage: Stage = { hub, dir: scratch.dir };
  try {
    await hub.trackId();
    const frames = parts.includes('frames') ? await measureFrames(stage) : undefined;
    const faults = parts.includes('faults') ? await measureFaults(stage) : undefined;
    const connections = parts.includes('connections') ? await measureConnections(stage) : undefined;
    aside('');
    await writeReport('generator', { listeners: LISTENERS, frames, faults, connections });
    const unseen = faults?.filter(({ named }) => named.length === 0) ?? [];
    if (unseen.length > 0)
      throw new Error(`not found: ${unseen.map(({ fault }) => fault).join(', ')}`);
  } finally {
    await hub.stop();
    await scratch.remove();
  }
}

await main();
