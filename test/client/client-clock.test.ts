import { describe, expect, test } from 'vitest';
import { ClientClock } from '../../src/client/client-clock.ts';

function settled(): {
  clock: ClientClock;
  at: { localMs: number; wallMs: number };
  woken: () => number;
} {
  const at = { localMs: 1_000, wallMs: 9_001_000 };
  let woken = 0;
  const clock = new ClientClock({ performanceNow: () => at.localMs, wallNow: () => at.wallMs });
  clock.listenTo({ setPlaying: () => undefined, wake: () => (woken += 1) } as never);
  for (let t0 = 1_000; t0 < 31_000; t0 += 1_000) {
    at.localMs = t0 + 10;
    at.wallMs = 9_000_000 + at.localMs;
    const t1 = t0 + 705;
    clock.exchange({ t0, t1, t2: t1, t3: t0 + 10, timelineId: 1 }, at.wallMs);
  }
  return { clock, at, woken: () => woken };
}

describe('ClientClock', () => {
  test('a comparison that finds both clocks as before changes nothing', () => {
    const { clock, woken } = settled();
    clock.compare();
    expect(clock.status.value.quality).toBe('good');
    expect(woken()).toBe(0);
  });

  test('local time that leapt is told as unsure at once, and probes are asked for', () => {
    const { clock, at, woken } = settled();
    const told: string[] = [];
    clock.status.subscribe(({ quality }) => told.push(quality));
    at.localMs -= 400;
    clock.compare();
    expect(clock.status.value.quality).toBe('coarse');
    expect(told.at(-1)).toBe('coarse');
    expect(woken()).toBe(1);
  });

  test('an exchange that is refused tells nothing of the delay', () => {
    const { clock, at } = settled();
    const before = clock.status.value.rttUsualMs;
    for (let t0 = 31_000; t0 < 61_000; t0 += 1_000) {
      clock.exchange({ t0, t1: t0 + 705, t2: 0, t3: t0 + 10, timelineId: 1 }, at.wallMs);
    }
    expect(clock.status.value.rttUsualMs).toBe(before);
  });

  test('so it is when the probing side found a sleep', () => {
    const { clock, at } = settled();
    clock.slept(at.localMs + 1, at.wallMs + 20_001);
    expect(clock.status.value.quality).toBe('coarse');
  });
});
