import { setTimeout as pause } from 'node:timers/promises';
import v8 from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { tellLiveHeap } from '../../src/adapters/system/live-heap.ts';

const MB = 1_024 * 1_024;
let read: () => number = () => NaN;
let collect: () => void;
let stop: () => void = () => undefined;

beforeAll(() => {
  v8.setFlagsFromString('--expose-gc');
  collect = runInNewContext('gc') as () => void;
  stop = tellLiveHeap({ gauge: (_, reader) => (read = reader) });
});
afterAll(() => stop());

/** The observer is told at a later turn. */
async function collected(): Promise<number> {
  collect();
  await pause(20);
  return read();
}

test('what is held counts from the next full collection on, and what is garbage does not', async () => {
  // What others of this worker have left goes first.
  await collected();
  const before = await collected();
  let held: number[][] | undefined = [];
  while (held.length < 64) held.push(new Array<number>(MB / 8).fill(held.length + 0.5));
  const during = await collected();
  expect(during - before).toBeGreaterThan(48 * MB);
  expect(during - before).toBeLessThan(80 * MB);
  held = undefined;
  const [after, used] = [await collected(), v8.getHeapStatistics().used_heap_size];
  expect(after - before).toBeLessThan(16 * MB);
  expect(after).toBeLessThan(used + 4 * MB);
});
