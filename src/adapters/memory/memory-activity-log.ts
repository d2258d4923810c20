// What people have listened to, in memory, for tests and benchmarks. Knows nothing of who may read it.
import type { HubMs, UserId } from '../../../protocol/ids.ts';
import { dayNamer, trackKey } from '../../domain/activity-counts.ts';
import { newer } from '../../domain/entry-batches.ts';
import { sinceErased } from '../../domain/erased-entries.ts';
import type { ImportedEntry } from '../../domain/imported-listen.ts';
import { countedAt, heardMs, sharedMs, unionOf } from '../../domain/listens.ts';
import type { Span } from '../../domain/now-playing.ts';
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
  Together,
} from '../../ports/activity-log.ts';

interface Heard extends Omit<HeardEntry, 'kind' | 'spans'> {
  readonly spans: readonly Span[];
}

export class MemoryActivityLog implements ActivityLog {
  // All by person and id.
  readonly #played = new Map<string, PlayedEntry>();
  readonly #heard = new Map<string, Heard>();
  readonly #removed = new Map<string, HubMs>();
  readonly #erased = new Map<UserId, HubMs>();

  // eslint-disable-next-line @typescript-eslint/require-await -- a store answers by a promise
  async append(entries: readonly ActivityEntry[]): Promise<void> {
    for (const entry of sinceErased(structuredClone(entries), this.#erased)) this.#take(entry);
  }

  feedPage(authors: readonly UserId[], query: PageQuery): Promise<readonly PastActivity[]> {
    const asked = new Set(authors);
    return this.#activities(query, (entry) => asked.has(entry.userId) && !entry.isPrivate);
  }

  historyPage(
    userId: UserId,
    query: PageQuery & { readonly includePrivate: boolean },
  ): Promise<readonly PastActivity[]> {
    return this.#activities(
      query,
      (entry) => entry.userId === userId && (query.includePrivate || !entry.isPrivate),
    );
  }

  // eslint-disable-next-line @typescript-eslint/require-await -- a store answers by a promise
  async listensPage(userId: UserId, query: PageQuery): Promise<readonly Listen[]> {
    return page(this.#listensOf(userId), query, ({ at, listenId: id }) => ({ at, id }));
  }

  // eslint-disable-next-line @typescript-eslint/require-await -- a store answers by a promise
  async counts(userId: UserId, query: CountsQuery): Promise<readonly Count[]> {
    const { by, limit } = query;
    const dayOf = dayNamer(query.timeZone);
    const listens = this.#listensOf(userId)
      .filter(({ at }) => isWithin(at, query))
      .toSorted((a, b) => a.at - b.at);
    const counts = new Map<string, Count>();
    for (const { track, at, heardMs: ms } of listens) {
      const names = {
        track: [trackKey(track), track.title],
        artist: [track.artist.toLowerCase(), track.artist],
        day: [dayOf(at), dayOf(at)],
      } as const;
      const [group, key] = names[by];
      const before = counts.get(group);
      counts.set(group, {
        key,
        ...(by === 'track' ? { track } : {}),
        listens: (before?.listens ?? 0) + 1,
        heardMs: (before?.heardMs ?? 0) + ms,
      });
    }
    const order =
      by === 'day'
        ? (a: Count, b: Count) => (a.key < b.key ? 1 : -1)
        : (a: Count, b: Count) => b.listens - a.listens || (a.key < b.key ? -1 : 1);
    return [...counts.values()].toSorted(order).slice(0, limit);
  }

  // eslint-disable-next-line @typescript-eslint/require-await -- a store answers by a promise
  async together(
    userId: UserId,
    query: Range & { readonly limit: number },
  ): Promise<readonly Together[]> {
    const own = [...this.#heard.values()].filter(
      ({ userId: by, spans }) => by === userId && isWithin(spans[0]?.[0] ?? NaN, query),
    );
    const others = new Map<UserId, { heardMs: number; plays: number }>();
    for (const mine of own) {
      for (const theirs of this.#heard.values()) {
        if (theirs.userId === userId || theirs.playKey !== mine.playKey) continue;
        const ms = sharedMs(mine.spans, theirs.spans);
        if (ms === 0) continue;
        const sum = others.get(theirs.userId) ?? { heardMs: 0, plays: 0 };
        others.set(theirs.userId, { heardMs: sum.heardMs + ms, plays: sum.plays + 1 });
      }
    }
    return [...others]
      .map(([id, sum]) => ({ userId: id, ...sum }))
      .toSorted((a, b) => b.heardMs - a.heardMs || (a.userId < b.userId ? -1 : 1))
      .slice(0, query.limit);
  }

  async latest(authors: readonly UserId[]): Promise<ReadonlyMap<UserId, PastActivity>> {
    const latest = new Map<UserId, PastActivity>();
    for (const author of authors) {
      const [newest] = await this.feedPage([author], { limit: 1 });
      if (newest !== undefined) latest.set(author, newest);
    }
    return latest;
  }

  // eslint-disable-next-line @typescript-eslint/require-await -- a store answers by a promise
  async importListens(entries: readonly ImportedEntry[], askedAt: HubMs): Promise<number> {
    const fresh = entries.filter(
      ({ listenId, userId, sameAs }) =>
        ![listenId, sameAs ?? ''].some((id) => this.#heard.has(keyOf(userId, id))) &&
        (this.#erased.get(userId) ?? -Infinity) < askedAt,
    );
    for (const entry of structuredClone(fresh)) this.#take(entry);
    return new Set(fresh.map(({ listenId }) => listenId)).size;
  }

  async *export(userId: UserId): AsyncIterable<ExportedRecord> {
    const activities = await this.historyPage(userId, { limit: Infinity, includePrivate: true });
    for (const activity of activities.toReversed()) yield { kind: 'activity', ...activity };
    for (const heard of this.#heard.values()) {
      if (heard.userId === userId) yield { kind: 'listen', ...listenOf(heard) };
    }
  }

  // eslint-disable-next-line @typescript-eslint/require-await -- a store answers by a promise
  async prune(before: HubMs, limit: number): Promise<number> {
    let dropped = 0;
    for (const [key, at] of this.#removed) if (at < before) this.#removed.delete(key);
    const old = <T>(entries: ReadonlyMap<string, T>, beganAt: (entry: T) => HubMs): string[] =>
      [...entries].filter(([, entry]) => beganAt(entry) < before).map(([id]) => id);
    for (const id of old(this.#played, ({ at }) => at).slice(0, limit))
      dropped += Number(this.#played.delete(id));
    for (const id of old(this.#heard, ({ spans }) => spans[0]?.[0] ?? Infinity).slice(0, limit))
      dropped += Number(this.#heard.delete(id));
    return dropped;
  }

  // eslint-disable-next-line @typescript-eslint/require-await -- a store answers by a promise
  async erase(userId: UserId, at: HubMs): Promise<void> {
    this.#erased.set(userId, Math.max(at, this.#erased.get(userId) ?? at));
    for (const [id, entry] of this.#played) if (entry.userId === userId) this.#played.delete(id);
    for (const [id, heard] of this.#heard) if (heard.userId === userId) this.#heard.delete(id);
  }

  #take(entry: ActivityEntry): void {
    const key = keyOf(entry.userId, entry.kind === 'heard' ? entry.listenId : entry.activityId);
    if (entry.kind === 'remove') {
      this.#removed.set(key, entry.at);
      this.#played.delete(key);
      this.#heard.delete(key);
      return;
    }
    if (this.#removed.has(key)) return;
    if (entry.kind === 'activity') {
      const before = this.#played.get(key);
      this.#played.set(key, before === undefined ? entry : newer(entry, before));
    } else {
      const { kind: _kind, ...heard } = entry;
      const before = this.#heard.get(key)?.spans ?? [];
      this.#heard.set(key, { ...heard, spans: unionOf([...before, ...entry.spans]) });
    }
  }

  // eslint-disable-next-line @typescript-eslint/require-await -- a store answers by a promise
  async #activities(
    query: PageQuery,
    isAsked: (entry: PlayedEntry) => boolean,
  ): Promise<readonly PastActivity[]> {
    const asked = [...this.#played.values()].filter(isAsked);
    return page(asked, query, ({ at, activityId: id }) => ({ at, id })).map(
      ({ kind: _kind, version: _version, takesBack: _takesBack, ...past }) => structuredClone(past),
    );
  }

  #listensOf(userId: UserId): Listen[] {
    return [...this.#heard.values()].flatMap((heard) => {
      const listen = listenOf(heard);
      return heard.userId === userId && listen.countedAt !== undefined
        ? [{ ...listen, countedAt: listen.countedAt }]
        : [];
    });
  }
}

function keyOf(userId: UserId, id: string): string {
  return `${userId}:${id}`;
}

function listenOf({
  spans,
  playKey: _key,
  ...heard
}: Heard): Omit<Listen, 'countedAt'> & { readonly countedAt?: number } {
  const at = countedAt(spans, heard.track.durationMs);
  return {
    ...structuredClone(heard),
    at: spans[0]?.[0] ?? 0,
    heardMs: heardMs(spans),
    ...(at === undefined ? {} : { countedAt: at }),
  };
}

function isWithin(at: number, { from, to }: Range): boolean {
  return at >= from && at < to;
}

function page<T>(
  items: readonly T[],
  { limit, after }: PageQuery,
  placeOf: (item: T) => ActivityPlace,
): T[] {
  return items
    .map((item) => ({ item, place: placeOf(item) }))
    .filter(({ place }) => after === undefined || isBehind(place, after))
    .toSorted((a, b) => (isBehind(b.place, a.place) ? -1 : 1))
    .slice(0, limit)
    .map(({ item }) => item);
}

function isBehind(place: ActivityPlace, after: ActivityPlace): boolean {
  return place.at < after.at || (place.at === after.at && place.id < after.id);
}
