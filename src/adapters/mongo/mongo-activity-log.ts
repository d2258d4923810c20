// What people have listened to, in MongoDB. Knows nothing of who may read it.
import type { Collection, Filter } from 'mongodb';
import type { HubMs, UserId } from '../../../protocol/ids.ts';
import { dayNamer } from '../../domain/activity-counts.ts';
import { newer, oneOfEach, spanning } from '../../domain/entry-batches.ts';
import { sinceErased } from '../../domain/erased-entries.ts';
import type { ImportedEntry } from '../../domain/imported-listen.ts';
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
/** A sum that takes longer is given up: it is answered as unavailable. */
const SUM_MS = 10_000;

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
        .find({ ...own, ...behind(query.after) })
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

  counts(
    userId: UserId,
    { by, timeZone, from, to, limit }: CountsQuery,
  ): Promise<readonly Count[]> {
    return this.#with(async ({ listens }) => {
      const dayOf = dayNamer(timeZone);
      const counted = { isRemoved: false, countedAt: { $exists: true } };
      const found = listens
        .find({ userId, ...counted, at: { $gte: from, $lt: to } })
        .sort({ at: 1, id: 1 })
        .project<Pick<ListenDocument, 'at' | 'track' | 'trackKey' | 'artistKey' | 'heardMs'>>({
          ...{ _id: 0, at: 1, track: 1, trackKey: 1, artistKey: 1, heardMs: 1 },
        });
      const counts = new Map<string, Count>();
      for await (const { at, track, trackKey, artistKey, heardMs } of found) {
        if (track === undefined) continue;
        const names = {
          track: [trackKey, track.title],
          artist: [artistKey, track.artist],
          day: by === 'day' ? [dayOf(at), dayOf(at)] : ['', ''],
        } as const;
        const [group, key] = names[by];
        const before = counts.get(group);
        counts.set(group, {
          key,
          ...(by === 'track' ? { track } : {}),
          listens: (before?.listens ?? 0) + 1,
          heardMs: (before?.heardMs ?? 0) + heardMs,
        });
      }
      const order =
        by === 'day'
          ? (a: Count, b: Count) => (a.key < b.key ? 1 : -1)
          : (a: Count, b: Count) => b.listens - a.listens || (a.key < b.key ? -1 : 1);
      return [...counts.values()].toSorted(order).slice(0, limit);
    });
  }

  together(
    userId: UserId,
    { from, to, limit }: Range & { readonly limit: number },
  ): Promise<readonly Together[]> {
    return this.#with(async ({ listens }) => {
      const own = await listens
        .find({ userId, isRemoved: false, at: { $gte: from, $lt: to } })
        .toArray();
      const mine = new Map(own.map(({ playKey, spans }) => [playKey, spans]));
      const keys = [...mine.keys()];
      const others = new Map<UserId, { heardMs: number; plays: number }>();
      for (const part of partsOf(keys, PLAYS_AT_ONCE)) {
        const shared = { playKey: { $in: [...part] }, isRemoved: false };
        for await (const theirs of listens.find(shared, { maxTimeMS: SUM_MS })) {
          if (theirs.userId === userId) continue;
          const ms = sharedMs(mine.get(theirs.playKey) ?? [], theirs.spans);
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
        .find({ _id: { $in: entries.flatMap(idsOf) } }, { projection: { _id: 1 } })
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
        .find({ ...filter, ...behind(query.after) })
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
    .find(old, { projection: { _id: 1 }, sort: { at: 1 }, limit })
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
