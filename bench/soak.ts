// A node under half of what it holds for a long time, while people come and go: what it takes, and whether it gives it back.
import { setTimeout as pause } from 'node:timers/promises';
import { isGeneratorsLimit } from '../loadtest/verdict.ts';
import type { Report } from '../loadtest/report/report.ts';
import type { ScenarioInput } from '../loadtest/scenario/scenario.ts';
import { temporaryDir } from '../test/support/earshot-process.ts';
import { aside, flag, isQuick } from './append-child.ts';
import { startLoadTest } from './load-test.ts';
import { OperationNode, makePlace, startStores, type StoresName } from './operation-node.ts';
import { doubtsOf, faultsOf, latencyOf, type LatencyFigures } from './load-report.ts';
import { atRestOf, growthsOf, keptOf, type AtRest, type Growths } from './soak-verdict.ts';
import type { SoakSample } from './soak-verdict.ts';

const MINUTES = flag('minutes', 30, 1);
const SAMPLE_SECONDS = flag('sample', 10, 2);
/** Given, no limit is looked for. */
const LOAD = flag('load', NaN, 0.1);
const TRIAL_SECONDS = 10;
const MOST_LOAD = 8;
/**
 * So that half an hour later, where memory begins to be judged, all code is compiled that ever will be, and what is kept of who was here
 * lately is as much as it gets: by snapshots of the heap within one run of such a load, compiled code grew by 1.6 MB from minute 11 to
 * minute 21, and shrank by minute 31.
 */
const WARM_UP_SECONDS = isQuick ? 10 : 900;
/** The memory of an embedded database would be judged with the node's: it is Postgres' own, and takes what it may as its pages are touched. */
const STORES: StoresName = process.argv.includes('--embedded') ? 'embedded' : 'shared';

/** A queue keeps what was played until it is full: it is after a few minutes. */
const MAX_QUEUE_ENTRIES = 60;
/** Who have left are forgotten after this; what else they have brought about ends by itself. */
const FORGOTTEN_SECONDS = 240;
const QUIET_SECONDS = isQuick ? 5 : 60;
const REST_SAMPLES = 5;
const REST_SAMPLE_MS = 1_000;
const ARRIVALS_PER_SECOND = 200;
const RAMP_SECONDS = 10;
const SETTLE_SECONDS = 5;
/** The generator shares the machine with the hub: of all who listen so many run clock and player as well. */
const CLOCK_SHARE = 0.1;
const HELD = ['faults == 0', 'refused == 0', 'lost == 0', 'stalls == 0'];
/** Of a short trial's few commands the p99 would be the slowest one. */
const IN_TIME = ['command.last p95 <= 250', 'join p99 <= 1000'];

export interface Soak extends Growths {
  readonly stores: StoresName;
  readonly minutes: number;
  readonly sampleSeconds: number;
  readonly load: number;
  /** Undefined where the load was given. */
  readonly limit: Limit | undefined;
  /** The most that were there at a time. */
  readonly people: number;
  readonly rooms: number;
  /** Came in all, and left before the end. */
  readonly joined: number;
  readonly left: number;
  readonly before: AtRest;
  readonly after: AtRest;
  /** The seconds of the second half. */
  readonly judged: readonly [from: number, to: number];
  readonly kept: readonly string[];
  readonly faults: number;
  readonly lost: number;
  readonly doubts: readonly string[];
  readonly join: LatencyFigures;
  readonly last: LatencyFigures;
  readonly samples: readonly SoakSample[];
}

export interface Limit {
  readonly load: number;
  readonly people: number;
  /** The generator gave way before the hub did. */
  readonly isOfGenerator: boolean;
  readonly gaveWay: readonly string[];
}

/**
 * What a load of 1 is: parties where people come and go, others who hardly stay, a stadium, and people who listen alone. A room keeps its last
 * revisions in memory for those who resume, its last messages for those who come, and what was played: enough is done that all of it is full
 * before memory is judged. More is skipped than queued, and nothing is repeated: what was played makes room, and no queue refuses more.
 */
function scenario(
  name: string,
  load: number,
  seconds: number,
  thresholds: readonly string[],
): ScenarioInput {
  const clockShare = CLOCK_SHARE;
  return {
    name,
    groups: [
      {
        ...{ kind: 'rooms', rooms: 60, listeners: 5, preset: 'friends', clockShare },
        ...{ staySeconds: 40, awaySeconds: 10, repeat: 'off' },
        acts: {
          ...{ play: 6, pause: 2, seek: 20, skip: 10 },
          ...{ queue: 8, vote: 2, chat: 24, reaction: 6 },
        },
      },
      {
        ...{ kind: 'rooms', rooms: 20, listeners: 10, preset: 'friends', clockShare },
        ...{ staySeconds: 15, awaySeconds: 5 },
        acts: { seek: 1, chat: 24 },
      },
      {
        ...{ kind: 'rooms', rooms: 1, listeners: 300, grows: 'listeners', preset: 'radio' },
        ...{ clockShare, acts: { seek: 60, chat: 30, reaction: 120 } },
      },
      { kind: 'feed', people: 100, meanFriends: 8, playsPerMinute: 1 },
    ],
    arrivalsPerSecond: ARRIVALS_PER_SECOND,
    phases: [
      { name: 'ramp', seconds: RAMP_SECONDS, from: 0, load },
      { name: 'steady', seconds, load, measured: true },
    ],
    settleSeconds: SETTLE_SECONDS,
    thresholds: [...thresholds],
  };
}

async function onNode<T>(measure: (node: OperationNode, dir: string) => Promise<T>): Promise<T> {
  const scratch = await temporaryDir();
  const stores = await startStores(STORES);
  try {
    const place = await makePlace({
      ...stores.env,
      MAX_QUEUE_ENTRIES: String(MAX_QUEUE_ENTRIES),
    });
    try {
      const node = await OperationNode.start(place, true);
      try {
        return await measure(node, scratch.dir);
      } finally {
        await node.end('SIGKILL');
      }
    } finally {
      await place.remove();
    }
  } finally {
    await stores.stop();
    await scratch.remove();
  }
}

/** The node's code is compiled after this. */
async function warmUp(
  node: OperationNode,
  dir: string,
  load: number,
  seconds = TRIAL_SECONDS,
): Promise<void> {
  const run = await startLoadTest(
    node.url,
    dir,
    scenario('warm up of the soak', load, seconds, []),
  );
  await run.report;
}

/** Of a node of its own: what it took to find it is no part of the long run. */
function findLimit(): Promise<Limit> {
  return onNode(async (node, dir) => {
    await node.hasTracks();
    await warmUp(node, dir, 1);
    const wanted = scenario('limit of the soak', 1, TRIAL_SECONDS, [...HELD, ...IN_TIME]);
    const flags = ['--find-limit', '--most-load', String(MOST_LOAD)];
    const { limit } = await (await startLoadTest(node.url, dir, wanted, flags)).report;
    if (limit === null) throw new Error('the load test looked for no limit');
    if (limit.load <= 0) throw new Error(`no load was held: ${limit.gaveWay.join('; ')}`);
    const { load, gaveWay, trials } = limit;
    return {
      ...{ load, gaveWay },
      people: Math.max(
        ...trials.filter(({ verdict }) => verdict === 'held').map((trial) => trial.people),
      ),
      isOfGenerator: isGeneratorsLimit(limit),
    };
  });
}

/** Collects the garbage once, and looks then. */
async function sampleOf(node: OperationNode, startedAt: number): Promise<SoakSample> {
  const codeBytes = await node.collectOnce();
  const atSeconds = (performance.now() - startedAt) / 1_000;
  const [rssBytes, figures, ofDatabase] = await Promise.all([
    node.rssBytes(),
    node.figures(),
    node.ofDatabase(),
  ]);
  const of = (name: string): number => {
    const value = figures.get(name);
    if (value === undefined) throw new Error(`/metrics does not tell ${name}`);
    return value;
  };
  return {
    ...{ atSeconds, rssBytes, codeBytes },
    databaseFiles: ofDatabase.files,
    databaseConnections: ofDatabase.connections,
    takenBytes: of('nodejs_heap_size_total_bytes'),
    liveBytes: of('earshot_live_heap_bytes'),
    openFiles: of('process_open_fds') - ofDatabase.files - ofDatabase.connections,
    timers: of('earshot_timers'),
    resources: of('nodejs_active_resources_total') - ofDatabase.connections,
    rooms: of('earshot_rooms'),
    connections: of('earshot_connections'),
  };
}

/**
 * Samples at even distances until it is ended, each after a full collection: V8 does one by itself each few seconds or each few minutes, as it
 * likes, and between two of them what lives is not known, and resident memory is mostly garbage.
 */
class Sampler {
  readonly samples: SoakSample[] = [];
  readonly #node: OperationNode;
  readonly #startedAt: number;
  readonly #timer: ReturnType<typeof setInterval>;
  #failure: unknown;
  #isTaking = false;

  constructor(node: OperationNode, startedAt: number) {
    this.#node = node;
    this.#startedAt = startedAt;
    this.#timer = setInterval(() => void this.#take(), SAMPLE_SECONDS * 1_000);
  }

  async #take(): Promise<void> {
    // One that takes longer is no two, which would come together.
    if (this.#isTaking) return;
    this.#isTaking = true;
    try {
      this.samples.push(await sampleOf(this.#node, this.#startedAt));
    } catch (error) {
      this.#failure ??= error;
    } finally {
      this.#isTaking = false;
    }
  }

  /** @throws where the node once did not answer */
  end(): readonly SoakSample[] {
    clearInterval(this.#timer);
    if (this.#failure === undefined) return this.samples;
    const reason = this.#failure instanceof Error ? this.#failure.message : 'it did not answer';
    throw new Error(`the node could not be looked at: ${reason}`);
  }
}

/**
 * Once nobody is there any more, and what they have left is over; or, where that does not come about, after some minutes. Its garbage is collected:
 * without anything to do, it would lie there.
 */
async function atRest(node: OperationNode): Promise<AtRest> {
  const end = performance.now() + FORGOTTEN_SECONDS * 1_000;
  for (;;) {
    const figures = await node.figures();
    if (figures.get('earshot_rooms') === 0 && figures.get('earshot_connections') === 0) break;
    if (performance.now() > end) break;
    await pause(REST_SAMPLE_MS);
  }
  await pause(QUIET_SECONDS * 1_000);
  await node.collectGarbage();
  const samples: SoakSample[] = [];
  while (samples.length < REST_SAMPLES) {
    samples.push(await sampleOf(node, 0));
    await pause(REST_SAMPLE_MS);
  }
  return atRestOf(samples);
}

export async function measureSoak(): Promise<Soak> {
  const limit = Number.isNaN(LOAD) ? await findLimit() : undefined;
  const load = limit === undefined ? LOAD : limit.load / 2;
  return onNode(async (node, dir) => {
    await node.hasTracks();
    aside('warming up');
    await warmUp(node, dir, load, WARM_UP_SECONDS);
    const before = await atRest(node);
    if (before.rooms + before.connections > 0)
      throw new Error('rooms or connections were left before anything was measured');
    const startedAt = performance.now();
    const sampler = new Sampler(node, startedAt);
    const long = scenario('soak of the bench', load, MINUTES * 60, [...HELD, ...IN_TIME]);
    let report: Report;
    let samples: readonly SoakSample[];
    let after: AtRest;
    try {
      report = await (await startLoadTest(node.url, dir, long)).report;
      after = await atRest(node);
    } finally {
      samples = sampler.end();
    }
    const people = Math.max(...samples.map(({ connections }) => connections));
    const rampSeconds = Math.max(RAMP_SECONDS, people / ARRIVALS_PER_SECOND);
    const [from, to] = [rampSeconds + MINUTES * 30, rampSeconds + MINUTES * 60];
    const judged = samples.filter(({ atSeconds }) => atSeconds >= from && atSeconds < to);
    return {
      ...{ stores: STORES, minutes: MINUTES, sampleSeconds: SAMPLE_SECONDS, load, limit, people },
      rooms: Math.max(...samples.map((sample) => sample.rooms)),
      ...{ joined: report.counts.joined, left: report.counts.left },
      ...{ before, after, judged: [from, to] },
      ...growthsOf(judged),
      kept: keptOf(before, after),
      ...{ faults: faultsOf(report), lost: report.counts.lost, doubts: doubtsOf(report) },
      ...{ join: latencyOf(report, 'join'), last: latencyOf(report, 'command.last') },
      samples,
    };
  });
}
