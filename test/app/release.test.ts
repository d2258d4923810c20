// The release that is told is the package's own, and a metric has it.
import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { createPromMetrics } from '../../src/adapters/system/prom-metrics.ts';
import { readRelease, tellRelease } from '../../src/release.ts';

it('the release is the version of the package, and in the metrics', async () => {
  const { version } = JSON.parse(await readFile('package.json', 'utf8')) as { version: string };
  expect(readRelease()).toBe(version);
  const metrics = createPromMetrics();
  tellRelease(metrics, '1.2.3');
  const { body } = await metrics.exposition();
  expect(body).toContain('\nearshot_build_info{version="1.2.3"} 1\n');
});
