// How soon a node that was killed is ready again, with all that people have left in its stores.
import { setTimeout as pause } from 'node:timers/promises';
import type { ScenarioInput } from '../loadtest/scenario/scenario.ts';
import { temporaryDir } from '../test/support/earshot-process.ts';
import { aside, flag, isQuick, median } from './append-child.ts';
import { startLoadTest } from './load-test.ts';
import {
  OperationNode,
  makePlace,
  startStores,
  type NodePlace,
  type StoresName,
} from './operation-node.ts';

const ROUNDS = flag('restarts', 7, 2);
const ROOMS = flag('rooms', 1_000, 50);
const PER_ROOM = 3;
const FILL_SECONDS = isQuick ? 5 : 20;
/** Who are there when it is killed: what they do is not yet tidied away. */
const BUSY_ROOMS = isQuick ? 10 : 100;
const BUSY_MS = isQuick ? 4_000 : 8_000;
const LONG_SECONDS = 600;
const STORES: readonly StoresName[] = ['embedded', 'shared'];

export interface Restart {
  readonly rooms: number;
  readonly people: number;
  readonly busyPeople: number;
  readonly stores: readonly RestartOf[];
}

export interface RestartOf {
  readonly stores: StoresName;
  /** On stores that are empty: the database and its tables are made. */
  readonly firstMs: number;
  /** After a kill, each. */
  readonly killed: readonly number[];
  readonly medianMs: number;
  readonly worstMs: number;
}

function crowd(name: string, rooms: number, seconds: number): ScenarioInput {
  return {
    name,
    groups: [
      {
        ...{ kind: 'rooms', rooms, listeners: PER_ROOM, preset: 'friends', tracks: 5 },
        ...{ acts: { seek: 2, skip: 0.5, queue: 2, chat: 10 }, clockShare: 0 },
      },
    ],
    phases: [
      { name: 'ramp', seconds: 2, from: 0, load: 1 },
      { name: 'steady', seconds, measured: true },
    ],
    thresholds: [],
  };
}

export async function measureRestart(): Promise<Restart> {
  const stores: RestartOf[] = [];
  for (const name of STORES) {
    aside(name);
    stores.push(await measureOn(name));
  }
  return {
    ...{ rooms: ROOMS, people: ROOMS * PER_ROOM, busyPeople: BUSY_ROOMS * PER_ROOM },
    stores,
  };
}

async function measureOn(name: StoresName): Promise<RestartOf> {
  const scratch = await temporaryDir();
  const stores = await startStores(name);
  try {
    const place = await makePlace(stores.env);
    try {
      return { stores: name, ...(await measureAt(place, scratch.dir)) };
    } finally {
      await place.remove();
    }
  } finally {
    await stores.stop();
    await scratch.remove();
  }
}

async function measureAt(place: NodePlace, dir: string): Promise<Omit<RestartOf, 'stores'>> {
  let node = await OperationNode.start(place);
  const firstMs = node.readyMs;
  try {
    await node.hasTracks();
    const all = crowd('those of before', ROOMS, FILL_SECONDS);
    // Their rooms stay, and nobody is in them.
    await (
      await startLoadTest(node.url, dir, all, ['--keep-rooms'])
    ).report;
    const killed: number[] = [];
    while (killed.length < ROUNDS) {
      await killBusy(node, dir);
      node = await OperationNode.start(place);
      killed.push(node.readyMs);
      aside(`ready after ${node.readyMs.toFixed(0)} ms`);
    }
    return { firstMs, killed, medianMs: median(killed), worstMs: Math.max(...killed) };
  } finally {
    await node.end('SIGKILL');
  }
}

/** In the midst of what people do there. */
async function killBusy(node: OperationNode, dir: string): Promise<void> {
  await node.hasTracks();
  const busy = await startLoadTest(
    node.url,
    dir,
    crowd('those who are there', BUSY_ROOMS, LONG_SECONDS),
  );
  try {
    await node.hasConnections(BUSY_ROOMS * PER_ROOM);
    await pause(BUSY_MS);
    await node.end('SIGKILL');
  } finally {
    await busy.over();
  }
}
