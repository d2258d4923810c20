// The command that migrates: what it does, and what it says to the person who runs it.
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { MIGRATIONS } from '../../migrations/index.ts';
import { freePort } from '../support/free-port.ts';
import { startPostgresServer } from '../support/postgres-server.ts';
import { bundleScript, type Script } from '../support/script-process.ts';

// Each command is a process that starts by npm.
vi.setConfig({ testTimeout: 90_000 });

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

  it('says in one line what is wrong', async () => {
    const nowhere = `postgresql://127.0.0.1:${await freePort()}/earshot`;
    const url = new URL(await server.createDatabase());
    const missing = new URL(url);
    missing.pathname = '/no_such_database';
    for (const [postgresUrl, words, fault] of [
      [undefined, [], 'POSTGRES_URL is not set'],
      [url.href, ['sideways'], 'usage: npm run migrate'],
      [nowhere, [], 'Postgres is not available'],
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
