// Which errors of MongoDB say that it is away rather than that something was asked wrongly.
import {
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

export function isMongoAway(error: unknown): boolean {
  if (AWAY.some((kind) => error instanceof kind)) return true;
  if (!(error instanceof MongoServerError)) return false;
  if (error.hasErrorLabel('RetryableWriteError')) return true;
  return typeof error.code === 'number' && AWAY_CODES.has(error.code);
}

/** Rejects with `StoreUnavailable` where MongoDB is away; with the driver's error for a fault of what was asked. */
export async function orMongoAway<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw isMongoAway(error) ? new StoreUnavailable('MongoDB', { cause: error }) : error;
  }
}
