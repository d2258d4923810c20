// A connection to MongoDB that may be lacking: what needs it says so, and finds it when it is back.
import { MongoClient, MongoServerError, type MongoClientOptions } from 'mongodb';
import type { Log } from '../../ports/log.ts';
import { OperationalError } from '../../ports/operational-error.ts';
import { isMongoAway } from './mongo-away.ts';
import { MongoActivityLog } from './mongo-activity-log.ts';
import { openCollections, type MongoCollections } from './mongo-collections.ts';

export interface MongoTarget {
  readonly url: string;
  readonly database: string;
}

export interface OpenMongo {
  readonly activityLog: MongoActivityLog;
  /** Rejects where it does not answer. */
  look(): Promise<void>;
  stop(): Promise<void>;
}

/** The MongoDB of the configuration is there, and lets this process do nothing; or it is named by what is no address. One line. */
export class MongoRefuses extends OperationalError {
  constructor(reason: string, options: ErrorOptions) {
    super(reason, options);
    this.name = 'MongoRefuses';
  }
}

/** Whoever asks is told soon that it is away. */
const SELECTION_MS = 3_000;
const OPTIONS: MongoClientOptions = {
  appName: 'earshot',
  serverSelectionTimeoutMS: SELECTION_MS,
  connectTimeoutMS: SELECTION_MS,
  socketTimeoutMS: 30_000,
  writeConcern: { w: 'majority', journal: true },
  readConcernLevel: 'majority',
  ignoreUndefined: true,
};
/** Not authenticated, not authorised. */
const REFUSALS = new Set([13, 18, 8_000]);

/**
 * Resolves whether or not it is there. Rejects with `MongoRefuses` where it is, and lets this process do nothing, and for an address
 * that is none.
 */
export async function openMongo({ url, database }: MongoTarget, log: Log): Promise<OpenMongo> {
  let client: MongoClient | undefined;
  let opened: Promise<MongoCollections> | undefined;
  const open = async (): Promise<MongoCollections> => {
    const fresh = clientOf(url);
    try {
      const collections = await openCollections(fresh.db(database));
      client = fresh;
      return collections;
    } catch (error) {
      // One that has never connected does not try again by itself.
      await fresh.close();
      opened = undefined;
      throw error;
    }
  };
  const collections = (): Promise<MongoCollections> => (opened ??= open());
  try {
    await collections();
  } catch (error) {
    if (error instanceof MongoServerError && REFUSALS.has(Number(error.code)))
      throw new MongoRefuses(`MongoDB refuses: ${error.message}: see that MONGODB_URL is right`, {
        cause: error,
      });
    if (!isMongoAway(error)) throw error;
    log.warn({ err: error }, 'MongoDB cannot be reached: history waits until it is there');
  }
  return {
    activityLog: new MongoActivityLog({ collections }),
    look: async () => {
      await collections();
      await client?.db(database).command({ ping: 1 });
    },
    stop: async () => {
      await client?.close();
    },
  };
}

/** @throws MongoRefuses for an address that the driver cannot use, with nothing of a password in its message */
function clientOf(url: string): MongoClient {
  try {
    return new MongoClient(url, OPTIONS);
  } catch (error) {
    const said = error instanceof Error ? error.message : String(error);
    const reason = repeatsLogin(said, url)
      ? 'it cannot be read; in the name and the password @ : / ? # [ ] and % must be percent-encoded'
      : said.replace(/\s+/g, ' ');
    throw new MongoRefuses(`MONGODB_URL: ${reason}`, { cause: error });
  }
}

/** Whether what the driver says of an address has any part of its name or password in it: where they are not encoded it takes them for something else. */
function repeatsLogin(said: string, url: string): boolean {
  const login = url.slice(url.indexOf('://') + 3, url.lastIndexOf('@') + 1);
  // As it says for most of what is not encoded, and nobody can do anything with.
  if (login !== '' && /Invalid connection string|URI malformed/.test(said)) return true;
  const words = new Set(said.split(/\W+/));
  return login.split(/\W+/).some((part) => part !== '' && words.has(part));
}
