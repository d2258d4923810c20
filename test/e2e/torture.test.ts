// Real nodes under faults, in short: everything that was acknowledged happened once, in one order, for all. `npm run torture` is the long run.
import { describe, expect, it } from 'vitest';
import { orSkipped } from '../support/redis-server.ts';
import { RedisProcess } from '../torture/redis-process.ts';
import { run, type Report } from '../torture/run.ts';
import type { FaultName } from '../torture/faults.ts';
import type { RedisKind } from '../torture/stage.ts';

const SEED = Number(process.env['TORTURE_SEED'] ?? 7);

const probe = await orSkipped('a Redis to torture', async () => {
  const redis = await RedisProcess.make();
  await redis.start();
  return redis;
});
await probe?.stop();

async function tortured(
  redis: RedisKind,
  lastsMs: number,
  faults: readonly FaultName[],
): Promise<Report> {
  const lines: string[] = [];
  try {
    const report = await run({
      seed: SEED,
      redis,
      lastsMs,
      faults,
      nodes: 2,
      people: 6,
      rooms: 3,
      isShort: true,
      say: (line) => lines.push(line),
    });
    lines.push(JSON.stringify(report.counts));
    return report;
  } finally {
    console.log([`torture, Redis ${redis}, seed ${SEED}`, ...lines].join('\n'));
  }
}

function expectSound({ violations, counts, faults }: Report): void {
  expect(violations).toEqual([]);
  expect(faults.length).toBeGreaterThan(0);
  // A run in which nothing happened proves nothing.
  expect(counts['acknowledged']).toBeGreaterThan(100);
  expect(counts['revisions shown']).toBeGreaterThan(100);
  expect(counts['chat items']).toBeGreaterThan(0);
}

describe.skipIf(probe === undefined)('nodes under faults', () => {
  it('lose nothing when nodes die and Redis loses some or all, or breaks off', async () => {
    const faults = [
      'node-kill',
      'redis-restart-empty',
      'redis-restart-older',
      'redis-half-replies',
    ] as const;
    expectSound(await tortured('single', 20_000, faults));
  });

  it('lose nothing when a replica takes over that lacks the end', async () => {
    expectSound(await tortured('sentinel', 8_000, ['fail-over-lost-tail']));
  });
});
