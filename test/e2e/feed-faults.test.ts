// Real nodes over a Redis and a MongoDB that go and come, and nodes that die: nobody is ever shown what began after they were shut out,
// all is as it ought to be a while after all is well, and the histories are complete, each thing once. `EARSHOT_FEED_FAULT_SEED` is another run.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CutProxy } from '../support/cut-proxy.ts';
import { EarshotProcess, temporaryDir } from '../support/earshot-process.ts';
import { FeedNeighbours } from '../support/feed-neighbours.ts';
import { startMongoServer } from '../support/mongo-server.ts';
import { startPostgresServer } from '../support/postgres-server.ts';
import { orSkipped } from '../support/redis-server.ts';
import { NO_RATES } from '../support/shared-servers.ts';
import { FaultProxy } from '../torture/fault-proxy.ts';
import { RedisProcess } from '../torture/redis-process.ts';
import { pause, until } from '../torture/until.ts';

const SEED = Number(process.env['EARSHOT_FEED_FAULT_SEED'] ?? 1);
const PEOPLE = 6;
const NODES = 3;
const ACTS_A_FAULT = 25;
const BETWEEN_ACTS_MS = 300;
/** What was begun last is shown by then. */
const SHOWN_MS = 9_000;
/** A node that is cut off tries again after seconds, and one that died is missed after fifteen. */
const HEALS_MS = 60_000;

const postgres = await startPostgresServer();
const mongo = await orSkipped('MongoDB', startMongoServer);
const redis = await orSkipped('Redis', async () => {
  const server = await RedisProcess.make();
  await server.start();
  return server;
});
const isMissing = postgres === undefined || mongo === undefined || redis === undefined;

describe.skipIf(isMissing)('the feed and the histories of three nodes', () => {
  if (postgres === undefined || mongo === undefined || redis === undefined) return;
  const cleanUps: (() => unknown)[] = [];
  const nodes: EarshotProcess[] = [];
  const links: FaultProxy[] = [];
  let toMongo: CutProxy;
  let neighbours: FeedNeighbours;
  let common: Record<string, string>;

  async function start(place: number): Promise<void> {
    const temporary = await temporaryDir();
    cleanUps.push(() => temporary.remove());
    const REDIS_URL = `redis://127.0.0.1:${links[place]!.port}`;
    const node = await EarshotProcess.start({ ...common, REDIS_URL, DATA_DIR: temporary.dir });
    cleanUps.push(() => node.kill());
    nodes[place] = node;
  }

  beforeAll(async () => {
    cleanUps.push(() => postgres.stop());
    cleanUps.push(() => mongo.stop());
    cleanUps.push(() => redis.stop());
    toMongo = await CutProxy.to(Number(new URL(mongo.url).port));
    cleanUps.push(() => toMongo.stop());
    common = {
      ...NO_RATES,
      POSTGRES_URL: await postgres.createDatabase(),
      MONGODB_URL: `mongodb://127.0.0.1:${toMongo.port}/?directConnection=true`,
      MONGODB_DATABASE: `earshot_${Date.now()}`,
      TOKEN_SECRET: 'a secret of all nodes that is long enough',
    };
    for (let place = 0; place < NODES; place += 1) {
      const link = await FaultProxy.to(redis.port);
      cleanUps.push(() => link.stop());
      links.push(link);
    }
    for (let place = 0; place < NODES; place += 1) await start(place);
    neighbours = await FeedNeighbours.settle(PEOPLE, () => nodes, SEED);
    cleanUps.push(() => neighbours.leave());
    await neighbours.everybodyComes();
    await neighbours.everybodyBefriends();
    await neighbours.everybodyListens();
    await pause(SHOWN_MS);
  });
  afterAll(async () => {
    for (const cleanUp of cleanUps.reverse()) await cleanUp();
  });

  async function live(acts = ACTS_A_FAULT): Promise<void> {
    for (let n = 0; n < acts; n += 1) {
      await neighbours.act();
      await pause(BETWEEN_ACTS_MS);
    }
  }

  async function settles(): Promise<void> {
    await neighbours.everybodyComes();
    await neighbours.everybodyListens();
    await pause(SHOWN_MS);
    try {
      await expect
        .poll(() => neighbours.problems(), { timeout: HEALS_MS, interval: 250 })
        .toEqual([]);
    } catch (error) {
      throw new Error(`seed ${SEED}, after:\n  ${neighbours.acts.slice(-40).join('\n  ')}`, {
        cause: error,
      });
    }
  }

  it('is right while all is well', async () => {
    await live();
    await settles();
    expect(neighbours.ledger.shown).toBeGreaterThan(PEOPLE * PEOPLE);
  });

  it('is right after a node was cut off from Redis, with MongoDB away', async () => {
    toMongo.cut();
    links[0]!.cut();
    await live();
    links[0]!.heal();
    await settles();
  });

  it('is right after all that Redis told two nodes was held back', async () => {
    links[1]!.hold('down');
    links[2]!.hold('down');
    await live();
    links[1]!.heal();
    links[2]!.heal();
    await settles();
  });

  it('is right after Redis died, and came back with what it had', async () => {
    await redis.kill();
    await live(ACTS_A_FAULT / 2);
    await redis.start();
    await live(ACTS_A_FAULT / 2);
    await settles();
  });

  it('is right after Redis came back empty, with MongoDB here again', async () => {
    await redis.kill();
    await redis.wipe();
    await redis.start();
    toMongo.mend();
    await live();
    await settles();
  });

  it('is right after a node was killed', async () => {
    const [dead] = nodes.splice(0, 1);
    await dead!.kill();
    neighbours.nodeDied(dead!);
    await live(ACTS_A_FAULT / 2);
    nodes.unshift(dead!);
    await start(0);
    await settles();
  });

  it('has kept what was listened to, each once, and nothing private or taken back', async () => {
    await until('the histories are complete', HEALS_MS, async () => {
      const problems = await neighbours.historyProblems();
      if (problems.length > 0) throw new Error(problems.join('; '));
      return true;
    });
  });
});
