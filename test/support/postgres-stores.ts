// The stores that the contract suites run on: memory, the embedded Postgres, a real one. Each opens empty, and again with what it holds.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { MemoryArchive } from '../../src/adapters/memory/memory-archive.ts';
import { MemoryChatLog } from '../../src/adapters/memory/memory-chat-log.ts';
import { MemoryRoomLog } from '../../src/adapters/memory/memory-room-log.ts';
import { MemoryUsers } from '../../src/adapters/memory/memory-users.ts';
import {
  openEmbeddedStores,
  openPostgresStores,
  type PostgresStores,
} from '../../src/adapters/postgres/open-postgres-stores.ts';
import type { Archive } from '../../src/ports/archive.ts';
import type { ChatLog } from '../../src/ports/chat-log.ts';
import type { Log } from '../../src/ports/log.ts';
import type { RoomLog } from '../../src/ports/room-log.ts';
import type { Users } from '../../src/ports/users.ts';
import type { PostgresServer } from './postgres-server.ts';

export interface Stores {
  readonly roomLog: RoomLog;
  readonly chatLog: ChatLog;
  readonly users: Users;
  readonly archive: Archive;
}

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
      return Promise.resolve({
        roomLog: new MemoryRoomLog(archive),
        chatLog: new MemoryChatLog(),
        users: new MemoryUsers(),
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
    stores = await openEmbeddedStores({ dataDir, log: SILENT });
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
    const stores = await openPostgresStores({ target, migrate: true, log: SILENT });
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
