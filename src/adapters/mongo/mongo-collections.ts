// The collections of listening in MongoDB: what a document of each may be, and the indexes of the reads that exist.
import type { Collection, Db, Document } from 'mongodb';
import type { RoomId, SessionId, UserId } from '../../../protocol/ids.ts';
import type { ActivityTrack } from '../../../protocol/schemas/feed.ts';
import type { Span } from '../../domain/now-playing.ts';

/** What a person says of an id is about what is theirs alone: whoever knows the id of another's touches nothing of it. */
export function documentId(userId: UserId, id: string): string {
  return `${userId}/${id}`;
}

export interface ActivityDocument {
  /** By `documentId`. */
  readonly _id: string;
  readonly id: string;
  readonly userId: UserId;
  readonly version: number;
  readonly at: number;
  readonly endedAt?: number;
  readonly track?: ActivityTrack;
  readonly roomId?: RoomId;
  readonly roomName?: string;
  readonly isPrivate: boolean;
  /** A mark that stays, so that what is told of it later does not bring it back. */
  readonly isRemoved: boolean;
}

export interface ListenDocument {
  /** By `documentId`. */
  readonly _id: string;
  /** Of the activity. */
  readonly id: string;
  readonly userId: UserId;
  /** Grows with each change: who writes has seen the one before. */
  readonly revision: number;
  readonly playKey: string;
  readonly at: number;
  readonly track?: ActivityTrack;
  /** What makes it the same track, or artist, as another one: letters beyond ASCII have their cases too, which MongoDB does not know. */
  readonly trackKey: string;
  readonly artistKey: string;
  readonly roomId?: RoomId;
  readonly sessionId?: SessionId;
  readonly spans: readonly Span[];
  readonly heardMs: number;
  readonly countedAt?: number;
  readonly isRemoved: boolean;
}

export interface ErasedDocument {
  readonly _id: UserId;
  /** Hub time: of what comes after it things are kept. */
  readonly at: number;
}

export interface MongoCollections {
  readonly activities: Collection<ActivityDocument>;
  readonly listens: Collection<ListenDocument>;
  readonly erased: Collection<ErasedDocument>;
}

const number = { bsonType: ['double', 'int', 'long'] };
const text = { bsonType: 'string' };
const track = {
  bsonType: 'object',
  required: ['title', 'artist', 'durationMs', 'hasCover'],
  properties: {
    trackId: text,
    title: text,
    artist: text,
    album: text,
    durationMs: number,
    hasCover: { bsonType: 'bool' },
  },
};
const common = {
  _id: text,
  id: text,
  userId: text,
  at: number,
  track,
  roomId: text,
  isRemoved: { bsonType: 'bool' },
};

const SCHEMAS: Readonly<Record<string, Document>> = {
  activities: {
    bsonType: 'object',
    required: ['_id', 'id', 'userId', 'version', 'at', 'isPrivate', 'isRemoved'],
    properties: {
      ...common,
      version: number,
      endedAt: number,
      roomName: text,
      isPrivate: { bsonType: 'bool' },
    },
  },
  listens: {
    bsonType: 'object',
    required: ['_id', 'id', 'userId', 'revision', 'playKey', 'at', 'spans', 'heardMs', 'isRemoved'],
    properties: {
      ...common,
      revision: number,
      playKey: text,
      trackKey: text,
      artistKey: text,
      sessionId: text,
      spans: { bsonType: 'array' },
      heardMs: number,
      countedAt: number,
    },
  },
  erased: { bsonType: 'object', required: ['_id', 'at'], properties: { _id: text, at: number } },
};

const NAMESPACE_EXISTS = 48;

/** Makes what is lacking, and brings the rules of what is there up to date. Idempotent, also by several nodes at once. */
export async function openCollections(db: Db): Promise<MongoCollections> {
  for (const [name, schema] of Object.entries(SCHEMAS)) {
    const validator = { $jsonSchema: schema };
    try {
      await db.createCollection(name, { validator });
    } catch (error) {
      if ((error as { readonly code?: unknown }).code !== NAMESPACE_EXISTS) throw error;
      await db.command({ collMod: name, validator });
    }
  }
  const collections: MongoCollections = {
    activities: db.collection<ActivityDocument>('activities'),
    listens: db.collection<ListenDocument>('listens'),
    erased: db.collection<ErasedDocument>('erased'),
  };
  const { activities, listens } = collections;
  // Friends' latest and one person's history; then one person's listens, and who heard the same play.
  await activities.createIndex({ userId: 1, at: -1, id: -1 });
  await listens.createIndex({ userId: 1, at: -1, id: -1 });
  await listens.createIndex({ playKey: 1 });
  // What is older than it is kept.
  await activities.createIndex({ at: 1 });
  await listens.createIndex({ at: 1 });
  return collections;
}
