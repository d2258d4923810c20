// The few commands that the stores need of Redis, alone, behind Sentinel or as a cluster; and which of its errors mean that it is away.
import { createHash } from 'node:crypto';
import { ErrorReply } from 'redis';
import { StoreUnavailable } from '../../ports/room-log.ts';

interface EvalOptions {
  readonly keys: string[];
  readonly arguments: string[];
}

/** What a client, a cluster and a sentinel of node-redis have in common. */
export interface RedisCommands {
  eval(script: string, options: EvalOptions): Promise<unknown>;
  evalSha(sha1: string, options: EvalOptions): Promise<unknown>;
  get(key: string): Promise<string | null>;
  set(key: string, value: string, options?: { readonly condition: 'NX' }): Promise<string | null>;
  hGetAll(key: string): Promise<Record<string, string>>;
  sSubscribe(channel: string, listener: (message: string) => void): Promise<void>;
  sUnsubscribe(channel: string): Promise<void>;
}

/** More keys in one script would keep Redis from everything else for too long. */
const KEYS_AT_ONCE = 500;

/** The places of items in their list, in groups of one partition, each small enough for one script. */
export function byPartition<T>(
  items: readonly T[],
  partitionOf: (item: T) => number,
): readonly (readonly number[])[] {
  const groups: number[][] = [];
  const open = new Map<number, number[]>();
  for (const [place, item] of items.entries()) {
    const partition = partitionOf(item);
    let group = open.get(partition);
    if (group === undefined || group.length === KEYS_AT_ONCE) {
      group = [];
      groups.push(group);
      open.set(partition, group);
    }
    group.push(place);
  }
  return groups;
}

/**
 * Asks for each group. Of a cluster a part may be away, which must not keep from the rest.
 * Rejects with `StoreUnavailable` where there is no answer at all
 */
export async function askEach(
  groups: readonly (readonly number[])[],
  ask: (places: readonly number[]) => Promise<void>,
): Promise<void> {
  const asked = await Promise.allSettled(groups.map(ask));
  const errors = asked.flatMap((each) =>
    each.status === 'rejected' ? [each.reason as Error] : [],
  );
  const fault = errors.find((error) => !(error instanceof StoreUnavailable));
  if (fault !== undefined) throw fault;
  const [first] = errors;
  if (first !== undefined && errors.length === groups.length) throw first;
}

export interface Script {
  readonly text: string;
  readonly sha1: string;
}

export function scriptOf(text: string): Script {
  return { text, sha1: createHash('sha1').update(text).digest('hex') };
}

/** Runs a script atomically. All `keys` are of one partition. */
export async function runScript(
  redis: RedisCommands,
  { text, sha1 }: Script,
  keys: string[],
  args: string[],
): Promise<unknown> {
  const options = { keys, arguments: args };
  return orAway(async () => {
    try {
      return await redis.evalSha(sha1, options);
    } catch (error) {
      // A server that has just started, or taken over, does not know the script.
      if (!(error instanceof ErrorReply) || !error.message.startsWith('NOSCRIPT')) throw error;
      return redis.eval(text, options);
    }
  });
}

const AWAY_REPLIES =
  /^(LOADING|READONLY|CLUSTERDOWN|MASTERDOWN|TRYAGAIN|OOM|NOREPLICAS|BUSY|MISCONF|UNBLOCKED)\b/;

/** How long a command may wait for its answer: beyond it Redis counts as away, whether or not the command takes effect later. */
export const COMMAND_TIMEOUT_MS = 5_000;

/** Rejects with `StoreUnavailable` for whatever says that Redis is away, or cannot write now; a fault of ours stays what it is. */
export async function orAway<T>(call: () => Promise<T>): Promise<T> {
  let timeout: NodeJS.Timeout | undefined;
  const tooLate = new Promise<never>((_resolve, reject) => {
    // The client has a timeout of its own, but behind Sentinel it waits for a new master without end.
    timeout = setTimeout(() => reject(new Error('no answer in time')), COMMAND_TIMEOUT_MS);
  });
  try {
    return await Promise.race([call(), tooLate]);
  } catch (error) {
    if (error instanceof ErrorReply && !AWAY_REPLIES.test(error.message)) throw error;
    throw new StoreUnavailable('Redis', { cause: error });
  } finally {
    clearTimeout(timeout);
  }
}
