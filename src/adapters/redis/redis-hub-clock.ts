// Hub time that all nodes share: the clock of Redis, seen through the estimator that clients use, and carried on when the server changes.
import type { HubMs } from '../../../protocol/ids.ts';
import { Corridor, type ClockReading } from '../../clock/corridor.ts';
import { ProbeSession } from '../../clock/probe-session.ts';
import type { HubClock } from '../../ports/hub-clock.ts';
import type { Log } from '../../ports/log.ts';
import type { Timers } from '../../ports/timers.ts';
import { AGREE, HUB_TIME } from './hub-time-scripts.ts';
import { runScript, type RedisCommands } from './redis-commands.ts';
import type { RedisKeys } from './redis-keys.ts';

/** How long a start waits for an estimate that is good to play by. */
const MAX_SETTLING_MS = 5_000;
const SETTLING_STEP_MS = 20;
/** Of so many readings of a new server's clock the fastest decides. */
const REBASE_READINGS = 5;
/** Who has just started does not know hub time yet: those who do come first. */
const STRANGER_WAITS_MS = 1_000;

export interface RedisHubClockOptions {
  readonly redis: RedisCommands;
  readonly keys: RedisKeys;
  readonly timers: Timers;
  readonly log: Log;
  /** A monotonic clock, ms, such as `performance.now`. */
  readonly localNow: () => number;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** Hub time is later than this where Redis knows of none, ms. */
  readonly notBefore: HubMs;
}

interface Reading {
  readonly t0: number;
  readonly t3: number;
  /** By the server's own clock, ms. */
  readonly serverMs: number;
  readonly run: string;
  readonly agreed: Agreement | undefined;
}

/** What the nodes have agreed on: hub time is the clock of this run of the server, and this much. */
interface Agreement {
  readonly run: string;
  readonly offsetMs: number;
  readonly timelineId: number;
}

export class RedisHubClock implements HubClock {
  readonly #options: RedisHubClockOptions;
  readonly #corridor = new Corridor();
  readonly #session: ProbeSession;
  #latest: HubMs = 0;
  #isStopped = false;
  #cancel: (() => void) | undefined;
  #sawStrangerAt: number | undefined;

  private constructor(options: RedisHubClockOptions) {
    this.#options = options;
    const { random, localNow } = options;
    this.#session = new ProbeSession({ corridor: this.#corridor, random, nowMs: localNow() });
  }

  /** Resolves when hub time is known well enough to play by. Rejects with `StoreUnavailable` where Redis is away. */
  static async open(options: RedisHubClockOptions): Promise<RedisHubClock> {
    const clock = new RedisHubClock(options);
    const deadline = options.localNow() + MAX_SETTLING_MS;
    await clock.#probe(true);
    clock.#pump();
    while (clock.reading.quality !== 'good' && options.localNow() < deadline) {
      await new Promise<void>((resolve) => options.timers.after(SETTLING_STEP_MS, resolve));
    }
    // From now on somebody may listen by it: it is slewed, and jumps only on proof.
    clock.#corridor.setPlaying(true);
    return clock;
  }

  get timelineId(): number {
    return this.#corridor.timelineId ?? 0;
  }

  /** How well hub time is known here. */
  get reading(): ClockReading {
    return this.#corridor.readingAt(this.#options.localNow());
  }

  now(): HubMs {
    const hubMs = this.#corridor.hubTimeAt(this.#options.localNow());
    // A proven jump may lead backward; stamps of one node must not.
    if (hubMs !== null && hubMs > this.#latest) this.#latest = hubMs;
    return this.#latest;
  }

  stop(): void {
    this.#isStopped = true;
    this.#cancel?.();
  }

  #pump(): void {
    if (this.#isStopped) return;
    this.#cancel?.();
    const { localNow, timers } = this.#options;
    const step = this.#session.next(localNow());
    if (step.kind === 'wait') {
      const delayMs = Math.max(1, step.untilMs - localNow());
      this.#cancel = timers.after(delayMs, () => this.#pump());
      return;
    }
    this.#probe(false, step).then(
      () => this.#pump(),
      (error: unknown) => {
        // Without Redis the estimate carries on, and its bound grows.
        this.#options.log.debug({ err: error }, 'hub time could not be compared');
        this.#session.onReconnect(localNow());
        this.#cancel = timers.after(MAX_SETTLING_MS / 10, () => this.#pump());
      },
    );
  }

  /** One exchange; where the server is another one than agreed on, agrees anew first. */
  async #probe(
    isFirst: boolean,
    step?: { readonly seq: number; readonly t0: number },
  ): Promise<void> {
    let reading = await this.#read(step?.t0);
    if (reading.agreed?.run !== reading.run) {
      if (!isFirst && this.#shouldWait(reading)) return;
      await this.#agree(reading.agreed);
      reading = await this.#read();
    }
    this.#sawStrangerAt = undefined;
    const { agreed, serverMs, t0, t3 } = reading;
    if (agreed?.run !== reading.run) return;
    const hubMs = serverMs + agreed.offsetMs;
    const stamps = { t0, t1: hubMs, t2: hubMs, timelineId: agreed.timelineId };
    if (step !== undefined && t0 === step.t0) {
      this.#session.onReply({ ...stamps, seq: step.seq }, t3);
    } else {
      const { kind } = this.#corridor.observe({ ...stamps, t3 });
      if (kind === 'held') this.#session.onDisturbance(t3);
    }
  }

  /** Whether somebody who knows hub time should agree with the new server first. */
  #shouldWait({ agreed }: Reading): boolean {
    if (agreed === undefined || this.reading.quality === 'good') return false;
    const now = this.#options.localNow();
    this.#sawStrangerAt ??= now;
    return now - this.#sawStrangerAt < STRANGER_WAITS_MS;
  }

  /** Makes hub time go on over the clock of another server, or of the same one that has started anew. */
  async #agree(before: Agreement | undefined): Promise<void> {
    const { redis, keys, notBefore, log } = this.#options;
    let best = await this.#read();
    for (let i = 1; i < REBASE_READINGS; i += 1) {
      const reading = await this.#read();
      if (reading.t3 - reading.t0 < best.t3 - best.t0) best = reading;
    }
    const hubMs = this.#corridor.hubTimeAt((best.t0 + best.t3) / 2);
    const offsetMs =
      hubMs === null
        ? (before?.offsetMs ?? Math.max(0, notBefore + 1 - best.serverMs))
        : hubMs - best.serverMs;
    const timelineId = before?.timelineId ?? (this.timelineId || this.#randomTimeline());
    log.info({ run: best.run, offsetMs, timelineId }, 'hub time goes on over another server');
    await runScript(
      redis,
      AGREE,
      [keys.hubTime],
      [before?.run ?? '', best.run, String(offsetMs), String(timelineId)],
    );
  }

  async #read(t0 = this.#options.localNow()): Promise<Reading> {
    const { redis, keys, localNow } = this.#options;
    const reply = await runScript(redis, HUB_TIME, [keys.hubTime], []);
    const t3 = localNow();
    const [seconds, micros, run, agreedRun, offset, timeline] = reply as readonly string[];
    return {
      t0,
      t3,
      serverMs: Number(seconds) * 1_000 + Number(micros) / 1_000,
      run: run ?? '',
      agreed:
        agreedRun === undefined || agreedRun === ''
          ? undefined
          : { run: agreedRun, offsetMs: Number(offset), timelineId: Number(timeline) },
    };
  }

  #randomTimeline(): number {
    return 1 + Math.floor(this.#options.random() * 65_535);
  }
}
