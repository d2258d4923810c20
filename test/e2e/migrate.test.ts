// The command that migrates: what it does, and what it says to the person who runs it.
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MIGRATIONS } from '../../migrations/index.ts';
import { lockDatabase } from '../../src/adapters/postgres/database-lock.ts';
import { openPostgresStores } from '../../src/adapters/postgres/open-postgres-stores.ts';
import { systemTimers } from '../../src/adapters/system/system-timers.ts';
import { CutProxy } from '../support/cut-proxy.ts';
import { freePort } from '../support/free-port.ts';
import { startPostgresServer } from '../support/postgres-server.ts';
import { SILENT } from '../support/postgres-stores.ts';
import { createdRoom } from '../support/room-fixtures.ts';
import { bundleScript, type Script } from '../support/script-process.ts';

const PATIENCE = { timeout: 60_000 };

const NAMES = MIGRATIONS.map(({ name }) => name);
const LAST = NAMES.at(-1)!;
const server = await startPostgresServer();

describe.skipIf(server === undefined)('npm run migrate', () => {
  if (server === undefined) return;
  let script: Script;

  beforeAll(async () => {
    script = await bundleScript(new URL('../../src/migrate.ts', import.meta.url));
  });
  afterAll(async () => {
    script.remove();
    await server.stop();
  });

  async function run(
    postgresUrl: string | undefined,
    ...words: string[]
  ): Promise<{ readonly code: number; readonly lines: string[]; readonly fault: string }> {
    const child = script.startWith({ POSTGRES_URL: postgresUrl ?? '' }, ...words);
    let [out, fault] = ['', ''];
    child.stdout.on('data', (data: Buffer) => (out += data.toString()));
    child.stderr.on('data', (data: Buffer) => (fault += data.toString()));
    const [code] = (await once(child, 'close')) as [number];
    return { code, lines: out.split('\n').filter((line) => line !== ''), fault };
  }
  const did = (...lines: string[]) => ({ code: 0, lines, fault: '' });

  it('goes up, one down, and tells where it is', async () => {
    const url = await server.createDatabase();
    expect(await run(url, 'status')).toEqual(did(...NAMES.map((name) => `pending ${name}`)));
    expect(await run(url)).toEqual(did(...NAMES.map((name) => `migrated ${name}`)));
    expect(await run(url, 'up')).toEqual(did('the tables are up to date'));
    expect(await run(url, 'down')).toEqual(did(`took back ${LAST}`));
    expect((await run(url, 'status')).lines.at(-1)).toBe(`pending ${LAST}`);
  });

  it('waits for a Postgres that is not there yet, and says so', async () => {
    const url = new URL(await server.createDatabase());
    const proxy = await CutProxy.to(Number(url.port));
    url.port = String(proxy.port);
    proxy.cut();
    const child = script.startWith({ POSTGRES_URL: url.href });
    let out = '';
    let fault = '';
    child.stdout.on('data', (data: Buffer) => (out += data.toString()));
    child.stderr.on('data', (data: Buffer) => (fault += data.toString()));
    const ended = once(child, 'close');
    try {
      await expect.poll(() => out, PATIENCE).toContain('Postgres cannot be reached: trying again');
      expect(out).not.toContain('migrated');
      proxy.mend();
      expect(await ended).toEqual([0, null]);
      expect(out.trimEnd().split('\n').slice(-NAMES.length)).toEqual(
        NAMES.map((name) => `migrated ${name}`),
      );
      expect(JSON.parse(out.split('\n')[0] ?? '')).toMatchObject({ level: 'warn', retryMs: 500 });
      expect(fault).toBe('');
    } finally {
      child.kill('SIGKILL');
      await proxy.stop();
    }
  });

  it('ends when it is told to while it waits', async () => {
    const nowhere = `postgresql://127.0.0.1:${await freePort()}/earshot`;
    const child = script.startWith({ POSTGRES_URL: nowhere });
    let out = '';
    child.stdout.on('data', (data: Buffer) => (out += data.toString()));
    const ended = once(child, 'close');
    await expect.poll(() => out, PATIENCE).toContain('trying again');
    child.kill('SIGTERM');
    expect(await ended).toEqual([1, null]);
  });

  it('lets the rooms of a restored database go on under a new epoch, where nobody uses it', async () => {
    const url = await server.createDatabase();
    const target = { clientUrl: url, poolSize: 2 };
    const stores = await openPostgresStores({ target, migrate: true, log: SILENT });
    try {
      const room = await createdRoom(stores.roomLog);
      await createdRoom(stores.roomLog);
      await stores.roomLog.heartbeat(Date.now() - 86_400_000);
      expect(await run(url, 'restored')).toEqual(did('rooms that go on under a new epoch: 2'));
      const loaded = await stores.roomLog.load(room.roomId);
      expect(loaded).toMatchObject({ head: { ...room.head, epoch: expect.any(Number) as number } });
      expect(loaded?.state).toEqual(room.state);
      // By how old it is, so that the same backup restored again is another one.
      expect(loaded?.head.epoch).toBeGreaterThan(86_400);
      const failed = (): undefined => undefined;
      const use = { use: 'shared', timers: systemTimers, log: SILENT, failed } as const;
      const unlock = await lockDatabase({ target, ...use });
      const refused = await run(url, 'restored');
      expect(refused).toMatchObject({ code: 1, lines: [] });
      expect(refused.fault).toMatch(/^earshot: another process uses this database: .*\n$/);
      await unlock();
    } finally {
      await stores.stop();
    }
  });

  it('says in one line what is wrong', async () => {
    const nowhere = `postgresql://127.0.0.1:${await freePort()}/earshot`;
    const url = new URL(await server.createDatabase());
    const missing = new URL(url);
    missing.pathname = '/no_such_database';
    for (const [postgresUrl, words, fault] of [
      [undefined, [], 'POSTGRES_URL is not set'],
      [url.href, ['sideways'], 'usage: node dist/src/migrate.js ['],
      [nowhere, ['status'], 'Postgres is not available'],
      [missing.href, [], 'database "no_such_database" does not exist'],
      ['mysql://here', [], 'POSTGRES_URL:'],
    ] as const) {
      const told = await run(postgresUrl, ...words);
      expect(told.code).toBe(1);
      expect(told.lines).toEqual([]);
      expect(told.fault).toMatch(/^earshot: .*\n$/);
      expect(told.fault).toContain(fault);
    }
  });
});
