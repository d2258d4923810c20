// What is said when the service cannot start, or not go on: one line that a person can act on, or the whole stack where only we can.
import { UnreadableMediaDir } from './adapters/media/unreadable-media-dir.ts';
import { MongoRefuses } from './adapters/mongo/open-mongo.ts';
import { DataDirInUse } from './adapters/postgres/data-dir-lock.ts';
import { DatabaseInUse } from './adapters/postgres/database-lock.ts';
import { MigrationsLocked, MigrationsPending, TablesInUse } from './adapters/postgres/migrate.ts';
import { DataDirDamaged, DatabaseNotMade } from './adapters/postgres/pglite-server.ts';
import { UnsuitableRedis } from './adapters/redis/check-redis.ts';
import { RedisRefuses } from './adapters/redis/connect-redis.ts';
import { scrubbed } from './adapters/system/scrubbed.ts';
import { TransportUnavailable, UnusableDataDir } from './app.ts';
import { BadConfig } from './config.ts';
import { BackupFailed } from './ports/backups.ts';
import { PortInUse } from './ports/sockets.ts';
import { DatabaseFailed, PostgresRefuses } from './stores.ts';
import { UnusableCertificate } from './tls-renewal.ts';

const EXPECTED = [
  BadConfig,
  UnusableDataDir,
  TransportUnavailable,
  DataDirInUse,
  DataDirDamaged,
  DatabaseInUse,
  DatabaseNotMade,
  DatabaseFailed,
  PostgresRefuses,
  UnreadableMediaDir,
  MigrationsPending,
  MigrationsLocked,
  TablesInUse,
  UnsuitableRedis,
  RedisRefuses,
  MongoRefuses,
  PortInUse,
  UnusableCertificate,
  BackupFailed,
];

/** Without what opens a door: it ends in the same logs as everything else. */
export function lineFor(error: unknown): string {
  if (!(error instanceof Error)) return scrubbed(String(error));
  const isExpected = EXPECTED.some((kind) => error instanceof kind);
  return scrubbed(isExpected ? error.message : (error.stack ?? error.message));
}
