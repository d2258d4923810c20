// What becomes of a test that listens where the machine gives Chromium no time to play: it is skipped with the reason, as nothing was judged.
import type { TestContext } from 'vitest';

/** Each time garbles two seconds: a device that is starved oftener leaves less than half to be heard, and often nothing. */
const STARVED_PER_SECOND = 0.25;
const MOST_LISTENED = 4;

class DeviceStarved extends Error {
  override readonly name = 'DeviceStarved';
}

/** Throws what `unlessStarved` knows where an audio device was starved so often within `forMs` that too little was heard. */
export function expectFed(what: string, starved: number, forMs: number): void {
  const seconds = forMs / 1_000;
  if (starved <= seconds * STARVED_PER_SECOND) return;
  throw new DeviceStarved(
    `${what}: the machine starved its audio device ${starved} times in ${Math.round(seconds)} s`,
  );
}

/**
 * What was heard while the device was fed: listens again, a few times, where it was starved.
 * @throws what `unlessStarved` knows where it was starved each time
 */
export async function heardFed<T extends { readonly starved: number }>(
  what: string,
  listen: () => Promise<T>,
): Promise<T> {
  for (let time = 0; time < MOST_LISTENED; time += 1) {
    const heard = await listen();
    if (heard.starved === 0) return heard;
  }
  throw new DeviceStarved(
    `${what}: the machine starved its audio device each of ${MOST_LISTENED} times`,
  );
}

/** Runs `test`, which is skipped where the device was starved; but not where it was tried before and failed, which nothing has refuted. */
export async function unlessStarved(
  { skip, task }: TestContext,
  test: () => Promise<void>,
): Promise<void> {
  try {
    await test();
  } catch (error) {
    if (!(error instanceof DeviceStarved) || (task.result?.retryCount ?? 0) > 0) throw error;
    console.warn(`skipped: ${error.message}`);
    skip(error.message);
  }
}
