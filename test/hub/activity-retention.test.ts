// How long listening is kept: bites follow each other until nothing is left, hour by hour, through a store that is away.
import { describe, expect, it } from 'vitest';
import { keepFor } from '../../src/hub/activity/activity-retention.ts';
import { StoreUnavailable } from '../../src/ports/room-log.ts';
import { silentMetrics } from '../support/hub-world.ts';
import { ManualTime } from '../support/manual-time.ts';
import { SILENT } from '../support/postgres-stores.ts';

const HOUR = 3_600_000;
const LIFE = 30 * 24 * HOUR;

function world(answers: readonly (number | Error)[]) {
  const time = new ManualTime(100 * 24 * HOUR);
  const asked: { readonly at: number; readonly before: number }[] = [];
  const left = [...answers];
  const stop = keepFor({
    activityLog: {
      prune(before) {
        asked.push({ at: time.now(), before });
        const answer = left.shift() ?? 0;
        return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
      },
    },
    lifeMs: LIFE,
    clock: time,
    timers: time,
    metrics: silentMetrics,
    log: SILENT,
  });
  return { time, asked, stop };
}

describe('the retention of listening', () => {
  it('drops bite by bite what is older, then looks again every hour', async () => {
    const { time, asked, stop } = world([2_000, 7]);
    await time.advance(2 * HOUR);
    await stop();
    expect(asked.map(({ at, before }) => at - before)).toEqual([LIFE, LIFE, LIFE, LIFE]);
    const apart = asked.slice(1).map(({ at }, n) => at - (asked[n]?.at ?? 0));
    expect(apart[0]).toBeLessThan(1_000);
    expect(apart[1]).toBeLessThan(1_000);
    expect(apart[2]).toBe(HOUR);
  });

  it('goes on after a store that is away, and not after it is stopped', async () => {
    const fault = new Error('a fault of the store');
    const { time, asked, stop } = world([new StoreUnavailable('the store'), 0, fault]);
    await time.advance(3 * HOUR);
    const apart = asked.slice(1).map(({ at }, n) => at - (asked[n]?.at ?? 0));
    // What is away is back within minutes; a fault does not go by asking more often.
    expect(apart).toEqual([60_000, HOUR, HOUR]);
    await stop();
    await time.advance(3 * HOUR);
    expect(asked).toHaveLength(4);
  });
});
