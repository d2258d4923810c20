// What operators see of two real nodes over Redis and Postgres: each of them tells of both, one can drain the other, and stores that are
// away are named by whoever lacks them.
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { OperatorCalls } from '../../src/operator-calls.ts';
import { CutProxy } from '../support/cut-proxy.ts';
import type { EarshotProcess } from '../support/earshot-process.ts';
import { SharedServers } from '../support/shared-servers.ts';
import { operatorToken } from '../support/signed-token.ts';
import { WireClient, guestToken } from '../support/wire-client.ts';

const TOKEN_SECRET = 'Zk3vQ9rT1xW7yB5nM8cL2pH6jD4gF0sA';
const SOON = { timeout: 20_000, interval: 100 };
const servers = await SharedServers.start();

interface Readiness {
  readonly ready: boolean;
  readonly reasons: readonly string[];
  readonly away: readonly { readonly store: string }[];
}

async function readinessOf({ url }: EarshotProcess): Promise<Readiness> {
  return (await (await fetch(`${url}/readyz`)).json()) as Readiness;
}

async function storesOf({ url }: EarshotProcess): Promise<Record<string, string>> {
  const text = await (await fetch(`${url}/metrics`)).text();
  const lines = text.matchAll(/^earshot_store_up\{store="(\w+)"\} (\d)$/gm);
  return Object.fromEntries([...lines].map(([, store = '', up = '']) => [store, up]));
}

describe.skipIf(servers === undefined)('the view of the whole service', () => {
  if (servers === undefined) return;
  let east: EarshotProcess;
  let west: EarshotProcess;
  let postgres: CutProxy;
  let redis: CutProxy;
  let token: string;
  const idOf = (node: EarshotProcess): string => String(node.lines[0]?.['node']);
  beforeAll(async () => {
    const through = async (address: string): Promise<[CutProxy, string]> => {
      const url = new URL(address);
      const proxy = await CutProxy.to(Number(url.port));
      url.port = String(proxy.port);
      return [proxy, url.href];
    };
    let POSTGRES_URL: string;
    let REDIS_URL: string;
    [postgres, POSTGRES_URL] = await through(servers.databaseUrl);
    [redis, REDIS_URL] = await through(servers.redis.url);
    const env = { TOKEN_SECRET, DRAIN_MS: '500' };
    [east, west] = await Promise.all([
      servers.node(env),
      servers.node({ ...env, POSTGRES_URL, REDIS_URL }),
    ]);
    token = await operatorToken(TOKEN_SECRET);
  });
  afterAll(async () => {
    await servers.stop();
    await postgres.stop();
    await redis.stop();
  });

  it('is the same from each node: who is where, and rooms that both have once', async () => {
    const here = await WireClient.enter(east.url, await guestToken(east.url, 'Ana'));
    const there = await WireClient.enter(west.url, await guestToken(west.url, 'Ben'));
    const roomId = (await here.ask('room.create', { name: 'Kitchen' }))?.['roomId'];
    expect(await there.ask('room.join', { roomId })).toMatchObject({ type: 'ok' });
    for (const { url } of [east, west]) {
      const calls = new OperatorCalls(url, token);
      // One that is busy may be late with its answer, and is missing then.
      await expect
        .poll(async () => {
          const { nodes, missing } = await calls.nodes();
          const each = nodes.map(({ id, connections }) => `${id} ${connections}`);
          return { missing, each: each.sort() };
        }, SOON)
        .toEqual({ missing: [], each: [`${idOf(east)} 1`, `${idOf(west)} 1`].sort() });
      await expect
        .poll(
          async () => (await calls.rooms(10)).rooms.map(({ id, hereCount }) => [id, hereCount]),
          SOON,
        )
        .toEqual([[roomId, 2]]);
    }
    here.close();
    there.close();
  });

  it('has the figures that the page of the metrics has, and no others', async () => {
    const page = await readFile('docs/metrics.md', 'utf8');
    const documented = new Map(
      [...page.matchAll(/^\| `(\w+)` \| (\w+) \|/gm)].map(([, name = '', kind = '']) => [
        name,
        kind,
      ]),
    );
    const text = await (await fetch(`${east.url}/metrics`)).text();
    const told = new Map(
      [...text.matchAll(/^# TYPE (\w+) (\w+)$/gm)].map(([, name = '', kind = '']) => [name, kind]),
    );
    expect([...told].filter(([name, kind]) => documented.get(name) !== kind)).toEqual([]);
    // Those of what these nodes have not: a retention, a collector of traces, an embedded database to be backed up.
    const optional = /^earshot_(activity_pruned|trace_|backup)/;
    const lacking = [...documented.keys()].filter((name) => !told.has(name));
    expect(lacking.filter((name) => !optional.test(name))).toEqual([]);
  });

  it('names a Postgres that one node lacks, and lets people come: rooms go on without it', async () => {
    postgres.cut();
    await expect
      .poll(async () => (await readinessOf(west)).away.map(({ store }) => store), SOON)
      .toEqual(['postgres']);
    expect(await readinessOf(west)).toMatchObject({ ready: true, reasons: [] });
    expect(await storesOf(west)).toEqual({ redis: '1', postgres: '0' });
    expect(await storesOf(east)).toEqual({ redis: '1', postgres: '1' });
    const { nodes } = await new OperatorCalls(east.url, token).nodes();
    expect(nodes.find(({ id }) => id === idOf(west))?.away).toEqual(['postgres']);
    postgres.mend();
    await expect.poll(async () => (await readinessOf(west)).away, SOON).toEqual([]);
    const said = west.lines.filter(
      (line) => line['store'] === 'Postgres' && line.level !== 'debug',
    );
    expect(said.map(({ msg }) => msg)).toEqual(['a store is away', 'a store is back']);
  });

  it('names a node that is cut off from Redis as missing, which sends people elsewhere by itself', async () => {
    redis.cut();
    await expect
      .poll(() => readinessOf(west), SOON)
      .toMatchObject({ ready: false, away: [{ store: 'redis' }] });
    expect((await readinessOf(west)).reasons.join()).toMatch(/channels of Redis/);
    const asked = await fetch(`${west.url}/v1/operator/nodes`, {
      headers: { authorization: `Bearer ${token}` },
    });
    expect(asked.status).toBe(503);
    redis.mend();
    await expect
      .poll(() => readinessOf(west), SOON)
      .toEqual({ ready: true, reasons: [], away: [] });
    await expect
      .poll(async () => (await new OperatorCalls(east.url, token).nodes()).nodes.length, SOON)
      .toBe(2);
  });

  it('drains the other node: its people are asked to come here, and its end is their last moment there', async () => {
    const ben = await WireClient.enter(west.url, await guestToken(west.url, 'Ben'));
    const report = await new OperatorCalls(east.url, token).drain(idOf(west), 60_000);
    expect(report).toMatchObject({ id: idOf(west), isReady: false, reasons: ['draining'] });
    expect(await ben.push(({ type }) => type === 'hub.draining')).toMatchObject({
      reconnectWithinMs: 60_000,
    });
    expect((await readinessOf(east)).ready).toBe(true);
    expect((await readinessOf(west)).ready).toBe(false);
    // The operator's minute is not waited for by a process that is told to end: it has a window of its own.
    const ended = west.end('SIGTERM');
    await ben.push((push) => push.type === 'hub.draining' && push['reconnectWithinMs'] === 500);
    await ben.push(() => false);
    expect(ben.closed?.code).toBeGreaterThanOrEqual(4000);
    expect(ben.closed?.code).toBeLessThan(4500);
    expect(await ended).toBe(0);
  });
});
