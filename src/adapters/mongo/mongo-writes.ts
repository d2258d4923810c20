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
import {
  documentId,
  type ActivityDocument,
  type ListenDocument,
  type MongoCollections,
} from './mongo-collections.ts';

const DUPLICATE_KEY = 11_000;
/** Others write the same listen: each time that this fails, one of them has got further. */
const MAX_ATTEMPTS = 100;

/**
 * Writes in no order, so that one does not keep out those behind it.
 * @returns those that met a document with their id: it exists and does not meet their condition, or another writer makes it this moment
 */
async function writeAll<T extends { readonly _id: string }>(
  collection: Collection<T>,
  operations: readonly AnyBulkWriteOperation<T>[],
): Promise<readonly AnyBulkWriteOperation<T>[]> {
  if (operations.length === 0) return [];
  try {
    await collection.bulkWrite([...operations], { ordered: false });
    return [];
  } catch (error) {
    if (!(error instanceof MongoBulkWriteError)) throw error;
    const faults = ([] as WriteError[]).concat(error.writeErrors as WriteError | WriteError[]);
    const other = faults.find(({ code }) => code !== DUPLICATE_KEY);
    if (other !== undefined || faults.length === 0) throw error;
    return faults.flatMap(({ index }) => operations[index] ?? []);
  }
}

/**
 * Upserts by id, under a condition. What does not meet it stays as it is; one that is being made is looked at once more.
 * @returns those whose condition is not met
 */
async function upsertAll<T extends { readonly _id: string }>(
  collection: Collection<T>,
  operations: readonly AnyBulkWriteOperation<T>[],
): Promise<readonly AnyBulkWriteOperation<T>[]> {
  return writeAll(collection, await writeAll(collection, operations));
}

const NOTHING_HEARD = { playKey: '', spans: [], heardMs: 0, trackKey: '', artistKey: '' };

export async function removeAll(
  { activities, listens }: MongoCollections,
  entries: readonly RemoveEntry[],
  erased: ReadonlyMap<UserId, unknown>,
): Promise<void> {
  const mark = { isRemoved: true };
  await upsertAll<ActivityDocument>(
    activities,
    entries.map(({ activityId, userId, at }) => ({
      updateOne: {
        filter: { _id: documentId(userId, activityId), userId },
        update: {
          $set: { ...mark, id: activityId, at },
          $unset: { track: '', roomId: '', roomName: '', endedAt: '' },
          $setOnInsert: { version: 0, isPrivate: true },
        },
        // No mark of something that went with its person.
        upsert: !erased.has(userId),
      },
    })),
  );
  await upsertAll<ListenDocument>(
    listens,
    entries.map(({ activityId, userId, at }) => ({
      updateOne: {
        filter: { _id: documentId(userId, activityId), userId },
        update: {
          $set: { ...mark, id: activityId, at, ...NOTHING_HEARD },
          $unset: { track: '', roomId: '', sessionId: '', countedAt: '' },
          $inc: { revision: 1 },
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
  const newest = entries.map((entry) => ({ entry, operation: newestWord(entry) }));
  const old = new Set(
    await upsertAll<ActivityDocument>(
      activities,
      newest.map(({ operation }) => operation),
    ),
  );
  // Of an older word only its beginning counts.
  const began = newest
    .filter(({ operation }) => old.has(operation))
    .map(({ entry: { userId, activityId, at } }) => ({
      updateOne: {
        filter: { _id: documentId(userId, activityId), userId, isRemoved: false },
        update: { $min: { at } },
      },
    }));
  await writeAll<ActivityDocument>(activities, began);
}

function newestWord(entry: PlayedEntry): AnyBulkWriteOperation<ActivityDocument> {
  const { kind: _kind, takesBack: _takesBack, activityId, userId, version, at, ...played } = entry;
  const absent = (['endedAt', 'roomId', 'roomName'] as const).filter(
    (name) => played[name] === undefined,
  );
  return {
    updateOne: {
      filter: {
        ...{ _id: documentId(userId, activityId), userId },
        ...{ version: { $lt: version }, isRemoved: false },
      },
      update: {
        $set: { ...played, id: activityId, version },
        $min: { at },
        ...(absent.length === 0
          ? {}
          : { $unset: Object.fromEntries(absent.map((name) => [name, ''])) }),
      },
      upsert: true,
    },
  };
}

/**
 * Spans are united by whoever has seen the newest ones: what another writer has changed meanwhile is looked at again, until there is
 * nothing left to say.
 */
export async function keepHeard(
  { listens }: MongoCollections,
  entries: readonly HeardEntry[],
): Promise<void> {
  for (let attempt = 0; entries.length > 0; attempt += 1) {
    if (attempt === MAX_ATTEMPTS) throw new StoreUnavailable('MongoDB');
    const ids = entries.map(({ userId, listenId }) => documentId(userId, listenId));
    const known = await listens.find({ _id: { $in: ids } }).toArray();
    const before = new Map(known.map((each) => [each._id, each]));
    const lacking = entries.flatMap(
      (entry, i) => heardWrite(entry, before.get(ids[i] ?? '')) ?? [],
    );
    if (lacking.length === 0) return;
    await writeAll(listens, lacking);
  }
}

/** Undefined where all of it is there already, or it was removed. */
function heardWrite(
  entry: HeardEntry,
  before: ListenDocument | undefined,
): AnyBulkWriteOperation<ListenDocument> | undefined {
  const { listenId: id, userId, playKey, track, roomId, sessionId } = entry;
  if (before?.isRemoved === true) return undefined;
  const known = before?.spans ?? [];
  const spans = unionOf([...known, ...entry.spans]);
  const [first] = spans;
  if (first === undefined || JSON.stringify(spans) === JSON.stringify(known)) return undefined;
  const at = first[0];
  const counted = countedAt(spans, track.durationMs);
  const told = {
    ...{ at, spans, heardMs: heardMs(spans) },
    ...(counted === undefined ? {} : { countedAt: counted }),
  };
  const _id = documentId(userId, id);
  if (before !== undefined) {
    const { revision } = before;
    const filter = { _id, userId, revision, isRemoved: false };
    return { updateOne: { filter, update: { $set: { ...told, revision: revision + 1 } } } };
  }
  const document: ListenDocument = {
    ...{ _id, id, userId, revision: 1, playKey, track, isRemoved: false, ...told },
    trackKey: trackKey(track),
    artistKey: track.artist.toLowerCase(),
    ...(roomId === undefined ? {} : { roomId }),
    ...(sessionId === undefined ? {} : { sessionId }),
  };
  return { insertOne: { document } };
}
