// MongoDB dies in the middle of what the outbox hands on, several times, and has every listen once when it is back.
import { MongoClient } from 'mongodb';
import { afterAll, describe, expect, it } from 'vitest';
import type { UserId } from '../../protocol/ids.ts';
import { openMongo } from '../../src/adapters/mongo/open-mongo.ts';
import { openEmbeddedStores } from '../../src/adapters/postgres/open-postgres-stores.ts';
import { systemRandom } from '../../src/adapters/system/system-random.ts';
import { systemTimers } from '../../src/adapters/system/system-timers.ts';
import type { ActivityEntry } from '../../src/ports/activity-log.ts';
import { putEmptyDatabase } from '../support/empty-database.ts';
import { temporaryDir } from '../support/earshot-process.ts';
import { silentMetrics } from '../support/hub-world.ts';
import { OwnMongoServer } from '../support/mongo-server.ts';
import { SILENT } from '../support/postgres-stores.ts';
import { orSkipped } from '../support/redis-server.ts';
import { someUserId } from '../support/room-fixtures.ts';

const LISTENS = 300;
const KILLS = 3;
const HEARD_MS = 40_000;
const PATIENCE = { timeout: 90_000, interval: 20 };
const server = await orSkipped('MongoDB', () => OwnMongoServer.start({ keeps: true }));

function listenOf(userId: UserId, n: number): ActivityEntry[] {
  const id = systemRandom.activityId(`${userId} ${n}`);
  const track = { title: `T${n}`, artist: 'A', durationMs: 60_000, hasCover: false };
  const at = 1_000_000 + n * 60_000;
  return [
    { kind: 'activity', activityId: id, userId, version: at, at, track, isPrivate: false },
    {
      ...{ kind: 'heard', listenId: id, userId, track, playKey: id },
      spans: [[at, at + HEARD_MS]],
    },
  ];
}

describe.skipIf(server === undefined)('MongoDB that is killed in the middle of writes', () => {
  if (server === undefined) return;
  afterAll(() => server.stop());

  it('has every listen once, and whole, when it is back', async () => {
    const temporary = await temporaryDir();
    await putEmptyDatabase(temporary.dir);
    const stores = await openEmbeddedStores({ dataDir: temporary.dir, log: SILENT });
    const mongo = await openMongo({ url: server.url, database: 'killed' }, SILENT);
    let cut = 0;
    const activityLog = {
      append: (entries: readonly ActivityEntry[]) =>
        mongo.activityLog.append(entries).catch((error: unknown) => {
          cut += 1;
          throw error;
        }),
    };
    const outbox = stores.createActivityOutbox({
      ...{ activityLog, maxEntries: 100_000, now: () => Date.now() },
      ...{ timers: systemTimers, metrics: silentMetrics, log: SILENT },
    });
    try {
      const ana = someUserId();
      let told = 0;
      const tell = async (count: number) => {
        await outbox.add(Array.from({ length: count }, (_, i) => listenOf(ana, told + i)).flat());
        told += count;
      };
      while (told < LISTENS) await tell(50);
      outbox.start();
      for (let kill = 1; kill <= KILLS; kill += 1) {
        const least = (2 * LISTENS * kill) / (KILLS + 1);
        const watcher = new MongoClient(server.url);
        const written = async (): Promise<number> => {
          const db = watcher.db('killed');
          const [a, b] = await Promise.all(
            ['activities', 'listens'].map((name) => db.collection(name).estimatedDocumentCount()),
          );
          return (a ?? 0) + (b ?? 0);
        };
        await expect.poll(written, PATIENCE).toBeGreaterThan(least);
        const before = cut;
        await server.kill();
        await watcher.close();
        const cuts = async (): Promise<number> => {
          // All may have been written in the moment before the kill.
          await tell(1);
          return cut;
        };
        await expect.poll(cuts, { ...PATIENCE, interval: 200 }).toBeGreaterThan(before);
        await server.startAgain();
      }
      const history = () =>
        mongo.activityLog.historyPage(ana, { limit: 9_999, includePrivate: true });
      await expect.poll(async () => (await history().catch(() => [])).length, PATIENCE).toBe(told);
      const listens = () => mongo.activityLog.listensPage(ana, { limit: 9_999 });
      await expect.poll(async () => (await listens()).length, PATIENCE).toBe(told);
      const ids = new Set((await history()).map(({ activityId }) => activityId));
      expect(ids.size).toBe(told);
      for (const { listenId, heardMs } of await listens()) {
        expect(ids).toContain(listenId);
        expect(heardMs).toBe(HEARD_MS);
      }
    } finally {
      await outbox.stop();
      await mongo.stop();
      await stores.stop();
      await temporary.remove();
    }
  });
});
