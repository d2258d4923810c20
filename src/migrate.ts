#!/usr/bin/env node
// The command that brings the tables of a Postgres up to this version, or one version down, or tells where they are.
import {
  MigrationsLocked,
  migrateDown,
  migrateUp,
  migrationStatus,
} from './adapters/postgres/migrate.ts';
import { createPinoLog } from './adapters/system/pino-log.ts';
import { readConfig } from './config.ts';
import { lineFor } from './exit-line.ts';
import { StoreUnavailable } from './ports/room-log.ts';

const USAGE = 'usage: npm run migrate [-- up | down | status]';

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

async function main(word: string): Promise<void> {
  const { postgres } = readConfig(process.env, 'tend');
  if (postgres === undefined) {
    throw new Problem('POSTGRES_URL is not set: the embedded database is migrated at each start');
  }
  const target = { clientUrl: postgres.url, poolSize: 1 };
  const log = createPinoLog('silent');
  if (word === 'up') {
    const names = await migrateUp(target, log);
    for (const name of names) say(`migrated ${name}`);
    if (names.length === 0) say('the tables are up to date');
  } else if (word === 'down') {
    const name = await migrateDown(target, log);
    say(name === undefined ? 'there is nothing to take back' : `took back ${name}`);
  } else if (word === 'status') {
    for (const { name, state } of await migrationStatus(target, log)) say(`${state} ${name}`);
  } else {
    throw new Problem(USAGE);
  }
}

/** What the person who gave the command can mend. */
class Problem extends Error {}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error instanceof StoreUnavailable) {
    const { cause } = error;
    return `${error.message}${cause instanceof Error ? ` (${cause.message})` : ''}: see that POSTGRES_URL is right`;
  }
  // What Postgres itself says, as of a wrong password.
  const isAnswer = 'code' in error && typeof error.code === 'string';
  const isExpected = isAnswer || error instanceof Problem || error instanceof MigrationsLocked;
  return isExpected ? error.message : lineFor(error);
}

try {
  await main(process.argv[2] ?? 'up');
} catch (error) {
  process.stderr.write(`earshot: ${reasonOf(error)}\n`);
  process.exitCode = 1;
}
