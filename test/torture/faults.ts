// What can go wrong with nodes, their servers and the networks between them, each fault with its own healing. Knows no client.
import type { SeededRandom } from '../support/seeded-random.ts';
import type { FaultProxy } from './fault-proxy.ts';
import type { Node, RedisKind, Stage } from './stage.ts';
import { pause } from './until.ts';

export interface Circumstances {
  readonly stage: Stage;
  readonly random: SeededRandom;
  /** In the short run: long faults last a few seconds. */
  readonly isShort: boolean;
}

export interface Fault {
  /** Undefined: with either. */
  readonly redis: RedisKind | undefined;
  /** Resolves when it is over and healed. @returns what was struck, for people */
  readonly strike: (circumstances: Circumstances) => Promise<string>;
}

/** How long a restarted server may have been down, ms. */
const DOWN_MS = 4_000;

const seconds = (random: SeededRandom, least: number, most: number): number =>
  1_000 * (least + random.next() * (most - least));

async function struckNode(
  { stage, random }: Circumstances,
  strike: (node: Node) => Promise<void>,
): Promise<string> {
  const node = random.pick(stage.nodes);
  await strike(node);
  return node.name;
}

/** Only where there is a network of its own between each node and Redis. */
function redisNetwork({ redis }: Stage, node: number): FaultProxy {
  const proxy = redis.kind === 'single' ? redis.proxies[node] : undefined;
  if (proxy === undefined) throw new Error('there is no such network');
  return proxy;
}

async function struckNetwork(
  { stage, random }: Circumstances,
  strike: (proxy: FaultProxy) => void,
  lastsMs: number,
): Promise<string> {
  const index = random.int(stage.nodes.length);
  const proxy = redisNetwork(stage, index);
  strike(proxy);
  await pause(lastsMs);
  proxy.heal();
  return `between node ${index} and Redis for ${Math.round(lastsMs)} ms`;
}

async function restartRedis(
  { stage, random }: Circumstances,
  meanwhile: (process: Extract<Stage['redis'], { kind: 'single' }>['process']) => Promise<void>,
): Promise<string> {
  if (stage.redis.kind !== 'single') throw new Error('Sentinel restarts these');
  const { process } = stage.redis;
  const downMs = random.next() * DOWN_MS;
  await process.kill();
  await meanwhile(process);
  await pause(downMs);
  await process.start();
  return `down for ${Math.round(downMs)} ms`;
}

async function struckPostgres(
  { stage }: Circumstances,
  lastsMs: number,
  strike: (proxy: FaultProxy) => void,
): Promise<string> {
  strike(stage.postgres);
  await pause(lastsMs);
  stage.postgres.heal();
  return `for ${Math.round(lastsMs)} ms`;
}

function failOver({ stage }: Circumstances, frozenMs: number): Promise<void> {
  if (stage.redis.kind !== 'sentinel') throw new Error('nobody would take over');
  const { pair } = stage.redis;
  const over = async (): Promise<void> => {
    if (frozenMs > 0) await pair.freezeReplication();
    await pause(frozenMs);
    await pair.failOver();
  };
  return over();
}

export const FAULTS = {
  'node-kill': {
    redis: undefined,
    strike: (c) =>
      struckNode(c, async (node) => {
        await node.kill();
        await pause(seconds(c.random, 0, 4));
        await node.start();
      }),
  },
  'node-freeze': {
    redis: undefined,
    strike: (c) =>
      struckNode(c, async (node) => {
        node.freeze();
        await pause(c.isShort ? 4_000 : 10_000);
        node.thaw();
      }),
  },
  'redis-restart': { redis: 'single', strike: (c) => restartRedis(c, () => Promise.resolve()) },
  'redis-restart-empty': {
    redis: 'single',
    strike: (c) => restartRedis(c, (redis) => redis.wipe()),
  },
  'redis-restart-older': {
    redis: 'single',
    strike: async (c) => {
      if (c.stage.redis.kind !== 'single') throw new Error('there is no such server');
      await c.stage.redis.process.remember();
      const ageMs = seconds(c.random, 1, 6);
      await pause(ageMs);
      const told = await restartRedis(c, (redis) => redis.setBack());
      return `${told}, set back by ${Math.round(ageMs)} ms`;
    },
  },
  'redis-half-replies': {
    redis: 'single',
    strike: async (c) => {
      const index = c.random.int(c.stage.nodes.length);
      const count = 1 + c.random.int(6);
      const proxy = redisNetwork(c.stage, index);
      proxy.cutReplies(count);
      await pause(seconds(c.random, 2, 4));
      proxy.heal();
      return `${count} to node ${index}`;
    },
  },
  'redis-cut': {
    redis: 'single',
    strike: (c) =>
      struckNetwork(c, (proxy) => proxy.cut(), seconds(c.random, 1, c.isShort ? 4 : 12)),
  },
  'redis-deaf': {
    redis: 'single',
    strike: (c) =>
      struckNetwork(c, (proxy) => proxy.hold('down'), seconds(c.random, 1, c.isShort ? 4 : 12)),
  },
  'redis-mute': {
    redis: 'single',
    strike: (c) =>
      struckNetwork(c, (proxy) => proxy.hold('up'), seconds(c.random, 1, c.isShort ? 4 : 12)),
  },
  'redis-slow': {
    redis: 'single',
    strike: (c) => struckNetwork(c, (proxy) => proxy.slow(60), seconds(c.random, 2, 6)),
  },
  'fail-over': {
    redis: 'sentinel',
    strike: async (c) => {
      await failOver(c, 0);
      return 'the master was killed';
    },
  },
  'fail-over-lost-tail': {
    redis: 'sentinel',
    strike: async (c) => {
      const frozenMs = seconds(c.random, 0.5, 3);
      await failOver(c, frozenMs);
      return `the replica had heard nothing for ${Math.round(frozenMs)} ms`;
    },
  },
  'postgres-away': {
    redis: undefined,
    strike: (c) => struckPostgres(c, c.isShort ? 5_000 : 60_000, (proxy) => proxy.cut()),
  },
  'postgres-slow': {
    redis: undefined,
    strike: (c) => struckPostgres(c, seconds(c.random, 3, 8), (proxy) => proxy.slow(150)),
  },
} as const satisfies Readonly<Record<string, Fault>>;

export type FaultName = keyof typeof FAULTS;

export const FAULT_NAMES = Object.keys(FAULTS) as readonly FaultName[];

/**
 * Those that may not come together, as both take what the other one leaves: while Redis has lost something, the nodes alone hold it, and
 * a node whose network is gone or who is dead cannot put it back. One of each pair is enough for the promise, both are not.
 */
export function mayMeet(a: FaultName, b: FaultName): boolean {
  return [a, b].some((name) => name === 'postgres-away' || name === 'postgres-slow') && a !== b;
}

export function faultsFor(redis: RedisKind): readonly FaultName[] {
  return FAULT_NAMES.filter((name) => {
    const only: RedisKind | undefined = FAULTS[name].redis;
    return only === undefined || only === redis;
  });
}
