// What a node takes of memory while nobody is there: as it settles, and with its garbage collected.
import { readFile } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { flag, isQuick } from './append-child.ts';
import { BenchHub, startServers } from './append-hub.ts';
import { figuresIn, type Figures } from './exposition.ts';
import { medianOf } from './rounds.ts';
import type { StoresName } from './operation-node.ts';

const ROUNDS = flag('idles', 3, 1);
/** Whatever a start has brought about is over. */
const SETTLE_SECONDS = flag('settle', isQuick ? 5 : 30);

export interface Idle {
  readonly rounds: number;
  readonly settleSeconds: number;
  readonly stores: readonly IdleOf[];
}

export interface IdleOf {
  readonly stores: StoresName;
  /** As it is after a while. */
  readonly settled: Weights;
  /** And then with its garbage collected. */
  readonly collected: Weights;
}

export interface Weights {
  readonly rssBytes: number;
  /** The share of what is shared with other processes is counted in parts; NaN where the system does not tell. */
  readonly pssBytes: number;
  readonly heapBytes: number;
  /** Buffers, and what lies outside of the heap otherwise. */
  readonly externalBytes: number;
}

export async function measureIdle(): Promise<Idle> {
  return {
    ...{ rounds: ROUNDS, settleSeconds: SETTLE_SECONDS },
    stores: [await measureOn('embedded'), await measureOn('shared')],
  };
}

async function measureOn(stores: StoresName): Promise<IdleOf> {
  const rounds: { readonly settled: Weights; readonly collected: Weights }[] = [];
  while (rounds.length < ROUNDS) rounds.push(await withHub(stores, weighed));
  return {
    stores,
    settled: medianOf(rounds.map(({ settled }) => settled)),
    collected: medianOf(rounds.map(({ collected }) => collected)),
  };
}

async function withHub<T>(stores: StoresName, run: (hub: BenchHub) => Promise<T>): Promise<T> {
  const servers = stores === 'shared' ? await startServers() : undefined;
  try {
    const hub =
      servers === undefined
        ? await BenchHub.startEmbedded()
        : await BenchHub.start('redis', servers);
    try {
      return await run(hub);
    } finally {
      await hub.stop();
    }
  } finally {
    await servers?.stop();
  }
}

async function weighed(hub: BenchHub): Promise<{ settled: Weights; collected: Weights }> {
  await hub.trackId();
  await pause(SETTLE_SECONDS * 1_000);
  const settled = await weightsOf(hub);
  await hub.memory();
  return { settled, collected: await weightsOf(hub) };
}

async function weightsOf({ pid, url }: BenchHub): Promise<Weights> {
  if (pid === undefined) throw new Error('the hub is not there');
  const figures: Figures = figuresIn(await (await fetch(`${url}/metrics`)).text());
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  const rollup = await readFile(`/proc/${pid}/smaps_rollup`, 'utf8').catch(() => '');
  return {
    rssBytes: kilobytesIn(status, 'VmRSS') * 1_024,
    pssBytes: kilobytesIn(rollup, 'Pss') * 1_024,
    heapBytes: figures.get('nodejs_heap_size_used_bytes') ?? NaN,
    externalBytes: figures.get('nodejs_external_memory_bytes') ?? NaN,
  };
}

function kilobytesIn(text: string, name: string): number {
  return Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(text)?.[1] ?? NaN);
}
