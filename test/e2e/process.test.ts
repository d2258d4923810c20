// The process as an operator meets it: what it says when it cannot start, and how it goes.
import { randomBytes } from 'node:crypto';
import { createServer } from 'node:net';
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import {
  EarshotProcess,
  startToFail,
  stopWhileItStarts,
  temporaryDir,
} from '../support/earshot-process.ts';
import { putEmptyDatabase } from '../support/empty-database.ts';
import { WireClient, guestToken } from '../support/wire-client.ts';

const cleanUps: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

async function dataDir(): Promise<string> {
  const temporary = await temporaryDir();
  cleanUps.push(() => temporary.remove());
  return temporary.dir;
}

/** One that is no first start's. */
async function usedDataDir(): Promise<string> {
  const dir = await dataDir();
  await putEmptyDatabase(dir);
  return dir;
}

/** Every file with its size and content's length: what must not change. */
async function contents(dir: string): Promise<Map<string, string>> {
  const files = await readdir(dir, { recursive: true, withFileTypes: true });
  const found = new Map<string, string>();
  for (const file of files.filter((each) => each.isFile())) {
    const full = path.join(file.parentPath, file.name);
    found.set(path.relative(dir, full), (await readFile(full)).toString('base64'));
  }
  return found;
}

describe('a start that cannot be', () => {
  it('names every bad key of the configuration, one a line', async () => {
    const dir = await dataDir();
    const { code, stderr } = await startToFail({
      DATA_DIR: dir,
      PORT: 'eighty',
      TOKEN_SECRET: 'short',
      GUESTS: 'maybe',
    });
    expect(code).toBe(1);
    const lines = stderr.trim().split('\n');
    expect(lines).toHaveLength(3);
    for (const key of ['PORT', 'TOKEN_SECRET', 'GUESTS']) expect(stderr).toContain(`${key}: `);
    expect(await readdir(dir)).toEqual([]);
  });

  it('names all that production must not leave to a default, one a line, and goes on once it is there', async () => {
    const dir = await dataDir();
    const env = { DATA_DIR: dir, NODE_ENV: 'production' };
    const missing = await startToFail({ ...env, REDIS_URL: 'redis://127.0.0.1:1' });
    expect(missing.code).toBe(1);
    const lines = missing.stderr.trim().split('\n');
    expect(lines).toHaveLength(3);
    expect(lines[0]).toMatch(/TOKEN_SECRET: must be set.*openssl rand -base64 48/);
    expect(lines[1]).toMatch(/^ALLOWED_ORIGINS: must be set/);
    expect(lines[2]).toMatch(/^POSTGRES_URL: must be set/);

    const ALLOWED_ORIGINS = 'https://live.example';
    const wrong = {
      short: /TOKEN_SECRET: needs at least 32/,
      'changeme-changeme-changeme-changeme': /TOKEN_SECRET: is a default/,
    };
    for (const [TOKEN_SECRET, line] of Object.entries(wrong)) {
      const { code, stderr } = await startToFail({ ...env, ALLOWED_ORIGINS, TOKEN_SECRET });
      expect(code).toBe(1);
      expect(stderr.trim().split('\n')).toHaveLength(1);
      expect(stderr).toMatch(line);
    }
    expect(await readdir(dir)).toEqual([]);

    const TOKEN_SECRET = randomBytes(48).toString('base64');
    const earshot = await EarshotProcess.start({ ...env, ALLOWED_ORIGINS, TOKEN_SECRET });
    cleanUps.push(() => earshot.kill());
    expect((await fetch(`${earshot.url}/readyz`)).status).toBe(200);
  });

  it('says which port is taken', async () => {
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
    cleanUps.push(() => new Promise((resolve) => taken.close(resolve)));
    const address = taken.address();
    const port = typeof address === 'object' ? String(address?.port) : '';
    for (const TRANSPORT of ['uws', 'ws']) {
      const { code, stderr } = await startToFail({
        DATA_DIR: await usedDataDir(),
        PORT: port,
        TRANSPORT,
      });
      expect(code).toBe(1);
      expect(stderr.trim().split('\n')).toHaveLength(1);
      expect(stderr).toContain(port);
    }
  });

  it('says that the music folder cannot be read', async () => {
    const { code, stderr } = await startToFail({
      DATA_DIR: await usedDataDir(),
      MEDIA_DIR: '/nowhere/music',
    });
    expect(code).toBe(1);
    expect(stderr.trim().split('\n')).toHaveLength(1);
    expect(stderr).toContain('/nowhere/music');
  });

  it('says that the data are damaged, and leaves them as they are', async () => {
    const dir = await dataDir();
    await mkdir(path.join(dir, 'postgres'));
    await writeFile(path.join(dir, 'postgres', 'PG_VERSION'), '18\n');
    await writeFile(path.join(dir, 'postgres', 'postgresql.conf'), 'garbage');
    const before = await contents(dir);
    const { code, stderr } = await startToFail({ DATA_DIR: dir });
    expect(code).toBe(1);
    expect(stderr.trim().split('\n')).toHaveLength(1);
    expect(stderr).toMatch(/backup/);
    expect(await contents(dir)).toEqual(before);
  });

  it('refuses a data folder that another one uses, which goes on', async () => {
    const dir = await dataDir();
    const first = await EarshotProcess.start({ DATA_DIR: dir });
    cleanUps.push(() => first.kill());
    const { code, stderr } = await startToFail({ DATA_DIR: dir });
    expect(code).toBe(1);
    expect(stderr.trim().split('\n')).toHaveLength(1);
    expect((await fetch(`${first.url}/healthz`)).status).toBe(200);
  });
});

describe('a stop', () => {
  it('while it starts is a stop, too: the first process of a container dies of no signal', async () => {
    const dir = await dataDir();
    expect(await stopWhileItStarts({ DATA_DIR: dir }, 'SIGTERM')).toBe(0);
    expect(await readdir(dir)).toContain('postgres');
  });

  it.each(['uws', 'ws'])(
    'sends everybody away in good order, then exits with 0 (%s, SE6)',
    async (TRANSPORT) => {
      const dir = await dataDir();
      const earshot = await EarshotProcess.start({ DATA_DIR: dir, TRANSPORT });
      cleanUps.push(() => earshot.kill());
      expect(earshot.lines.at(-1)?.['sockets']).toBe(TRANSPORT);
      const client = await WireClient.enter(earshot.url, await guestToken(earshot.url, 'Ana'));
      const code = earshot.end('SIGTERM');
      expect(await client.push(({ type }) => type === 'hub.draining')).toMatchObject({
        reconnectWithinMs: 200,
      });
      expect(await code).toBe(0);
      expect(client.closed?.code).toBe(4000);
      const again = await EarshotProcess.start({ DATA_DIR: dir, TRANSPORT });
      cleanUps.push(() => again.kill());
      expect((await stat(dir)).isDirectory()).toBe(true);
    },
  );
});
