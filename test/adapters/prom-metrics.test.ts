// What prom-client is not left to measure by itself.
import { open } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { createPromMetrics } from '../../src/adapters/system/prom-metrics.ts';

async function openFiles(): Promise<number> {
  const { body } = await createPromMetrics().exposition();
  return Number(/^process_open_fds (\d+)$/m.exec(body)?.[1] ?? NaN);
}

describe.runIf(process.platform === 'linux')('the open files of a process', () => {
  it('are counted', async () => {
    const before = await openFiles();
    const files = await Promise.all(Array.from({ length: 200 }, () => open('/dev/null')));
    const after = await openFiles();
    for (const file of files) await file.close();
    // The runner of the tests opens and closes some of its own meanwhile.
    expect(Math.abs(after - before - 200)).toBeLessThan(20);
  });
});
