// A real process whose history is in MongoDB: that is away for a while, the process is killed meanwhile, and nothing is lost or twice.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CutProxy } from '../support/cut-proxy.ts';
import { EarshotProcess, temporaryDir } from '../support/earshot-process.ts';
import { startMongoServer } from '../support/mongo-server.ts';
import { orSkipped } from '../support/redis-server.ts';
import { WireClient, guestToken, type GuestToken } from '../support/wire-client.ts';

const server = await orSkipped('MongoDB', startMongoServer);
/** Shown, and told to the history, after five seconds. */
const SHOWN_MS = 7_000;
const FOUND = { timeout: 30_000 };

describe.skipIf(server === undefined)('listening kept in MongoDB', () => {
  if (server === undefined) return;
  const cleanUps: (() => Promise<unknown>)[] = [];
  let proxy: CutProxy;
  let env: Record<string, string> & { readonly DATA_DIR: string };
  let earshot: EarshotProcess;
  let ana: GuestToken;

  beforeAll(async () => {
    cleanUps.push(() => server.stop());
    proxy = await CutProxy.to(Number(new URL(server.url).port));
    cleanUps.push(() => proxy.stop());
    const temporary = await temporaryDir();
    cleanUps.push(() => temporary.remove());
    env = {
      DATA_DIR: temporary.dir,
      MONGODB_URL: `mongodb://127.0.0.1:${proxy.port}/?directConnection=true`,
      MONGODB_DATABASE: `earshot_${Date.now()}`,
    };
    earshot = await EarshotProcess.start(env);
    cleanUps.push(() => earshot.kill());
    ana = await guestToken(earshot.url, 'Ana');
  });
  afterAll(async () => {
    for (const cleanUp of cleanUps.reverse()) await cleanUp();
  });

  const listen = async (title: string): Promise<void> => {
    const client = await WireClient.enter(earshot.url, ana);
    const track = { title, artist: 'A', durationMs: 600_000 };
    await client.ask('activity.set', { track, positionMs: 0, state: 'playing' });
    await new Promise((resolve) => setTimeout(resolve, SHOWN_MS));
    await client.ask('activity.set', { track, positionMs: 0, state: 'stopped' });
    client.close();
  };
  const history = async (): Promise<string[] | number> => {
    const response = await fetch(`${earshot.url}/v1/users/${ana.user.id}/history`, {
      headers: { authorization: `Bearer ${ana.token}` },
    });
    if (!response.ok) return response.status;
    const { items } = (await response.json()) as { items: { track: { title: string } }[] };
    return items.map(({ track }) => track.title);
  };

  const readiness = async (): Promise<unknown> => {
    const response = await fetch(`${earshot.url}/readyz`);
    const { ready, away } = (await response.json()) as {
      ready: boolean;
      away: { store: string }[];
    };
    return [response.status, ready, away.map(({ store }) => store)];
  };
  const storeUp = async (): Promise<string | undefined> => {
    const text = await (await fetch(`${earshot.url}/metrics`)).text();
    return /^earshot_store_up\{store="mongodb"\} (\d)$/m.exec(text)?.[1];
  };

  it('is complete, each once, after MongoDB was away and the process was killed', async () => {
    await listen('before');
    await expect.poll(history, FOUND).toEqual(['before']);

    proxy.cut();
    await listen('while it is away');
    expect(await history()).toBe(503);
    // Rooms go on without it: visitors are told to come, operators that it is away.
    await expect.poll(readiness, FOUND).toEqual([200, true, ['mongodb']]);
    expect(await storeUp()).toBe('0');
    await earshot.kill();

    // It starts without.
    earshot = await EarshotProcess.start(env);
    cleanUps.push(() => earshot.kill());
    await listen('after a restart');
    expect(await history()).toBe(503);

    proxy.mend();
    await expect.poll(history, FOUND).toEqual(['after a restart', 'while it is away', 'before']);
    await expect.poll(readiness, FOUND).toEqual([200, true, []]);
    expect(await storeUp()).toBe('1');
  });
});
