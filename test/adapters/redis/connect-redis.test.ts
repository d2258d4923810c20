// Connections to Redis that cannot be had: whoever asks is told so in time, and nothing goes on trying behind their back.
import { createServer, type AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { connectRedis, type RedisTarget } from '../../../src/adapters/redis/connect-redis.ts';
import { StoreUnavailable } from '../../../src/ports/room-log.ts';
import { logRecorder, type Line } from '../../support/log-recorder.ts';

const stops: (() => void)[] = [];

afterEach(() => {
  for (const stop of stops.splice(0)) stop();
});

/** A port behind which every connection breaks, and how often somebody has tried it. */
async function brokenServer(): Promise<{ readonly port: number; tries: number }> {
  const server = createServer((socket) => {
    broken.tries += 1;
    socket.destroy();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  stops.push(() => server.close());
  const broken = { port: (server.address() as AddressInfo).port, tries: 0 };
  return broken;
}

const targets: Record<RedisTarget['kind'], (url: string) => RedisTarget> = {
  single: (url) => ({ kind: 'single', url }),
  cluster: (url) => ({ kind: 'cluster', urls: [url] }),
  sentinel: (url) => ({ kind: 'sentinel', name: 'earshot', urls: [url] }),
};

describe('connectRedis', () => {
  for (const [kind, targetOf] of Object.entries(targets)) {
    it(`rejects where no ${kind} can be reached, says why, and then leaves it alone`, async () => {
      const broken = await brokenServer();
      const lines: Line[] = [];
      const target = targetOf(`redis://127.0.0.1:${broken.port}`);
      const rejected: unknown = await connectRedis(target, logRecorder(lines), 300).catch(
        (error: unknown) => error,
      );
      expect(rejected).toBeInstanceOf(StoreUnavailable);
      expect((rejected as StoreUnavailable).cause).toBeInstanceOf(Error);
      expect(broken.tries).toBeGreaterThan(0);
      // Told by the rejection, once, and not by a line for each try.
      expect(lines).toEqual([]);
      // The client's own pauses are far shorter than the time in which nobody may come.
      let tries = -1;
      await expect
        .poll(
          () => {
            const isQuiet = tries === broken.tries;
            tries = broken.tries;
            return isQuiet;
          },
          { timeout: 10_000, interval: 2_500 },
        )
        .toBe(true);
    });
  }
});
