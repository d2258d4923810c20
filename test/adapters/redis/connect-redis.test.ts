// Connections to Redis that cannot be had: whoever asks is told so in time, and nothing goes on trying behind their back.
import { createServer, type AddressInfo } from 'node:net';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import {
  RedisRefuses,
  connectRedis,
  type RedisTarget,
} from '../../../src/adapters/redis/connect-redis.ts';
import { StoreUnavailable } from '../../../src/ports/room-log.ts';
import { logRecorder, type Line } from '../../support/log-recorder.ts';
import {
  orSkipped,
  startRedisCluster,
  startRedisSentinel,
  startRedisServer,
} from '../../support/redis-server.ts';

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

const PASSWORD = 'p@ss/word';
const NAME = 'earshot';

const locked = await orSkipped('a Redis with a password', async () => ({
  server: await startRedisServer(['--requirepass', PASSWORD]),
  cluster: await startRedisCluster(['--requirepass', PASSWORD]),
  sentinel: await startRedisSentinel(NAME, { servers: PASSWORD, sentinel: 'the-watch' }),
}));

describe.skipIf(locked === undefined)('a Redis with a password', () => {
  if (locked === undefined) return;
  const { server, cluster, sentinel } = locked;

  afterAll(async () => {
    for (const each of [server, cluster, sentinel]) await each.stop();
  });

  /** As an operator writes it. */
  function withPassword(url: string, password: string | undefined): string {
    const { port } = new URL(url);
    const login = password === undefined ? '' : `:${encodeURIComponent(password)}@`;
    return `redis://${login}127.0.0.1:${port}`;
  }

  const whole: Record<RedisTarget['kind'], (password: string | undefined) => RedisTarget> = {
    single: (password) => ({ kind: 'single', url: withPassword(server.url, password) }),
    cluster: (password) => ({
      kind: 'cluster',
      urls: cluster.urls.map((url) => withPassword(url, password)),
    }),
    sentinel: (password) => ({
      kind: 'sentinel',
      name: NAME,
      urls: [sentinel.url],
      ...(password !== undefined && { login: { password } }),
    }),
  };

  for (const [kind, targetOf] of Object.entries(whole)) {
    it(`lets in who has it: ${kind}`, async () => {
      const connection = await connectRedis(targetOf(PASSWORD), logRecorder([]), 3_000);
      // So many that each server of a cluster has one.
      for (let n = 0; n < 30; n += 1) {
        await connection.together(`key-${n}`, [['SET', `key-${n}`, String(n)]]);
      }
      expect(await connection.together('key-7', [['GET', 'key-7']])).toEqual(['7']);
      await connection.stop();
    });

    it(`says at once that it lets nobody else in: ${kind}`, async () => {
      for (const password of [undefined, 'a-wrong-one']) {
        const rejected: unknown = await connectRedis(
          targetOf(password),
          logRecorder([]),
          1_500,
        ).catch((error: unknown) => error);
        expect(rejected).toBeInstanceOf(RedisRefuses);
        expect((rejected as Error).message).toMatch(/NOAUTH|WRONGPASS/);
        expect((rejected as Error).message).not.toContain('a-wrong-one');
      }
    });
  }
});
