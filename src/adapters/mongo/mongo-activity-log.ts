// What people have listened to, in MongoDB. Knows nothing of who may read it.
import { MongoServerError, type Collection, type Filter } from 'mongodb';
import type { HubMs, UserId } from '../../../protocol/ids.ts';
import type { ActivityTrack } from '../../../protocol/schemas/feed.ts';
import { dayNamer } from '../../domain/activity-counts.ts';
import { newer, oneOfEach, spanning } from '../../domain/entry-batches.ts';
import { sinceErased } from '../../domain/erased-entries.ts';
import { IMPORTED, type ImportedEntry } from '../../domain/imported-listen.ts';
import { sharedMs } from '../../domain/listens.ts';
import type {
  ActivityEntry,
  ActivityLog,
  ActivityPlace,
  Count,
  CountsQuery,
  ExportedRecord,
  HeardEntry,
  Listen,
  PageQuery,
  PastActivity,
  PlayedEntry,
  Range,
  RemoveEntry,
  Together,
} from '../../ports/activity-log.ts';
import { StoreUnavailable } from '../../ports/room-log.ts';
import { orMongoAway, unlessOfADocument } from './mongo-away.ts';
import {
  documentId,
  type ActivityDocument,
  type ListenDocument,
  type MongoCollections,
} from './mongo-collections.ts';
import { keepHeard, keepPlayed, removeAll } from './mongo-writes.ts';

/** Plays whose other listeners are looked for at once. */
const PLAYS_AT_ONCE = 500;
/** Authors who are asked for at once, each by their index. */
const AUTHORS_AT_ONCE = 50;
/** A page or a sum that takes longer is given up: it is answered as unavailable. */
const READ_MS = 10_000;
/** What MongoDB says of a time zone that it does not know. */
const NO_TIME_ZONE = 40_485;

export interface MongoActivityLogOptions {
  /** Resolves once they are there; asked anew while it rejects. */
  readonly collections: () => Promise<MongoCollections>;
}

export class MongoActivityLog implements ActivityLog {
  readonly #options: MongoActivityLogOptions;

  constructor(options: MongoActivityLogOptions) {
    this.#options = options;
  }

  append(entries: readonly ActivityEntry[]): Promise<void> {
    return this.#append(entries, sinceErased);
  }

  #append<T extends ActivityEntry>(
    entries: readonly T[],
    keep: (entries: readonly T[], erasedAt: ReadonlyMap<UserId, HubMs>) => readonly T[],
  ): Promise<void> {
    return unlessOfADocument(async () => {
      const collections = await this.#options.collections();
      if (entries.length === 0) return;
      const people = [...new Set(entries.map(({ userId }) => userId))];
      const gone = await erasedOf(collections, people);
      const kept: readonly ActivityEntry[] = keep(entries, gone);
      const byActivity = (entry: PlayedEntry | RemoveEntry): string =>
        documentId(entry.userId, entry.activityId);
      const removals = kept.filter((entry) => entry.kind === 'remove');
      await removeAll(
        collections,
        oneOfEach(removals, byActivity, (before) => before),
        gone,
      );
      const played = kept.filter((entry) => entry.kind === 'activity');
      await keepPlayed(collections, oneOfEach(played, byActivity, newer));
      const heard = kept.filter((entry) => entry.kind === 'heard');
      const byListen = ({ userId, listenId }: HeardEntry): string => documentId(userId, listenId);
      await keepHeard(collections, oneOfEach(heard, byListen, spanning));
      // Whoever was erased meanwhile may have been before some of it was written.
      for (const [userId, at] of await erasedOf(collections, people))
        if (gone.get(userId) !== at) await forget(collections, userId, at);
    });
  }

  /** In parts, as a query for many more authors than these is answered by sorting all that they have. */
  async feedPage(authors: readonly UserId[], query: PageQuery): Promise<readonly PastActivity[]> {
    const pages = await Promise.all(
      partsOf(authors, AUTHORS_AT_ONCE).map((part) =>
        this.#activities({ userId: { $in: [...part] }, isPrivate: false, isRemoved: false }, query),
      ),
    );
    return pages
      .flat()
      .toSorted((a, b) => b.at - a.at || (a.activityId < b.activityId ? 1 : -1))
      .slice(0, query.limit);
  }

  historyPage(
    userId: UserId,
    query: PageQuery & { readonly includePrivate: boolean },
  ): Promise<readonly PastActivity[]> {
    const shown = query.includePrivate ? {} : { isPrivate: false };
    return this.#activities({ userId, isRemoved: false, ...shown }, query);
  }

  listensPage(userId: UserId, query: PageQuery): Promise<readonly Listen[]> {
    return this.#with(async ({ listens }) => {
      const own = { userId, isRemoved: false, countedAt: { $exists: true } };
      const found = await listens
        .find({ ...own, ...behind(query.after) }, { maxTimeMS: READ_MS })
        .sort({ at: -1, id: -1 })
        .limit(query.limit)
        .toArray();
      return found.flatMap((each) => {
        const { countedAt } = each;
        const listen = listenOf(each);
        return countedAt === undefined || listen === undefined ? [] : [{ ...listen, countedAt }];
      });
    });
  }

  /** Summed where they lie: of a million listens only the sums come here. */
  counts(
    userId: UserId,
    { by, timeZone, from, to, limit }: CountsQuery,
  ): Promise<readonly Count[]> {
    return this.#with(async ({ listens }) => {
      // Throws for what is no time zone anywhere; MongoDB may know fewer of them than this process.
      dayNamer(timeZone);
      const day = {
        $dateToString: { date: { $toDate: '$at' }, timezone: timeZone, format: '%Y-%m-%d' },
      };
      const { group, key } = {
        track: { group: '$trackKey', key: '$track.title' },
        artist: { group: '$artistKey', key: '$track.artist' },
        day: { group: day, key: day },
      }[by];
      const counted = { isRemoved: false, countedAt: { $exists: true } };
      const found = await listens
        .aggregate<Omit<Count, 'track'> & { readonly track: ActivityTrack }>(
          [
            { $match: { userId, ...counted, at: { $gte: from, $lt: to } } },
            { $sort: { at: -1, id: -1 } },
            {
              $group: {
                _id: group,
                key: { $first: key },
                track: { $first: '$track' },
                listens: { $sum: 1 },
                heardMs: { $sum: '$heardMs' },
              },
            },
            { $sort: by === 'day' ? { key: -1 } : { listens: -1, key: 1 } },
            { $limit: limit },
          ],
          { maxTimeMS: READ_MS, allowDiskUse: true },
        )
        .toArray()
        .catch((error: unknown) => {
          throw isNoTimeZone(error) ? new RangeError(error.message, { cause: error }) : error;
        });
      return found.map(({ key: name, track, listens: count, heardMs }) => ({
        key: name,
        ...(by === 'track' ? { track } : {}),
        listens: count,
        heardMs,
      }));
    });
  }

  /** Whatever somebody has heard, only some plays of it are here at a time. */
  together(
    userId: UserId,
    { from, to, limit }: Range & { readonly limit: number },
  ): Promise<readonly Together[]> {
    return this.#with(async ({ listens }) => {
      const timeLeft = timeOfASum();
      const others = new Map<UserId, { heardMs: number; plays: number }>();
      const own = {
        ...{ userId, isRemoved: false, at: { $gte: from, $lt: to } },
        // Nobody else heard what was brought from elsewhere.
        playKey: { $not: new RegExp(`^${IMPORTED}`) },
      };
      const mine = listens
        .find(own, timeLeft())
        .project<Pick<ListenDocument, 'playKey' | 'spans'>>({ _id: 0, playKey: 1, spans: 1 });
      for await (const part of inParts(mine, PLAYS_AT_ONCE)) {
        const spansOf = new Map(part.map(({ playKey, spans }) => [playKey, spans]));
        const shared = {
          ...{ playKey: { $in: [...spansOf.keys()] }, isRemoved: false },
          userId: { $ne: userId },
        };
        const heard = listens
          .find(shared, timeLeft())
          .project<Pick<ListenDocument, 'userId' | 'playKey' | 'spans'>>({
            ...{ _id: 0, userId: 1, playKey: 1, spans: 1 },
          });
        for await (const theirs of heard) {
          timeLeft();
          const ms = sharedMs(spansOf.get(theirs.playKey) ?? [], theirs.spans);
          if (ms === 0) continue;
          const sum = others.get(theirs.userId) ?? { heardMs: 0, plays: 0 };
          others.set(theirs.userId, { heardMs: sum.heardMs + ms, plays: sum.plays + 1 });
        }
      }
      return [...others]
        .map(([id, sum]) => ({ userId: id, ...sum }))
        .toSorted((a, b) => b.heardMs - a.heardMs || (a.userId < b.userId ? -1 : 1))
        .slice(0, limit);
    });
  }

  async latest(authors: readonly UserId[]): Promise<ReadonlyMap<UserId, PastActivity>> {
    const latest = new Map<UserId, PastActivity>();
    for (const part of partsOf(authors, AUTHORS_AT_ONCE)) {
      const pages = await Promise.all(part.map((author) => this.feedPage([author], { limit: 1 })));
      for (const [newest] of pages) if (newest !== undefined) latest.set(newest.userId, newest);
    }
    return latest;
  }

  importListens(entries: readonly ImportedEntry[], askedAt: HubMs): Promise<number> {
    return this.#with(async ({ listens }) => {
      const idsOf = ({ userId, listenId, sameAs }: ImportedEntry): string[] =>
        [listenId, ...(sameAs === undefined ? [] : [sameAs])].map((id) => documentId(userId, id));
      const known = await listens
        .find(
          { _id: { $in: entries.flatMap(idsOf) } },
          { projection: { _id: 1 }, maxTimeMS: READ_MS },
        )
        .toArray();
      const isKnown = new Set(known.map(({ _id }) => _id));
      const fresh = entries.filter((entry) => !idsOf(entry).some((id) => isKnown.has(id)));
      await this.#append(fresh, (all, erasedAt) =>
        all.filter(({ userId }) => (erasedAt.get(userId) ?? -Infinity) < askedAt),
      );
      return new Set(fresh.map(({ listenId }) => listenId)).size;
    });
  }

  async *export(userId: UserId): AsyncIterable<ExportedRecord> {
    const { activities, listens } = await this.#with((collections) => Promise.resolve(collections));
    const own = { userId, isRemoved: false };
    const order = { at: 1, id: 1 } as const;
    for await (const each of awayless(activities.find(own).sort(order))) {
      const past = pastOf(each);
      if (past !== undefined) yield { kind: 'activity', ...past };
    }
    for await (const each of awayless(listens.find(own).sort(order))) {
      const listen = listenOf(each);
      const { countedAt } = each;
      if (listen !== undefined)
        yield { kind: 'listen', ...listen, ...(countedAt === undefined ? {} : { countedAt }) };
    }
  }

  prune(before: HubMs, limit: number): Promise<number> {
    return this.#with(
      async ({ activities, listens }) =>
        (await pruned(activities, before, limit)) + (await pruned(listens, before, limit)),
    );
  }

  erase(userId: UserId, at: HubMs): Promise<void> {
    return this.#with(async (collections) => {
      await collections.erased.updateOne({ _id: userId }, { $max: { at } }, { upsert: true });
      await forget(collections, userId);
    });
  }

  #activities(
    filter: Filter<ActivityDocument>,
    query: PageQuery,
  ): Promise<readonly PastActivity[]> {
    return this.#with(async ({ activities }) => {
      const found = await activities
        .find({ ...filter, ...behind(query.after) }, { maxTimeMS: READ_MS })
        .sort({ at: -1, id: -1 })
        .limit(query.limit)
        .toArray();
      return found.flatMap((each) => pastOf(each) ?? []);
    });
  }

  #with<T>(work: (collections: MongoCollections) => Promise<T>): Promise<T> {
    return orMongoAway(async () => work(await this.#options.collections()));
  }
}

function isNoTimeZone(error: unknown): error is MongoServerError {
  return error instanceof MongoServerError && error.code === NO_TIME_ZONE;
}

/** Of a sum made of many queries: what each of them may still take. Throws `StoreUnavailable` when all of it has passed. */
function timeOfASum(): () => { readonly maxTimeMS: number } {
  const until = performance.now() + READ_MS;
  return () => {
    const leftMs = until - performance.now();
    if (leftMs <= 0) throw new StoreUnavailable('MongoDB');
    return { maxTimeMS: Math.ceil(leftMs) };
  };
}

async function* inParts<T>(items: AsyncIterable<T>, size: number): AsyncIterable<readonly T[]> {
  let part: T[] = [];
  for await (const item of items) {
    part.push(item);
    if (part.length < size) continue;
    yield part;
    part = [];
  }
  if (part.length > 0) yield part;
}

function partsOf<T>(items: readonly T[], size: number): (readonly T[])[] {
  const parts: (readonly T[])[] = [];
  for (let i = 0; i < items.length; i += size) parts.push(items.slice(i, i + size));
  return parts;
}

/** What stands behind a place in the order of lists. */
function behind(after: ActivityPlace | undefined): {
  $or?: ({ at: { $lt: number } } | { at: number; id: { $lt: string } })[];
} {
  if (after === undefined) return {};
  const { at, id } = after;
  return { $or: [{ at: { $lt: at } }, { at, id: { $lt: id } }] };
}

async function* awayless<T>(cursor: AsyncIterable<T>): AsyncIterable<T> {
  const items = cursor[Symbol.asyncIterator]();
  for (;;) {
    const next = await orMongoAway(() => items.next());
    if (next.done === true) return;
    yield next.value;
  }
}

async function erasedOf(
  { erased }: MongoCollections,
  people: readonly UserId[],
): Promise<ReadonlyMap<UserId, HubMs>> {
  const found = await erased.find({ _id: { $in: [...people] } }).toArray();
  return new Map(found.map(({ _id, at }) => [_id, at]));
}

/** @param until of hub time; all that there is where it is absent */
async function forget(
  { activities, listens }: MongoCollections,
  userId: UserId,
  until = Infinity,
): Promise<void> {
  const gone = { userId, at: { $lte: until } };
  await activities.deleteMany(gone);
  await listens.deleteMany(gone);
}

async function pruned<T extends ActivityDocument | ListenDocument>(
  collection: Collection<T>,
  before: HubMs,
  limit: number,
): Promise<number> {
  const old = { at: { $lt: before } } as Filter<T>;
  const found = await collection
    .find(old, { projection: { _id: 1 }, sort: { at: 1 }, limit, maxTimeMS: READ_MS })
    .toArray();
  if (found.length === 0) return 0;
  const ids = { _id: { $in: found.map(({ _id }) => _id) } } as Filter<T>;
  return (await collection.deleteMany(ids)).deletedCount;
}

function pastOf(each: ActivityDocument): PastActivity | undefined {
  const { id: activityId, userId, at, endedAt, track, roomId, roomName, isPrivate } = each;
  if (track === undefined) return undefined;
  return {
    ...{ activityId, userId, at, track, isPrivate },
    ...(endedAt === undefined ? {} : { endedAt }),
    ...(roomId === undefined ? {} : { roomId }),
    ...(roomName === undefined ? {} : { roomName }),
  };
}

function listenOf(each: ListenDocument): Omit<Listen, 'countedAt'> | undefined {
  const { id: listenId, userId, at, track, heardMs, roomId, sessionId } = each;
  if (track === undefined) return undefined;
  return {
    ...{ listenId, userId, at, track, heardMs },
    ...(roomId === undefined ? {} : { roomId }),
    ...(sessionId === undefined ? {} : { sessionId }),
  };
}
