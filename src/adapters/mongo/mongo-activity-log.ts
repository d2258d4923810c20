// What people have listened to, in MongoDB. Knows nothing of who may read it.
import type { Collection, Filter } from 'mongodb';
import type { HubMs, UserId } from '../../../protocol/ids.ts';
import { dayNamer } from '../../domain/activity-counts.ts';
import { newer, oneOfEach, spanning } from '../../domain/entry-batches.ts';
import { sinceErased } from '../../domain/erased-entries.ts';
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
import { orMongoAway } from './mongo-away.ts';
import type { ActivityDocument, ListenDocument, MongoCollections } from './mongo-collections.ts';
import { keepHeard, keepPlayed, removeAll } from './mongo-writes.ts';

/** Plays whose other listeners are looked for at once. */
const PLAYS_AT_ONCE = 500;
/** Authors who are asked for at once, each by their index. */
const AUTHORS_AT_ONCE = 50;

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
    return this.#with(async (collections) => {
      if (entries.length === 0) return;
      const people = [...new Set(entries.map(({ userId }) => userId))];
      const gone = await erasedOf(collections, people);
      const kept: readonly ActivityEntry[] = keep(entries, gone);
      const byActivity = ({ activityId }: PlayedEntry | RemoveEntry): string => activityId;
      const removals = kept.filter((entry) => entry.kind === 'remove');
      await removeAll(
        collections,
        oneOfEach(removals, byActivity, (before) => before),
        gone,
      );
      const played = kept.filter((entry) => entry.kind === 'activity');
      await keepPlayed(collections, oneOfEach(played, byActivity, newer));
      const heard = kept.filter((entry) => entry.kind === 'heard');
      const byListen = ({ listenId }: HeardEntry): string => listenId;
      await keepHeard(collections, oneOfEach(heard, byListen, spanning));
      // Whoever was erased meanwhile may have been before some of it was written.
      for (const [userId, at] of await erasedOf(collections, people))
        if (gone.get(userId) !== at) await forget(collections, userId, at);
    });
  }

  feedPage(authors: readonly UserId[], query: PageQuery): Promise<readonly PastActivity[]> {
    const shown = { userId: { $in: [...authors] }, isPrivate: false, isRemoved: false };
    return this.#activities(shown, query);
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
        .sort({ at: -1, _id: -1 })
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
        .sort({ at: 1, _id: 1 })
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
      for (let i = 0; i < keys.length; i += PLAYS_AT_ONCE) {
        const playKey = { $in: keys.slice(i, i + PLAYS_AT_ONCE) };
        for await (const theirs of listens.find({ playKey, isRemoved: false })) {
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
    for (let i = 0; i < authors.length; i += AUTHORS_AT_ONCE) {
      const part = authors.slice(i, i + AUTHORS_AT_ONCE);
      const pages = await Promise.all(part.map((author) => this.feedPage([author], { limit: 1 })));
      for (const [newest] of pages) if (newest !== undefined) latest.set(newest.userId, newest);
    }
    return latest;
  }

  importListens(entries: readonly HeardEntry[], askedAt: HubMs): Promise<number> {
    return this.#with(async ({ listens }) => {
      const ids = [...new Set(entries.map(({ listenId }) => listenId))];
      const known = await listens.find({ _id: { $in: ids } }, { projection: { _id: 1 } }).toArray();
      const isKnown = new Set(known.map(({ _id }) => _id));
      const fresh = entries.filter(({ listenId }) => !isKnown.has(listenId));
      await this.#append(fresh, (all, erasedAt) =>
        all.filter(({ userId }) => (erasedAt.get(userId) ?? -Infinity) < askedAt),
      );
      return ids.length - isKnown.size;
    });
  }

  async *export(userId: UserId): AsyncIterable<ExportedRecord> {
    const { activities, listens } = await this.#with((collections) => Promise.resolve(collections));
    const own = { userId, isRemoved: false };
    const order = { at: 1, _id: 1 } as const;
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
        .sort({ at: -1, _id: -1 })
        .limit(query.limit)
        .toArray();
      return found.flatMap((each) => pastOf(each) ?? []);
    });
  }

  #with<T>(work: (collections: MongoCollections) => Promise<T>): Promise<T> {
    return orMongoAway(async () => work(await this.#options.collections()));
  }
}

/** What stands behind a place in the order of lists. */
function behind(after: ActivityPlace | undefined): {
  $or?: ({ at: { $lt: number } } | { at: number; _id: { $lt: string } })[];
} {
  if (after === undefined) return {};
  const { at, id } = after;
  return { $or: [{ at: { $lt: at } }, { at, _id: { $lt: id } }] };
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
  // What was removed before it was told has no time.
  const old = { at: { $lt: before }, $nor: [{ isRemoved: true, at: 0 }] } as Filter<T>;
  const found = await collection
    .find(old, { projection: { _id: 1 }, sort: { at: 1 }, limit })
    .toArray();
  if (found.length === 0) return 0;
  const ids = { _id: { $in: found.map(({ _id }) => _id) } } as Filter<T>;
  return (await collection.deleteMany(ids)).deletedCount;
}

function pastOf(each: ActivityDocument): PastActivity | undefined {
  const { _id: activityId, userId, at, endedAt, track, roomId, roomName, isPrivate } = each;
  if (track === undefined) return undefined;
  return {
    ...{ activityId, userId, at, track, isPrivate },
    ...(endedAt === undefined ? {} : { endedAt }),
    ...(roomId === undefined ? {} : { roomId }),
    ...(roomName === undefined ? {} : { roomName }),
  };
}

function listenOf(each: ListenDocument): Omit<Listen, 'countedAt'> | undefined {
  const { _id: listenId, userId, at, track, heardMs, roomId, sessionId } = each;
  if (track === undefined) return undefined;
  return {
    ...{ listenId, userId, at, track, heardMs },
    ...(roomId === undefined ? {} : { roomId }),
    ...(sessionId === undefined ? {} : { sessionId }),
  };
}
