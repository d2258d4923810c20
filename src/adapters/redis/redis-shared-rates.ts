// Token buckets in Redis, one script a taking. A Redis that is away or slow limits nobody: each node's own buckets still do.
import type { RateLimit } from '../../domain/rate-limit.ts';
import type { Log } from '../../ports/log.ts';
import type { Metrics } from '../../ports/metrics.ts';
import { StoreUnavailable } from '../../ports/room-log.ts';
import type { SharedRates } from '../../ports/shared-rates.ts';
import { runScript, scriptOf, type RedisCommands } from './redis-commands.ts';
import type { RedisKeys } from './redis-keys.ts';

/** Somebody waits for the answer behind it. */
const PATIENCE_MS = 250;
/** After it did not answer, Redis is not asked for so long: else each who comes would wait in vain. */
const PAUSE_MS = 1_000;

/**
 * By the clock of the server, which is one for all nodes. A bucket that is full again is forgotten by itself.
 * KEYS: bucket. ARGV: tokens a millisecond; burst; cost. Answers the wait in ms.
 */
const TAKE = scriptOf(`
local perMs, burst, cost = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local kept = redis.call('HMGET', KEYS[1], 'tokens', 'at')
local tokens, at = tonumber(kept[1]) or burst, tonumber(kept[2]) or now
tokens = math.min(burst, tokens + math.max(0, now - at) * perMs)
if tokens < cost then return math.ceil((cost - tokens) / perMs) end
tokens = math.min(burst, tokens - cost)
redis.call('HSET', KEYS[1], 'tokens', string.format('%.6f', tokens), 'at', string.format('%d', math.max(now, at)))
redis.call('PEXPIRE', KEYS[1], math.ceil((burst - tokens) / perMs) + 1)
return 0
`);

export class RedisSharedRates implements SharedRates {
  readonly #redis: RedisCommands;
  readonly #keys: RedisKeys;
  readonly #localNow: () => number;
  readonly #patienceMs: number;
  readonly #log: Log;
  #pausedUntil = -Infinity;
  #unasked = 0;

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
  }

  async take(
    kind: string,
    key: string,
    { perSecond, burst }: RateLimit,
    cost: number,
  ): Promise<number | undefined> {
    if (this.#localNow() < this.#pausedUntil) {
      this.#unasked += 1;
      return undefined;
    }
    const args = [perSecond / 1_000, burst, cost].map(String);
    const asked = runScript(this.#redis, TAKE, [this.#keys.rate(kind, key)], args);
    const answer = await this.#inTime(asked);
    if (typeof answer === 'number') return answer;
    this.#pausedUntil = this.#localNow() + PAUSE_MS;
    this.#unasked += 1;
    return undefined;
  }

  /** Undefined for what failed, and for what comes too late. */
  async #inTime(asked: Promise<unknown>): Promise<unknown> {
    let timeout: NodeJS.Timeout | undefined;
    const tooLate = new Promise<undefined>((resolve) => {
      // After a standstill of this process timers come first: an answer that is there already is read before it is given up.
      timeout = setTimeout(() => setImmediate(() => resolve(undefined)), this.#patienceMs);
    });
    const answered = asked.catch((error: unknown) => {
      // What is not about reaching it is a fault of ours.
      if (!(error instanceof StoreUnavailable))
        this.#log.error({ err: error }, 'a limit of all nodes could not be asked for');
      return undefined;
    });
    const answer = await Promise.race([answered, tooLate]);
    clearTimeout(timeout);
    return answer;
  }
}
