// Owns the page of the clock's lab: one client, what its clock says, and a main thread that is kept busy on demand.
import { EarshotClient, type ClockStatus } from '../../../src/client/client.ts';

export interface LabExchange {
  /** By `performance.now()` of the page. */
  readonly t0: number;
  readonly t3: number;
  readonly rttMs: number;
}

export interface LabSample {
  readonly pageMs: number;
  readonly hubMs: number;
  readonly status: ClockStatus;
}

/** 50 ms of work, again and again, for two fifths of the time: a page that renders too much. */
const TASK_MS = 50;
const TASK_EVERY_MS = 125;

export class ClockLab {
  readonly exchanges: LabExchange[] = [];
  readonly timerGapsMs: number[] = [];
  #client: EarshotClient | undefined;

  /** @returns how long it took to be connected, ms */
  async open(url: string, token: string, clockIn: 'worker' | 'page'): Promise<number> {
    const client = new EarshotClient({ url, token, clockIn });
    this.#client = client;
    const { clock } = client;
    const told = clock.exchange.bind(clock);
    clock.exchange = (exchange, wallMs) => {
      const { t0, t1, t2, t3 } = exchange;
      this.exchanges.push({ t0, t3, rttMs: t3 - t0 - (t2 - t1) });
      told(exchange, wallMs);
    };
    clock.setPlaying(true);
    const from = performance.now();
    await client.connect();
    return performance.now() - from;
  }

  sample(): LabSample | undefined {
    const { clock } = this.client;
    for (let tries = 0; tries < 100; tries += 1) {
      const before = performance.now();
      const hubMs = clock.now();
      const after = performance.now();
      if (hubMs === undefined) return undefined;
      // Where nothing came between them.
      if (after - before <= 0.1) {
        return { pageMs: (before + after) / 2, hubMs, status: clock.status.value };
      }
    }
    return undefined;
  }

  get client(): EarshotClient {
    if (this.#client === undefined) throw new Error('open it first');
    return this.#client;
  }

  /** Round trips of a request that costs the hub nothing, ms. */
  async requests(count: number): Promise<number[]> {
    const tookMs: number[] = [];
    for (let n = 0; n < count; n += 1) {
      const from = performance.now();
      await this.client.request('feed.unsubscribe', {});
      tookMs.push(performance.now() - from);
    }
    return tookMs;
  }

  /** Nothing else happens on the main thread for so long. @returns from when to when, by `performance.now()` */
  stall(forMs: number): readonly [number, number] {
    const from = performance.now();
    while (performance.now() < from + forMs);
    return [from, performance.now()];
  }

  /** As a timer does it that is not held back; how it is held back shows in `timerGapsMs`. */
  beBusy(): void {
    setInterval(() => this.stall(TASK_MS), TASK_EVERY_MS);
  }

  watchTimers(): void {
    let last = performance.now();
    setInterval(() => {
      const now = performance.now();
      this.timerGapsMs.push(now - last);
      last = now;
    }, 100);
  }
}

declare global {
  var clockLab: ClockLab;
}

globalThis.clockLab = new ClockLab();
