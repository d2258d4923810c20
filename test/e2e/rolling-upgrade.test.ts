// An upgrade at noon: three nodes on one Redis and Postgres, each asked to end and started again, one after the other, under people who
// listen, steer and talk. The load test's ledger says whether anything was lost, and its clocks whether anybody heard another moment.
import path from 'node:path';
import { writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EarshotProcess, temporaryDir } from '../support/earshot-process.ts';
import { freePort } from '../support/free-port.ts';
import { startLoadTest, type LoadTestRun, type RunningLoadTest } from '../support/load-test.ts';
import { SharedServers } from '../support/shared-servers.ts';

const NODES = 3;
const ROOMS = 12;
const LISTENERS = 6;
const DRAIN_MS = 3_000;
/** What is still to come when the last is back is looked at, too. */
const AFTERWARDS_MS = 5_000;
const SCENARIO = {
  name: 'rolling',
  groups: [
    {
      ...{ kind: 'rooms', rooms: ROOMS, listeners: LISTENERS, preset: 'friends', tracks: 2 },
      acts: { seek: 6, queue: 20, chat: 60 },
    },
  ],
  phases: [
    { name: 'ramp', seconds: 3, from: 0, load: 1 },
    // Until it is told to end.
    { name: 'steady', seconds: 600, measured: true },
  ],
  settleSeconds: 2,
  thresholds: [],
};

let servers: SharedServers | undefined;
const cleanUps: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  servers = await SharedServers.start();
  if (servers !== undefined) cleanUps.push(() => servers!.stop());
});
afterAll(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

type Env = Readonly<Record<string, string>> & { readonly DATA_DIR: string };

/** All that were started, to be ended whatever comes. */
interface Stage {
  readonly nodes: EarshotProcess[];
  loadTest: RunningLoadTest | undefined;
}

async function rolled(envs: readonly Env[], dir: string, stage: Stage): Promise<LoadTestRun> {
  const { nodes } = stage;
  for (const env of envs) nodes.push(await EarshotProcess.start(env));
  const scenario = path.join(dir, 'rolling.json');
  await writeFile(scenario, JSON.stringify(SCENARIO));
  const urls = nodes.map(({ url }) => url).join(',');
  const running = startLoadTest(
    [scenario, '--url', urls, '--ledger-only', '--threads', '1'],
    path.join(dir, 'report'),
    { TOKEN_SECRET: envs[0]?.['TOKEN_SECRET'] ?? '' },
  );
  stage.loadTest = running;
  const all = async (): Promise<number> => {
    const each = await Promise.all(nodes.map((node) => node.metric('earshot_connections')));
    return each.reduce((sum, here) => sum + here, 0);
  };
  await expect.poll(all, { timeout: 60_000 }).toBe(ROOMS * LISTENERS);
  for (const [i, env] of envs.entries()) {
    expect(await nodes[i]?.end('SIGTERM')).toBe(0);
    nodes[i] = await EarshotProcess.start(env);
    // Nobody lost their place: they are on the other nodes.
    await expect.poll(all, { timeout: 30_000 }).toBe(ROOMS * LISTENERS);
  }
  await new Promise((resolve) => setTimeout(resolve, AFTERWARDS_MS));
  running.end('SIGINT');
  return running.ended;
}

describe('a rolling upgrade of three nodes under load', () => {
  it(
    'loses nothing, keeps everybody in step, and lets nobody wait',
    { timeout: 240_000, retry: 1 },
    async (context) => {
      if (servers === undefined) {
        context.skip('no Redis, or no Postgres');
        return;
      }
      const shared = servers;
      const temporary = await temporaryDir();
      const stage: Stage = { nodes: [], loadTest: undefined };
      try {
        const envs: Env[] = [];
        while (envs.length < NODES)
          envs.push({
            ...(await shared.env()),
            ...{ PORT: String(await freePort()), DRAIN_MS: String(DRAIN_MS) },
          });
        const { report, output } = await rolled(envs, temporary.dir, stage);
        expect(report?.faults, output).toEqual([]);
        expect(report?.counts.lost, output).toBe(0);
        expect(report?.sent['revisions']).toBeGreaterThan(100);
        expect(report?.sent['chatItems']).toBeGreaterThan(100);
        const { resume, 'inStep.error': error } = report?.latencies ?? {};
        // Whoever was on a node that went: at least a third of them, three times.
        expect(resume?.count, output).toBeGreaterThanOrEqual(ROOMS * LISTENERS);
        console.log(`rolling upgrade: ${JSON.stringify({ resume, error })}`);
        expect(resume?.p99Ms, output).toBeLessThan(1_000);
        expect(error?.p999Ms, output).toBeLessThan(20);
      } finally {
        stage.loadTest?.end('SIGKILL');
        await Promise.all(stage.nodes.map((node) => node.kill()));
        await temporary.remove();
      }
    },
  );
});
