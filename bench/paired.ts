// Two ways of running a node, each in its turn over several rounds of one run, as the ratio of what a delivered frame costs.
import { setTimeout as pause } from 'node:timers/promises';
import type { ScenarioInput } from '../loadtest/scenario/scenario.ts';
import { aside, flag, isQuick } from './append-child.ts';
import { startLoadTest } from './load-test.ts';
import type { OperationNode } from './operation-node.ts';
import { pairedOf, type Cost, type PairLoad, type Paired } from './paired-figures.ts';
import { cpuOf, rise, usageOf } from './usage.ts';

const PAIR_ROUNDS = flag('pairs', 5, 2);
const WINDOW_SECONDS = flag('window', 20, 5);
const ROOMS = isQuick ? 20 : 60;
const PER_ROOM = 10;
const CHATS_A_MINUTE = 240;
/** After all have connected, until the rate is even. */
const EVEN_MS = 5_000;
const LONG_SECONDS = 600;
/** Longer than what the last ones bring about. */
const QUIET_MS = 2_000;

const LOAD: PairLoad = {
  rooms: ROOMS,
  people: ROOMS * PER_ROOM,
  messagesPerSecond: (ROOMS * CHATS_A_MINUTE) / 60,
  windowSeconds: WINDOW_SECONDS,
};

export interface Way {
  readonly name: string;
  readonly node: OperationNode;
  readonly flags?: readonly string[];
  /** Begins what is done beside the load, and answers with its end. */
  readonly beside?: (node: OperationNode) => () => void;
}

const CROWD: ScenarioInput = {
  name: 'pair of the bench',
  groups: [
    {
      ...{ kind: 'rooms', rooms: ROOMS, listeners: PER_ROOM, preset: 'friends' },
      ...{ acts: { chat: CHATS_A_MINUTE }, chatBytes: 200, clockShare: 0 },
    },
  ],
  phases: [
    { name: 'ramp', seconds: 3, from: 0, load: 1 },
    { name: 'steady', seconds: LONG_SECONDS, measured: true },
  ],
  settleSeconds: 1,
  thresholds: [],
};

/** A B B A A B …: what gets slowly better or worse meets both. */
export async function measurePaired(first: Way, second: Way, dir: string): Promise<Paired> {
  await measureCost(first, dir);
  await measureCost(second, dir);
  const rounds: [Cost, Cost][] = [];
  while (rounds.length < PAIR_ROUNDS) {
    const isTurned = rounds.length % 2 === 1;
    const one = await measureCost(isTurned ? second : first, dir);
    const other = await measureCost(isTurned ? first : second, dir);
    rounds.push(isTurned ? [other, one] : [one, other]);
    aside(
      `a frame: ${
        rounds
          .at(-1)
          ?.map((cost) => `${cost.usPerFrame.toFixed(2)} µs`)
          .join(', ') ?? ''
      }`,
    );
  }
  return pairedOf([first.name, second.name], LOAD, rounds);
}

async function measureCost({ node, flags = [], beside }: Way, dir: string): Promise<Cost> {
  const people = ROOMS * PER_ROOM;
  // The load test would ask for metrics each second as well.
  const crowd = await startLoadTest(node.url, dir, CROWD, ['--no-watch', ...flags]);
  let end: (() => void) | undefined;
  try {
    await node.hasConnections(people);
    await pause(EVEN_MS);
    end = beside?.(node);
    const before = await framesAndUsage(node);
    await pause(WINDOW_SECONDS * 1_000);
    const after = await framesAndUsage(node);
    const cpuUs = cpuOf(rise(before.usage, after.usage));
    const frames = after.frames - before.frames;
    const seconds = (after.atMs - before.atMs) / 1_000;
    return {
      usPerFrame: cpuUs / frames,
      framesPerSecond: frames / seconds,
      share: cpuUs / 1e6 / seconds,
    };
  } finally {
    end?.();
    crowd.end();
    await crowd.report;
    await pause(QUIET_MS);
  }
}

async function framesAndUsage(node: OperationNode) {
  const figures = await node.figures();
  const of = (name: string): number => figures.get(`earshot_frames_${name}_total`) ?? NaN;
  const frames = of('sent') + of('buffered');
  return { frames, usage: await usageOf(node.pid), atMs: performance.now() };
}
