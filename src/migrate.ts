#!/usr/bin/env node
// The command that brings the tables of a Postgres up to this version, or one version down, tells where they are, or that they are a backup's.
import { lockDatabase } from './adapters/postgres/database-lock.ts';
import { migrateDown, migrateUp } from './adapters/postgres/migrate.ts';
import { migrationStatus } from './adapters/postgres/migration-status.ts';
import { epochsSince, openPostgresStores } from './adapters/postgres/open-postgres-stores.ts';
import { createPinoLog } from './adapters/system/pino-log.ts';
import { systemTimers } from './adapters/system/system-timers.ts';
import { readConfig } from './config.ts';
import { awayLine, lineFor } from './exit-line.ts';
import type { Log } from './ports/log.ts';
import { OperationalError } from './ports/operational-error.ts';
import { StoreUnavailable } from './ports/room-log.ts';
import { untilThere } from './store-opening.ts';

const USAGE = 'usage: node dist/src/migrate.js [up | down | status | restored]';

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

async function main(word: string): Promise<void> {
  const { postgres, redis, logLevel } = readConfig(process.env, 'tend');
  if (postgres === undefined) {
    throw new OperationalError(
      'POSTGRES_URL is not set: the embedded database is migrated at each start',
    );
  }
  const target = { clientUrl: postgres.url, poolSize: 1 };
  const log = createPinoLog('silent');
  const told = createPinoLog(logLevel);
  if (word === 'up') {
    const waiting = {
      log: told,
      front: { waitFor: () => undefined },
      life: { isOver: false },
    };
    // Started beside a Postgres that takes its time, as nodes are. Whoever asks for the rest is a person, who waits for an answer.
    const names = await untilThere('Postgres', waiting, () => migrateUp(target, told));
    for (const name of names) say(`migrated ${name}`);
    if (names.length === 0) say('the tables are up to date');
  } else if (word === 'down') {
    const name = await migrateDown(target, told);
    say(name === undefined ? 'there is nothing to take back' : `took back ${name}`);
  } else if (word === 'status') {
    for (const { name, state } of await migrationStatus(target, log)) say(`${state} ${name}`);
  } else if (word === 'restored') {
    if (redis !== undefined)
      throw new OperationalError('with Redis the nodes see by themselves what is old');
    say(`rooms that go on under a new epoch: ${await beginEpochs(target, log)}`);
  } else {
    throw new OperationalError(USAGE);
  }
}

/** What was done after the backup must not be taken for what is done from now on, and a restore not for another one of the same backup. */
async function beginEpochs(
  target: { readonly clientUrl: string; readonly poolSize: number },
  log: Log,
): Promise<number> {
  const failed = (): undefined => undefined;
  const lock = { target, use: 'alone', timers: systemTimers, log, failed, patienceMs: 0 } as const;
  const unlock = await lockDatabase(lock);
  try {
    const stores = await openPostgresStores({ target, migrate: true, log });
    try {
      const heartbeat = await stores.kv.get('heartbeat');
      const aliveAt = typeof heartbeat === 'number' ? heartbeat : Date.now();
      return await stores.beginEpochs(epochsSince(aliveAt));
    } finally {
      await stores.stop();
    }
  } finally {
    await unlock();
  }
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error instanceof StoreUnavailable) return awayLine(error, 'POSTGRES_URL');
  // What Postgres itself says, as of a wrong password.
  const isAnswer = 'code' in error && typeof error.code === 'string';
  return isAnswer ? error.message : lineFor(error);
}

// The first process of a container is sent no signal that it does not listen to. What it has begun is undone by Postgres.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(1));

try {
  await main(process.argv[2] ?? 'up');
} catch (error) {
  process.stderr.write(`earshot: ${reasonOf(error)}\n`);
  process.exitCode = 1;
}
