// Which errors of a write say that it is to be told again, and which that it never will be taken.
import { MongoBulkWriteError, MongoNetworkError, MongoServerError } from 'mongodb';
import { describe, expect, it } from 'vitest';
import { orMongoAway, unlessOfADocument } from '../../../src/adapters/mongo/mongo-away.ts';
import { StoreUnavailable } from '../../../src/ports/room-log.ts';

function bulk(...codes: readonly number[]): MongoBulkWriteError {
  const writeErrors = codes.map((code, index) => ({ code, index, errmsg: 'no' }));
  const error = { message: 'no', code: 1, writeErrors: writeErrors as never };
  return new MongoBulkWriteError(error, {} as never);
}
const lookup = Object.assign(new Error('querySrv ENOTFOUND _mongodb._tcp.here.example'), {
  ...{ code: 'ENOTFOUND', syscall: 'querySrv' },
});
const answer = (code: number): MongoServerError => new MongoServerError({ message: 'no', code });
const outcome = (error: Error): Promise<unknown> =>
  unlessOfADocument(() => Promise.reject(error)).catch((cause: unknown) => cause);

describe('a write to MongoDB that fails', () => {
  it.each<[string, Error]>([
    ['the connection', new MongoNetworkError('gone')],
    ['a bulk whose connection was lost', bulk()],
    ['a role that was changed', answer(13)],
    ['a password that was changed', answer(18)],
    ['a full disk', answer(14_031)],
    ['what nobody has heard of', answer(999_999)],
    ['the lookup of a mongodb+srv: address', lookup],
  ])('for %s is told again', async (_name, error) => {
    expect(await outcome(error)).toBeInstanceOf(StoreUnavailable);
  });

  it.each<[string, Error]>([
    ['the rules of a collection', answer(121)],
    ['one document of a bulk', bulk(11_000, 121)],
    ['a document that is too large', answer(10_334)],
    ['what is no document at all', new TypeError('not to be written')],
  ])('for %s is told once', async (_name, error) => {
    expect(await outcome(error)).toBe(error);
  });
});

describe('a question to MongoDB that fails', () => {
  const asked = (error: Error): Promise<unknown> =>
    orMongoAway(() => Promise.reject(error)).catch((cause: unknown) => cause);

  it.each<[string, Error]>([
    ['the connection', new MongoNetworkError('gone')],
    ['a role that was changed', answer(13)],
    ['a password that was changed', answer(18)],
    ['the lookup of a mongodb+srv: address', lookup],
  ])('for %s can be asked again later', async (_name, error) => {
    expect(await asked(error)).toBeInstanceOf(StoreUnavailable);
  });

  it('for what was asked is a fault', async () => {
    const error = answer(2);
    expect(await asked(error)).toBe(error);
  });
});
