// Several processes of one machine on one port: they share rooms and the work, and one that dies is missed by its own people only.
import { createServer } from 'node:net';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import {
  EarshotProcess,
  startToFail,
  temporaryDir,
  type LogLine,
} from '../support/earshot-process.ts';
import { freePort } from '../support/free-port.ts';
import { startPostgresServer } from '../support/postgres-server.ts';
import { orSkipped, startRedisServer } from '../support/redis-server.ts';
import { WireClient, guestToken } from '../support/wire-client.ts';

const redis = await orSkipped('Redis', () => startRedisServer());
const postgres = redis === undefined ? undefined : await startPostgresServer();
afterAll(async () => {
  await redis?.stop();
  await postgres?.stop();
});

const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

const isRunning = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

describe.skipIf(redis === undefined || postgres === undefined)('workers', () => {
  if (redis === undefined || postgres === undefined) return;
  let database: Promise<string> | undefined;

  async function environment(): Promise<Record<string, string> & { DATA_DIR: string }> {
    const temporary = await temporaryDir();
    cleanUps.push(() => temporary.remove());
    return {
      DATA_DIR: temporary.dir,
      CLUSTER_WORKERS: '2',
      // Without one the service looks for it before its workers bind it, seconds later: another test may have it by then.
      PORT: String(await freePort()),
      REDIS_URL: redis?.url ?? '',
      POSTGRES_URL: await (database ??= postgres?.createDatabase() ?? Promise.resolve('')),
      GUEST_BURST: '1000',
    };
  }

  async function start(env: Readonly<Record<string, string>> = {}): Promise<EarshotProcess> {
    const service = await EarshotProcess.start({ ...(await environment()), ...env });
    cleanUps.push(() => service.kill());
    await told(service, ({ msg }) => msg === 'all workers serve');
    return service;
  }

  async function told(
    { lines }: EarshotProcess,
    test: (line: LogLine) => boolean,
  ): Promise<LogLine> {
    await expect.poll(() => lines.some(test), { timeout: 60_000 }).toBe(true);
    return lines.findLast(test) as LogLine;
  }

  /** The process that is that worker now. */
  async function pidOf(service: EarshotProcess, worker: number): Promise<number> {
    const line = await told(
      service,
      (each) => each.msg === 'a worker starts' && each['worker'] === worker,
    );
    return line['pid'] as number;
  }

  /** Open sockets by worker, of those that answer. */
  async function connections({ url }: EarshotProcess): Promise<Map<string, number>> {
    const text = await (await fetch(`${url}/metrics`)).text();
    const lines = text.matchAll(/^earshot_connections\{worker="(\d+)"\} (\d+)$/gm);
    return new Map([...lines].map(([, worker = '', count]) => [worker, Number(count)]));
  }

  async function enter(service: EarshotProcess, name: string): Promise<WireClient> {
    const client = await WireClient.enter(service.url, await guestToken(service.url, name));
    cleanUps.push(() => client.close());
    return client;
  }

  it.each(['uws', 'ws'])(
    'share a port, its rooms and its figures; one that dies comes back, and the others go on (%s)',
    async (TRANSPORT) => {
      const service = await start({ TRANSPORT });
      const clients: WireClient[] = [];
      for (let n = 0; n < 40; n += 1) clients.push(await enter(service, `Guest ${n}`));
      // One that is busy may be late with its figures.
      let counts = new Map<string, number>();
      await expect
        .poll(async () => {
          counts = await connections(service);
          return [...counts.keys()].sort();
        })
        .toEqual(['1', '2']);
      const [first = 0, second = 0] = [counts.get('1'), counts.get('2')];
      expect(first + second).toBe(40);
      // By chance (a hash of addresses and ports) none would get nothing once in 10^11.
      expect(Math.min(first, second)).toBeGreaterThan(0);
      const types = (await (await fetch(`${service.url}/metrics`)).text()).match(/^# TYPE .*$/gm);
      expect(types?.length).toBeGreaterThan(40);
      expect(new Set(types).size).toBe(types?.length);

      const roomId = (await clients[0]?.ask('room.create', { name: 'Kitchen' }))?.['roomId'];
      for (const client of clients)
        expect(await client.ask('room.join', { roomId })).toMatchObject({ type: 'ok' });
      await clients[0]?.ask('chat.send', { roomId, text: 'to all' });
      const isSaid = (text: string) => (push: object) => JSON.stringify(push).includes(text);
      for (const client of clients) expect(await client.push(isSaid('to all'))).toBeDefined();

      const victim = await pidOf(service, 1);
      process.kill(victim, 'SIGKILL');
      const died = await told(service, ({ msg }) => msg.startsWith('a worker has died'));
      expect(died).toMatchObject({ worker: 1, pid: victim, signal: 'SIGKILL' });
      await expect
        .poll(() => clients.filter(({ closed }) => closed !== undefined).length)
        .toBe(first);
      const stayed = clients.filter(({ closed }) => closed === undefined);
      await stayed[0]?.ask('chat.send', { roomId, text: 'who is left' });
      for (const client of stayed) expect(await client.push(isSaid('who is left'))).toBeDefined();

      await expect
        .poll(async () => [...(await connections(service)).keys()].sort(), { timeout: 30_000 })
        .toEqual(['1', '2']);
      expect(await pidOf(service, 1)).not.toBe(victim);
      // It tells its figures before it has the port: whoever came until then went to the other one.
      let again = 0;
      await expect
        .poll(
          async () => {
            again += 1;
            await enter(service, `Again ${again}`);
            return (await connections(service)).get('1') ?? 0;
          },
          { timeout: 30_000 },
        )
        .toBeGreaterThan(0);
      expect(stayed.filter(({ closed }) => closed !== undefined)).toEqual([]);
    },
  );

  it('send everybody away in good order when the service stops, and leave nothing behind', async () => {
    const service = await start();
    const clients = await Promise.all([1, 2, 3, 4, 5, 6].map((n) => enter(service, `Guest ${n}`)));
    const pids = [await pidOf(service, 1), await pidOf(service, 2)];
    expect(pids.map(isRunning)).toEqual([true, true]);
    expect(await service.end('SIGTERM')).toBe(0);
    await Promise.all(clients.map((client) => client.push(() => false)));
    const codes = new Set(clients.map(({ closed }) => closed?.code));
    expect(codes).toEqual(new Set([4000]));
    expect(pids.map(isRunning)).toEqual([false, false]);
    expect(service.lines.filter(({ level }) => level === 'error')).toEqual([]);
  });

  it('take the same signal from a terminal or a supervisor that sends it to all of them', async () => {
    const service = await start();
    const pids = [await pidOf(service, 1), await pidOf(service, 2)];
    for (const pid of pids) process.kill(pid, 'SIGINT');
    expect(await service.end('SIGINT')).toBe(0);
    expect(pids.map(isRunning)).toEqual([false, false]);
  });

  it('answer on their port when all of them died while a server is away', async () => {
    const service = await start();
    const pids = [await pidOf(service, 1), await pidOf(service, 2)];
    redis.process.kill('SIGSTOP');
    cleanUps.push(() => redis.process.kill('SIGCONT'));
    for (const pid of pids) process.kill(pid, 'SIGKILL');
    const answer = () => fetch(`${service.url}/readyz`).then(({ status }) => status);
    await expect.poll(() => answer().catch(() => 'none'), { timeout: 20_000 }).toBe(503);
    redis.process.kill('SIGCONT');
    await expect.poll(answer, { timeout: 30_000 }).toBe(200);
  });

  it('say once what keeps them from starting', async () => {
    const env = await environment();
    const { code, stderr } = await startToFail({ ...env, MEDIA_DIR: '/nowhere/music' });
    expect(code).toBe(1);
    expect(stderr.trim().split('\n')).toHaveLength(1);
    expect(stderr).toContain('/nowhere/music');
  });

  it('do not share a port with somebody else, and end with the first process when that is killed', async () => {
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
    cleanUps.push(() => taken.close());
    const address = taken.address();
    const port = address !== null && typeof address === 'object' ? address.port : 0;
    const other = await start();
    for (const PORT of [port, other.port]) {
      const { code, stderr } = await startToFail({ ...(await environment()), PORT: String(PORT) });
      expect(code).toBe(1);
      expect(stderr).toBe(
        `earshot: port ${PORT} on 127.0.0.1 cannot be bound: it is in use or not allowed; set PORT to another one\n`,
      );
    }
    const pids = [await pidOf(other, 1), await pidOf(other, 2)];
    expect(pids.map(isRunning)).toEqual([true, true]);
    await other.kill();
    await expect.poll(() => pids.map(isRunning), { timeout: 10_000 }).toEqual([false, false]);
  });
});
