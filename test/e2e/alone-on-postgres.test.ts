// One process with its log on a Postgres of the operator's: there is one of them, and it knows when it is not alone.
import { afterAll, describe, expect, it } from 'vitest';
import { CutProxy } from '../support/cut-proxy.ts';
import { EarshotProcess, startToFail, temporaryDir } from '../support/earshot-process.ts';
import { startPostgresServer } from '../support/postgres-server.ts';
import { WireClient, guestToken } from '../support/wire-client.ts';

const postgres = await startPostgresServer();
afterAll(async () => postgres?.stop());

describe.skipIf(postgres === undefined)('a process alone on Postgres', () => {
  if (postgres === undefined) return;

  it('refuses to share it with another one, and takes over from one that was killed', async () => {
    const temporary = await temporaryDir();
    const env = { DATA_DIR: temporary.dir, POSTGRES_URL: await postgres.createDatabase() };
    const first = await EarshotProcess.start(env);
    try {
      const { code, stderr } = await startToFail(env);
      expect(code).toBe(1);
      expect(stderr).toMatch(/^earshot: another process uses this database: [^\n]+\n$/);
      const here = await WireClient.enter(first.url, await guestToken(first.url, 'Ana'));
      const made = await here.ask('room.create', { name: 'Kitchen' });
      expect(made).toMatchObject({ type: 'ok' });
      await first.kill();
      const next = await EarshotProcess.start(env);
      const back = await WireClient.enter(next.url, await guestToken(next.url, 'Ben'));
      expect(await back.ask('room.join', { roomId: made?.['roomId'] })).toMatchObject({
        type: 'ok',
      });
      back.close();
      expect(await next.end('SIGTERM')).toBe(0);
    } finally {
      await first.kill();
      await temporary.remove();
    }
  });

  it('is not ready while Postgres is away, as it has the rooms, says so, and goes on by itself', async () => {
    const temporary = await temporaryDir();
    const url = new URL(await postgres.createDatabase());
    const proxy = await CutProxy.to(Number(url.port));
    url.port = String(proxy.port);
    const earshot = await EarshotProcess.start({
      DATA_DIR: temporary.dir,
      POSTGRES_URL: url.href,
    });
    const readiness = async (): Promise<unknown> => {
      const response = await fetch(`${earshot.url}/readyz`);
      const { reasons, away } = (await response.json()) as {
        readonly reasons: readonly string[];
        readonly away: readonly { readonly store: string }[];
      };
      return [response.status, reasons, away.map(({ store }) => store)];
    };
    try {
      const ana = await WireClient.enter(earshot.url, await guestToken(earshot.url, 'Ana'));
      expect(await readiness()).toEqual([200, [], []]);
      proxy.cut();
      await expect
        .poll(readiness, { timeout: 20_000 })
        .toEqual([503, ['Postgres cannot be reached'], ['postgres']]);
      expect(ana.closed).toBeUndefined();
      proxy.mend();
      await expect.poll(readiness, { timeout: 20_000 }).toEqual([200, [], []]);
      expect(await ana.ask('room.create', { name: 'Kitchen' })).toMatchObject({ type: 'ok' });
      ana.close();
      expect(await earshot.end('SIGTERM')).toBe(0);
    } finally {
      await earshot.kill();
      await proxy.stop();
      await temporary.remove();
    }
  });
});
