// The stores that the contract suites run on: memory, the embedded Postgres, a real one. Each opens empty, and again with what it holds.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { MemoryAccounts } from '../../src/adapters/memory/memory-accounts.ts';
import { MemoryActivityLog } from '../../src/adapters/memory/memory-activity-log.ts';
import { MemoryArchive } from '../../src/adapters/memory/memory-archive.ts';
import { MemoryChatLog } from '../../src/adapters/memory/memory-chat-log.ts';
import { MemoryFriends } from '../../src/adapters/memory/memory-friends.ts';
import { MemoryRevocations } from '../../src/adapters/memory/memory-revocations.ts';
import { MemoryRoomLog } from '../../src/adapters/memory/memory-room-log.ts';
import { MemoryTraces } from '../../src/adapters/memory/memory-traces.ts';
import { MemoryUsers } from '../../src/adapters/memory/memory-users.ts';
import {
  openEmbeddedStores,
  openPostgresStores,
  type PostgresStores,
} from '../../src/adapters/postgres/open-postgres-stores.ts';
import type { FriendLimits } from '../../src/domain/people.ts';
import type { ActivityLog } from '../../src/ports/activity-log.ts';
import type { Accounts } from '../../src/ports/accounts.ts';
import type { Archive } from '../../src/ports/archive.ts';
import type { ChatLog } from '../../src/ports/chat-log.ts';
import type { Friends } from '../../src/ports/friends.ts';
import type { Log } from '../../src/ports/log.ts';
import type { Revocations } from '../../src/ports/revocations.ts';
import type { RoomLog } from '../../src/ports/room-log.ts';
import type { Traces } from '../../src/ports/traces.ts';
import type { Users } from '../../src/ports/users.ts';
import { putEmptyDatabase } from './empty-database.ts';
import type { PostgresServer } from './postgres-server.ts';

export interface Stores {
  readonly roomLog: RoomLog;
  readonly chatLog: ChatLog;
  readonly users: Users;
  readonly friends: Friends;
  readonly accounts: Accounts;
  readonly revocations: Revocations;
  readonly activityLog: ActivityLog;
  readonly archive: Archive;
  readonly traces: Traces;
}

/** Small enough for a test to reach. */
export const TEST_FRIEND_LIMITS: FriendLimits = {
  friends: 4,
  openRequests: 3,
  requestsPerDay: 5,
  blocked: 3,
  shownRequests: 2,
};
const friendLimits = TEST_FRIEND_LIMITS;

/** A kind of stores that is under test. One set of them for a whole suite: tests use rooms and people of their own. */
export interface StoresUnderTest {
  open(): Promise<Stores>;
  /** Closes and opens them again. Absent where nothing outlives the process. */
  readonly reopen?: () => Promise<Stores>;
  /** A second writer beside the first. Absent where there can be none. */
  readonly openSecond?: () => Promise<Stores>;
  close(): Promise<void>;
}

export const SILENT: Log = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  child: () => SILENT,
};

export function memoryStores(): StoresUnderTest {
  return {
    open() {
      const archive = new MemoryArchive();
      const users = new MemoryUsers();
      const roomLog = new MemoryRoomLog(archive);
      const chatLog = new MemoryChatLog();
      return Promise.resolve({
        roomLog,
        chatLog,
        traces: new MemoryTraces(archive, roomLog, chatLog),
        users,
        friends: new MemoryFriends(users, archive, friendLimits),
        accounts: new MemoryAccounts(users),
        revocations: new MemoryRevocations(),
        activityLog: new MemoryActivityLog(),
        archive,
      });
    },
    close: () => Promise.resolve(),
  };
}

export function embeddedStores(): StoresUnderTest {
  const dataDir = mkdtempSync(path.join(tmpdir(), 'earshot-data-'));
  let stores: PostgresStores | undefined;
  const open = async (): Promise<PostgresStores> => {
    await putEmptyDatabase(dataDir);
    stores = await openEmbeddedStores({ dataDir, log: SILENT, friendLimits });
    return stores;
  };
  return {
    open,
    async reopen() {
      await stores?.stop();
      return open();
    },
    async close() {
      await stores?.stop();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

/** In a database of its own on `server`, which is stopped with them. */
export function postgresStores(server: PostgresServer): StoresUnderTest {
  let clientUrl: string | undefined;
  const opened: PostgresStores[] = [];
  const open = async (): Promise<PostgresStores> => {
    clientUrl ??= await server.createDatabase();
    const target = { clientUrl, poolSize: 4 };
    const stores = await openPostgresStores({
      ...{ target, migrate: true, log: SILENT, friendLimits },
    });
    opened.push(stores);
    return stores;
  };
  return {
    open,
    openSecond: open,
    async reopen() {
      for (const stores of opened.splice(0)) await stores.stop();
      return open();
    },
    async close() {
      for (const stores of opened) await stores.stop();
      await server.stop();
    },
  };
}
