// Token buckets in Redis, one script a taking, or one for what many have taken. A Redis that is away or slow limits nobody: each node's
// own buckets still do.
import type { RateLimit } from '../../domain/rate-limit.ts';
import type { Log } from '../../ports/log.ts';
import type { Metrics } from '../../ports/metrics.ts';
import { StoreUnavailable } from '../../ports/room-log.ts';
import type { SharedRates } from '../../ports/shared-rates.ts';
import { askEach, byPartition, runScript, scriptOf, type RedisCommands } from './redis-commands.ts';
import type { RedisKeys } from './redis-keys.ts';

/** Somebody waits for the answer behind it. */
const PATIENCE_MS = 250;
/** After it did not answer, Redis is not asked for so long: else each who comes would wait in vain. */
const PAUSE_MS = 1_000;

/**
 * By the clock of the server, which is one for all nodes. A bucket that is full again is forgotten by itself.
 * ARGV: tokens a millisecond; burst.
 */
const BUCKETS = `
local perMs, burst = tonumber(ARGV[1]), tonumber(ARGV[2])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local function read(bucket)
  local kept = redis.call('HMGET', bucket, 'tokens', 'at')
  local tokens, at = tonumber(kept[1]) or burst, tonumber(kept[2]) or now
  return math.min(burst, tokens + math.max(0, now - at) * perMs), math.max(now, at)
end
local function keep(bucket, tokens, at)
  redis.call('HSET', bucket, 'tokens', string.format('%.6f', tokens), 'at', string.format('%d', at))
  redis.call('PEXPIRE', bucket, math.ceil((burst - tokens) / perMs) + 1)
end
`;

/** KEYS: bucket. ARGV: further the cost. Answers the wait in ms. */
const TAKE = scriptOf(`${BUCKETS}
local cost = tonumber(ARGV[3])
local tokens, at = read(KEYS[1])
if tokens < cost then return math.ceil((cost - tokens) / perMs) end
keep(KEYS[1], math.min(burst, tokens - cost), at)
return 0
`);

/** KEYS: buckets. ARGV: further what was taken from each. Answers the thousandths of a token that are left in each. */
const SETTLE = scriptOf(`${BUCKETS}
local left = {}
for i, bucket in ipairs(KEYS) do
  local tokens, at = read(bucket)
  tokens = tokens - tonumber(ARGV[2 + i])
  keep(bucket, tokens, at)
  left[i] = math.floor(tokens * 1000)
end
return left
`);

export class RedisSharedRates implements SharedRates {
  readonly #redis: RedisCommands;
  readonly #keys: RedisKeys;
  readonly #localNow: () => number;
  readonly #patienceMs: number;
  readonly #log: Log;
  #pausedUntil = -Infinity;
  #unasked = 0;
  #unsettled = 0;

  /** @param parts.localNow any monotonic clock, ms */
  constructor(parts: {
    readonly redis: RedisCommands;
    readonly keys: RedisKeys;
    readonly localNow: () => number;
    readonly metrics: Metrics;
    readonly log: Log;
    readonly patienceMs?: number;
  }) {
    this.#redis = parts.redis;
    this.#keys = parts.keys;
    this.#localNow = parts.localNow;
    this.#log = parts.log;
    this.#patienceMs = parts.patienceMs ?? PATIENCE_MS;
    parts.metrics.total(
      {
        name: 'earshot_shared_rates_unasked_total',
        help: 'Times that a limit of all nodes was not asked for, as Redis did not answer: the node’s own limit alone counted.',
      },
      () => this.#unasked,
    );
    parts.metrics.total(
      {
        name: 'earshot_shared_rates_unsettled_total',
        help: 'Times that what a person took of their rate was not told to the other nodes, as Redis did not answer: each node’s own limit alone counted.',
      },
      () => this.#unsettled,
    );
  }

  async take(
    kind: string,
    key: string,
    { perSecond, burst }: RateLimit,
    cost: number,
  ): Promise<number | undefined> {
    if (this.#isPaused) {
      this.#unasked += 1;
      return undefined;
    }
    const args = [perSecond / 1_000, burst, cost].map(String);
    const asked = runScript(this.#redis, TAKE, [this.#keys.rate(kind, key)], args);
    const answer = await this.#inTime(asked);
    if (typeof answer === 'number') return answer;
    this.#pause();
    this.#unasked += 1;
    return undefined;
  }

  async settle(
    kind: string,
    { perSecond, burst }: RateLimit,
    taken: ReadonlyMap<string, number>,
  ): Promise<ReadonlyMap<string, number>> {
    const left = new Map<string, number>();
    const all = [...taken];
    const ask = async (places: readonly number[]): Promise<void> => {
      const asked = places.flatMap((place) => all.slice(place, place + 1));
      const names = asked.map(([key]) => this.#keys.rate(kind, key));
      const args = [perSecond / 1_000, burst, ...asked.map(([, cost]) => cost)].map(String);
      const answer = (await runScript(this.#redis, SETTLE, names, args)) as readonly number[];
      for (const [i, [key]] of asked.entries()) left.set(key, (answer[i] ?? 0) / 1_000);
    };
    if (!this.#isPaused) {
      const groups = byPartition(all, ([key]) => this.#keys.ratePartitionOf(key));
      await askEach(groups, ask).catch((error: unknown) => {
        this.#tellFault(error);
        this.#pause();
      });
    }
    this.#unsettled += taken.size - left.size;
    return left;
  }

  get #isPaused(): boolean {
    return this.#localNow() < this.#pausedUntil;
  }

  #pause(): void {
    this.#pausedUntil = this.#localNow() + PAUSE_MS;
  }

  /** What is not about reaching Redis is a fault of ours. */
  #tellFault(error: unknown): void {
    if (!(error instanceof StoreUnavailable))
      this.#log.error({ err: error }, 'a limit of all nodes could not be asked for');
  }

  /** Undefined for what failed, and for what comes too late. */
  async #inTime(asked: Promise<unknown>): Promise<unknown> {
    let timeout: NodeJS.Timeout | undefined;
    const tooLate = new Promise<undefined>((resolve) => {
      // After a standstill of this process timers come first: an answer that is there already is read before it is given up.
      timeout = setTimeout(() => setImmediate(() => resolve(undefined)), this.#patienceMs);
    });
    const answered = asked.catch((error: unknown) => {
      this.#tellFault(error);
      return undefined;
    });
    const answer = await Promise.race([answered, tooLate]);
    clearTimeout(timeout);
    return answer;
  }
}
