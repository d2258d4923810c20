// What a process says when it cannot start: one line that names the key, and nothing that opens a door.
import { MongoParseError } from 'mongodb';
import { describe, expect, it } from 'vitest';
import { MongoRefuses, openMongo } from '../../src/adapters/mongo/open-mongo.ts';
import { TablesInUse } from '../../src/adapters/postgres/migrate.ts';
import { MigrationsPending } from '../../src/adapters/postgres/migration-status.ts';
import { TransportUnavailable } from '../../src/app.ts';
import { awayLine, lineFor } from '../../src/exit-line.ts';
import { StoreUnavailable } from '../../src/ports/room-log.ts';
import { SILENT } from '../support/postgres-stores.ts';

describe('the line of a start that cannot be', () => {
  it('is what a person can mend, without a stack', () => {
    const cause = new Error('why');
    for (const error of [
      new TransportUnavailable('uWebSockets.js cannot be loaded on linux-x64'),
      new MongoRefuses('MongoDB refuses: Authentication failed.', { cause }),
      new MigrationsPending(['one']),
      new TablesInUse(240_000, { cause }),
    ])
      expect(lineFor(error)).toBe(error.message);
    expect(lineFor(new Error('ours'))).toContain('exit-line.test.ts');
  });

  it.each([
    ['mongodb://here/?nonsense=1', 'option nonsense is not supported'],
    ['mongodb://here:99999', '99999'],
    ['mongodb+srv://here.example:22/', 'port'],
    ['mongodb://here/?tls=true&tls=false', 'tls'],
    ['mongodb://ana:hush@here/?nonsense=1', 'option nonsense is not supported'],
    ['mongodb://ana:hu@sh:qu@iet@here/', 'percent-encoded'],
    ['mongodb://ana:hush%quiet@here/', 'percent-encoded'],
    ['mongodb://ana:hush/quiet@here/', 'unescaped characters'],
    ['mongodb://ana:x?hush=quiet@here/', 'unescaped characters'],
    ['mongodb://ana:x/?hush=quiet@here/', ''],
    ['mongodb://ana:hush,quiet:99999@here/', ''],
    ['mongodb://ana:hush#quiet@here/', ''],
  ])('names MONGODB_URL for %s, and never a part of its password', async (url, why) => {
    const error: unknown = await openMongo({ url, database: 'earshot' }, SILENT).then(
      async (opened) => opened.stop(),
      (reason: unknown) => reason,
    );
    if (error === undefined) expect.unreachable('it is taken for an address');
    expect(error).toBeInstanceOf(MongoRefuses);
    const line = lineFor(error);
    expect(line).toMatch(/^MONGODB_URL: .+$/);
    expect(line).toContain(why);
    expect(line).not.toMatch(/hush|quiet|hu@|sh:qu/);
  });

  it('says of a server that is away why, and what names it, without its password', () => {
    const cause = new Error('no route to redis://ana:hush@there:6379');
    expect(awayLine(new StoreUnavailable('Redis', { cause }), 'REDIS_URL', 'POSTGRES_URL')).toBe(
      'Redis is not available (no route to redis://ana:[secret]@there:6379): see that REDIS_URL and POSTGRES_URL are right',
    );
    expect(awayLine(new StoreUnavailable('Postgres'), 'POSTGRES_URL')).toBe(
      'Postgres is not available: see that POSTGRES_URL is right',
    );
  });

  it('keeps what the driver said as the cause', async () => {
    const opening = openMongo({ url: 'mongodb://here/?a=1', database: 'earshot' }, SILENT);
    await expect(opening).rejects.toMatchObject({ cause: expect.any(MongoParseError) as Error });
  });
});
