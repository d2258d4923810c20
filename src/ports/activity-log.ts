// The port to what people have listened to: activities, listens, counts and who with whom. Knows nothing of who may read it.
import type { HubMs, RoomId, SessionId, UserId } from '../../protocol/ids.ts';
import type { ActivityTrack } from '../../protocol/schemas/feed.ts';
import type { ImportedEntry } from '../domain/imported-listen.ts';
import type { Span } from '../domain/now-playing.ts';

/** Something a person listened to. Of two of the same id the one with the higher `version` counts, with the earlier `at` of both. */
export interface PlayedEntry {
  readonly kind: 'activity';
  readonly activityId: string;
  readonly userId: UserId;
  /** Grows, also from one node to the next: hub time when it was written. */
  readonly version: number;
  readonly at: HubMs;
  readonly endedAt?: HubMs;
  readonly track: ActivityTrack;
  readonly roomId?: RoomId;
  readonly roomName?: string;
  /** Shown to nobody but oneself. */
  readonly isPrivate: boolean;
  /** Whether it is private now and was told as public before. */
  readonly takesBack?: boolean;
}

/** Time that a person surely heard; it is united with what was told before. */
export interface HeardEntry {
  readonly kind: 'heard';
  /** The activity's own id: what removes one removes the other. */
  readonly listenId: string;
  readonly userId: UserId;
  readonly track: ActivityTrack;
  /** The same for all who hear the same play. */
  readonly playKey: string;
  readonly roomId?: RoomId;
  readonly sessionId?: SessionId;
  readonly spans: readonly Span[];
}

/** The activity and its listen go, and do not come back by what is told later. What is another person's stays. */
export interface RemoveEntry {
  readonly kind: 'remove';
  readonly activityId: string;
  readonly userId: UserId;
  /** When it was removed: so long ago, and retention forgets that it was. */
  readonly at: HubMs;
}

export type ActivityEntry = PlayedEntry | HeardEntry | RemoveEntry;

/** Whether something stays to be seen that nobody may see, unless this is told. */
export function takesBack(entry: ActivityEntry): boolean {
  return entry.kind === 'remove' || (entry.kind === 'activity' && entry.takesBack === true);
}

export type PastActivity = Omit<PlayedEntry, 'kind' | 'version' | 'takesBack'>;

export interface Listen {
  readonly listenId: string;
  readonly userId: UserId;
  /** When it was first heard. */
  readonly at: HubMs;
  readonly track: ActivityTrack;
  readonly heardMs: number;
  /** When it came to count by `src/domain/listens.ts`. */
  readonly countedAt: HubMs;
  readonly roomId?: RoomId;
  readonly sessionId?: SessionId;
}

/** Where an item stands in a list of its kind: a page that begins behind it neither skips nor repeats, whatever is written meanwhile. */
export interface ActivityPlace {
  readonly at: HubMs;
  /** Of the activity or the listen. */
  readonly id: string;
}

export interface PageQuery {
  readonly limit: number;
  /** The last item of the page before. */
  readonly after?: ActivityPlace | undefined;
}

export interface Range {
  readonly from: HubMs;
  /** Excluded. */
  readonly to: HubMs;
}

export interface CountsQuery extends Range {
  readonly by: 'track' | 'artist' | 'day';
  /** An IANA name: where a day begins. */
  readonly timeZone: string;
  readonly limit: number;
}

export interface Count {
  /** The day as `2026-11-24`, the artist, or the track's title. */
  readonly key: string;
  /** Of the last listen of the track. */
  readonly track?: ActivityTrack;
  readonly listens: number;
  readonly heardMs: number;
}

export interface Together {
  readonly userId: UserId;
  /** Time in which both heard the same play. */
  readonly heardMs: number;
  /** Plays of which both heard something at the same time. */
  readonly plays: number;
}

/** All that is kept of a person, one record after another. */
export type ExportedRecord =
  | ({ readonly kind: 'activity' } & PastActivity)
  | ({ readonly kind: 'listen' } & Omit<Listen, 'countedAt'> & { readonly countedAt?: HubMs });

/**
 * What `append` resolves for is durable. Every method rejects with `StoreUnavailable` where the store is away.
 * Lists are in order of (`at`, id), newest first. Counts and `together` are of what was heard first within the range.
 */
export interface ActivityLog {
  /** Idempotent by person and id, in whatever order entries come. */
  append(entries: readonly ActivityEntry[]): Promise<void>;

  /** What these authors (at most 1,000) have listened to, private ones left out. */
  feedPage(authors: readonly UserId[], query: PageQuery): Promise<readonly PastActivity[]>;
  historyPage(
    userId: UserId,
    query: PageQuery & { readonly includePrivate: boolean },
  ): Promise<readonly PastActivity[]>;
  /** Those that count. */
  listensPage(userId: UserId, query: PageQuery): Promise<readonly Listen[]>;
  /** By the most listens first, days by the latest first. */
  counts(userId: UserId, query: CountsQuery): Promise<readonly Count[]>;
  /** By the longest time first. */
  together(userId: UserId, query: Range & { readonly limit: number }): Promise<readonly Together[]>;
  /** The newest activity that is not private of each author who has one. */
  latest(authors: readonly UserId[]): Promise<ReadonlyMap<UserId, PastActivity>>;

  /**
   * Appends those whose ids, or `sameAs`, the person has no listen of: the same one twice is one. Nothing of a person who was erased at `askedAt` or later.
   * @param askedAt when the person asked for it
   * @returns how many were new
   */
  importListens(entries: readonly ImportedEntry[], askedAt: HubMs): Promise<number>;
  /** All of a person, oldest first. */
  export(userId: UserId): AsyncIterable<ExportedRecord>;
  /**
   * Drops what began before a time, private or not, and the marks of what was removed before it.
   * @param limit how many at most, of each kind
   * @returns how many were dropped; 0 when nothing is left to drop
   */
  prune(before: HubMs, limit: number): Promise<number>;
  /**
   * Forgets a person: also what is appended later of the time until `at`, from an outbox that still holds it. What they do after it,
   * should they come back, is kept.
   */
  erase(userId: UserId, at: HubMs): Promise<void>;
}
