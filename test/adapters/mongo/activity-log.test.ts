// The contract of the activity log on MongoDB, and what its collections refuse.
import { MongoClient, MongoServerError, type Document } from 'mongodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MongoActivityLog } from '../../../src/adapters/mongo/mongo-activity-log.ts';
import {
  openCollections,
  type MongoCollections,
} from '../../../src/adapters/mongo/mongo-collections.ts';
import type { UserId } from '../../../protocol/ids.ts';
import { systemRandom } from '../../../src/adapters/system/system-random.ts';
import { IMPORTED, importedEntry } from '../../../src/domain/imported-listen.ts';
import type { HeardEntry } from '../../../src/ports/activity-log.ts';
import { someUserId } from '../../support/room-fixtures.ts';
import { activityLogContract } from '../../contract/activity-log.contract.ts';
import type { ContextOf } from '../../contract/context.ts';
import { startMongoServer } from '../../support/mongo-server.ts';
import { orSkipped } from '../../support/redis-server.ts';

interface AskedOfPlays {
  readonly playKey: { readonly $in?: readonly string[] };
}

function heardAt(userId: UserId, playKey: string, at: number): HeardEntry {
  const track = { title: 'A', artist: 'Ana', durationMs: 1_000, hasCover: false };
  return {
    ...{ kind: 'heard', listenId: systemRandom.activityId(`${userId} ${playKey}`), userId },
    ...{ track, playKey, spans: [[at, at + 600]] },
  };
}

const server = await orSkipped('MongoDB', startMongoServer);

describe.skipIf(server === undefined)('MongoDB', () => {
  if (server === undefined) return;
  const clients: MongoClient[] = [];
  const name = `earshot_${Date.now()}`;
  let collections: MongoCollections;
  const open = async (): Promise<MongoCollections> => {
    const client = new MongoClient(server.url, { w: 'majority' });
    clients.push(client);
    return openCollections(client.db(name));
  };
  const logOn = (opened: MongoCollections): MongoActivityLog =>
    new MongoActivityLog({ collections: () => Promise.resolve(opened) });
  let log: MongoActivityLog;

  beforeAll(async () => {
    collections = await open();
    log = logOn(collections);
  }, 60_000);
  afterAll(async () => {
    await clients[0]?.db(name).dropDatabase();
    for (const client of clients) await client.close();
    await server.stop();
  });

  const context: ContextOf<'activityLog'> = {
    stores: () => ({ activityLog: log }),
    underTest: { openSecond: async () => ({ activityLog: logOn(await open()) }), reopen: true },
    async reopen() {
      await Promise.all(clients.splice(0).map((client) => client.close(true)));
      collections = await open();
      log = logOn(collections);
      return { activityLog: log };
    },
  };
  activityLogContract(context);

  it('refuses a document that is none', async () => {
    const wrong = { _id: 'x', userId: { $ne: '' }, at: 'now' } as never;
    await expect(collections.activities.insertOne(wrong)).rejects.toThrow(MongoServerError);
    await expect(collections.listens.insertOne(wrong)).rejects.toThrow(MongoServerError);
  });

  it('sums within a time, with no more at once than some plays, and looks for nobody who heard what was imported', async () => {
    const commands: Document[] = [];
    const client = new MongoClient(server.url, { w: 'majority', monitorCommands: true });
    clients.push(client);
    client.on('commandStarted', ({ commandName, command }) => {
      if (['find', 'aggregate', 'getMore'].includes(commandName)) commands.push(command);
    });
    const watched = logOn(await openCollections(client.db(name)));
    const [ana, ben] = [someUserId(), someUserId()];
    const plays = Array.from({ length: 510 }, (_, n) => n);
    await log.append(plays.map((n) => heardAt(ana, `play ${n}`, n * 1_000)));
    const shared = plays.filter((n) => n % 100 === 0 || n > 506);
    await log.append(shared.map((n) => heardAt(ben, `play ${n}`, n * 1_000)));
    const elsewhere = { at: 5, title: 'A', artist: 'Ana', durationMs: 60_000 };
    const idOf = (seed: string): string => systemRandom.activityId(seed);
    await log.importListens([importedEntry(ana, elsewhere, idOf)], 6);
    const ever = { from: 0, to: Number.MAX_SAFE_INTEGER, limit: 9 };

    commands.length = 0;
    expect(await watched.together(ana, ever)).toEqual([
      { userId: ben, heardMs: shared.length * 600, plays: shared.length },
    ]);
    const finds = commands.filter(({ find }) => find !== undefined);
    const asked = finds.map(({ filter }) => (filter as AskedOfPlays).playKey.$in);
    expect(asked.map((keys) => keys?.length)).toEqual([undefined, 500, 10]);
    expect(asked.flat().join()).not.toContain(IMPORTED);
    for (const { projection, maxTimeMS } of finds) {
      expect(projection).toMatchObject({ playKey: 1, spans: 1 });
      expect(maxTimeMS).toBeGreaterThan(0);
    }

    commands.length = 0;
    const counts = await watched.counts(ana, { ...ever, by: 'artist', timeZone: 'UTC' });
    expect(counts).toEqual([{ key: 'Ana', listens: 511, heardMs: 510 * 600 + 30_000 }]);
    expect(commands).toMatchObject([{ aggregate: 'listens', maxTimeMS: 10_000 }]);
  });

  it('opens what is open already', async () => {
    await expect(open()).resolves.toBeDefined();
  });
});
