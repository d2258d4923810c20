// Which errors of MongoDB say that it is away rather than that something was asked wrongly.
import {
  MongoBulkWriteError,
  MongoError,
  MongoNetworkError,
  MongoNotConnectedError,
  MongoOperationTimeoutError,
  MongoServerError,
  MongoServerSelectionError,
  MongoTopologyClosedError,
  MongoWriteConcernError,
} from 'mongodb';
import { StoreUnavailable } from '../../ports/room-log.ts';

const AWAY = [
  MongoNetworkError,
  MongoNotConnectedError,
  MongoOperationTimeoutError,
  MongoServerSelectionError,
  MongoTopologyClosedError,
  MongoWriteConcernError,
] as const;
/** Not primary, shutting down, stepping down, out of time, too few to acknowledge. */
const AWAY_CODES = new Set([
  50, 64, 89, 91, 100, 189, 202, 262, 9001, 10_107, 11_600, 11_602, 13_435, 13_436,
]);

/** As of the DNS that a `mongodb+srv:` address is looked up in, which the driver passes on as it is. */
function isLookup(error: unknown): boolean {
  return error instanceof Error && 'syscall' in error && /^query/.test(String(error.syscall));
}

export function isMongoAway(error: unknown): boolean {
  if (isLookup(error)) return true;
  if (AWAY.some((kind) => error instanceof kind)) return true;
  if (!(error instanceof MongoServerError)) return false;
  if (error.hasErrorLabel('RetryableWriteError')) return true;
  return typeof error.code === 'number' && AWAY_CODES.has(error.code);
}

/** Unauthorized, authentication failed: of a service that was let in at its start, whose password has been changed meanwhile. */
const NO_MORE_LET_IN_CODES: ReadonlySet<unknown> = new Set([13, 18]);

/** Rejects with `StoreUnavailable` where MongoDB is away, or lets this service in no more; with the driver's error for a fault of what was asked. */
export async function orMongoAway<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const isLetIn = !(error instanceof MongoServerError && NO_MORE_LET_IN_CODES.has(error.code));
    throw isMongoAway(error) || !isLetIn
      ? new StoreUnavailable('MongoDB', { cause: error })
      : error;
  }
}

/** A document that breaks the rules of its collection, cannot be read, is too large, or has a key that is none. */
const DOCUMENT_CODES = new Set([2, 9, 14, 52, 55, 57, 121, 10_334, 17_280, 17_419, 17_420]);

/**
 * For writes, which are told again until they are taken: rejects with the error itself only where it is about a document, which no
 * waiting mends. Whatever else keeps MongoDB from taking it (a full disk, a role that was changed, a connection that was lost in the
 * middle of a bulk, which the driver tells as a fault of the bulk) is `StoreUnavailable`.
 */
export async function unlessOfADocument<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof StoreUnavailable || isOfADocument(error)) throw error;
    throw new StoreUnavailable('MongoDB', { cause: error });
  }
}

function isOfADocument(error: unknown): boolean {
  if (error instanceof MongoBulkWriteError) {
    const faults = [error.writeErrors].flat();
    return faults.length > 0 && faults.some(({ code }) => DOCUMENT_CODES.has(code));
  }
  if (error instanceof MongoServerError)
    return typeof error.code === 'number' && DOCUMENT_CODES.has(error.code);
  // What is no error of the driver, nor of a lookup, is one of ours: of what was to be written.
  return !(error instanceof MongoError) && !isLookup(error);
}
