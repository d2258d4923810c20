// Writing of what was listened to: each document by its id, as often as it is told and by however many writers. Knows no reads.
import {
  MongoBulkWriteError,
  type AnyBulkWriteOperation,
  type Collection,
  type WriteError,
} from 'mongodb';
import type { UserId } from '../../../protocol/ids.ts';
import { trackKey } from '../../domain/activity-counts.ts';
import { countedAt, heardMs, unionOf } from '../../domain/listens.ts';
import type { HeardEntry, PlayedEntry, RemoveEntry } from '../../ports/activity-log.ts';
import { StoreUnavailable } from '../../ports/room-log.ts';
import type { ActivityDocument, ListenDocument, MongoCollections } from './mongo-collections.ts';

const DUPLICATE_KEY = 11_000;
/** Others write the same listen: each time that this fails, one of them has got further. */
const MAX_ATTEMPTS = 100;

/**
 * Unordered upserts by id, under a condition. One that exists and does not meet it is met by a duplicate key: it stays as it is. So does one
 * that another writer makes at this very moment, which is why all are tried twice.
 */
async function upsertAll<T extends { readonly _id: string }>(
  collection: Collection<T>,
  operations: readonly AnyBulkWriteOperation<T>[],
): Promise<void> {
  let left = operations;
  for (let round = 0; round < 2 && left.length > 0; round += 1) {
    try {
      await collection.bulkWrite([...left], { ordered: false });
      return;
    } catch (error) {
      if (!(error instanceof MongoBulkWriteError)) throw error;
      const faults = ([] as WriteError[]).concat(error.writeErrors as WriteError | WriteError[]);
      const other = faults.find(({ code }) => code !== DUPLICATE_KEY);
      if (other !== undefined || faults.length === 0) throw error;
      left = faults.flatMap(({ index }) => left[index] ?? []);
    }
  }
}

export async function removeAll(
  { activities, listens }: MongoCollections,
  entries: readonly RemoveEntry[],
  erased: ReadonlyMap<UserId, unknown>,
): Promise<void> {
  const mark = { isRemoved: true };
  await upsertAll<ActivityDocument>(
    activities,
    entries.map(({ activityId, userId }) => ({
      updateOne: {
        filter: { _id: activityId, userId },
        update: {
          $set: mark,
          $unset: { track: '', roomId: '', roomName: '', endedAt: '' },
          $setOnInsert: { version: 0, at: 0, isPrivate: true },
        },
        // No mark of something that went with its person.
        upsert: !erased.has(userId),
      },
    })),
  );
  await upsertAll<ListenDocument>(
    listens,
    entries.map(({ activityId, userId }) => ({
      updateOne: {
        filter: { _id: activityId, userId },
        update: {
          $set: { ...mark, playKey: '', spans: [], heardMs: 0, trackKey: '', artistKey: '' },
          $unset: { track: '', roomId: '', sessionId: '', countedAt: '' },
          $inc: { revision: 1 },
          $setOnInsert: { at: 0 },
        },
        // No mark of something that went with its person.
        upsert: !erased.has(userId),
      },
    })),
  );
}

export async function keepPlayed(
  { activities }: MongoCollections,
  entries: readonly PlayedEntry[],
): Promise<void> {
  await upsertAll<ActivityDocument>(
    activities,
    entries.map(({ kind: _kind, activityId, userId, version, ...played }) => {
      const absent = (['endedAt', 'roomId', 'roomName'] as const).filter(
        (name) => played[name] === undefined,
      );
      return {
        updateOne: {
          filter: { _id: activityId, userId, version: { $lt: version }, isRemoved: false },
          update: {
            $set: { ...played, version },
            ...(absent.length === 0
              ? {}
              : { $unset: Object.fromEntries(absent.map((name) => [name, ''])) }),
          },
          upsert: true,
        },
      };
    }),
  );
}

/** Spans are united by whoever has seen the newest ones: one who has not looks again. */
export async function keepHeard(
  { listens }: MongoCollections,
  entries: readonly HeardEntry[],
): Promise<void> {
  let left = entries;
  for (let attempt = 0; left.length > 0; attempt += 1) {
    if (attempt === MAX_ATTEMPTS) throw new StoreUnavailable('MongoDB');
    const ids = left.map(({ listenId }) => listenId);
    const known = await listens.find({ _id: { $in: ids } }).toArray();
    const before = new Map(known.map((each) => [each._id, each]));
    const tried = await Promise.all(
      left.map((entry) => keepOne(listens, entry, before.get(entry.listenId))),
    );
    left = left.filter((_, i) => tried[i] === 'raced');
  }
}

async function keepOne(
  listens: Collection<ListenDocument>,
  entry: HeardEntry,
  before: ListenDocument | undefined,
): Promise<'done' | 'raced'> {
  const { listenId: _id, userId, playKey, track, roomId, sessionId } = entry;
  if (before !== undefined && (before.userId !== userId || before.isRemoved)) return 'done';
  const spans = unionOf([...(before?.spans ?? []), ...entry.spans]);
  const [first] = spans;
  if (first === undefined) return 'done';
  const at = first[0];
  const counted = countedAt(spans, track.durationMs);
  const told = {
    ...{ at, spans, heardMs: heardMs(spans) },
    ...(counted === undefined ? {} : { countedAt: counted }),
  };
  if (before !== undefined) {
    const { revision } = before;
    const { matchedCount } = await listens.updateOne(
      { _id, userId, revision, isRemoved: false },
      { $set: { ...told, revision: revision + 1 } },
    );
    return matchedCount === 1 ? 'done' : 'raced';
  }
  try {
    await listens.insertOne({
      ...{ _id, userId, revision: 1, playKey, track, isRemoved: false, ...told },
      trackKey: trackKey(track),
      artistKey: track.artist.toLowerCase(),
      ...(roomId === undefined ? {} : { roomId }),
      ...(sessionId === undefined ? {} : { sessionId }),
    });
    return 'done';
  } catch (error) {
    if ((error as { readonly code?: unknown }).code === DUPLICATE_KEY) return 'raced';
    throw error;
  }
}
