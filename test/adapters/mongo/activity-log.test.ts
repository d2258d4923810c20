// The contract of the activity log on MongoDB, and what its collections refuse.
import { MongoClient, MongoServerError } from 'mongodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MongoActivityLog } from '../../../src/adapters/mongo/mongo-activity-log.ts';
import {
  openCollections,
  type MongoCollections,
} from '../../../src/adapters/mongo/mongo-collections.ts';
import { activityLogContract } from '../../contract/activity-log.contract.ts';
import type { ContextOf } from '../../contract/context.ts';
import { startMongoServer } from '../../support/mongo-server.ts';
import { orSkipped } from '../../support/redis-server.ts';

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

  it('opens what is open already', async () => {
    await expect(open()).resolves.toBeDefined();
  });
});
