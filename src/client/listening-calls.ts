// Owns the typed calls about what was listened to: the feed's past, histories, listens, counts, and all of one's data. Knows no socket.
import type { HubMs, RoomId, SessionId, UserId } from '../../protocol/ids.ts';
import type { ActivityTrack, FeedItem } from '../../protocol/schemas/feed.ts';
import { EarshotError } from './errors.ts';
import { profileOf, type Profile } from './people-calls.ts';
import type { RestBlob, RestCall } from './rest-call.ts';

/** A page of a list, the newest first. */
export interface Page<T> {
  readonly items: readonly T[];
  /** Where to read on; absent at the end. */
  readonly next?: string;
}

export interface PastActivity {
  readonly activityId: string;
  readonly at: HubMs;
  readonly endedAt?: HubMs;
  readonly track: ActivityTrack;
  readonly roomId?: RoomId;
  readonly roomName?: string;
  /** Seen by its owner alone. */
  readonly isPrivate: boolean;
}

export interface PastListen {
  readonly id: string;
  readonly at: HubMs;
  readonly track: ActivityTrack;
  readonly heardMs: number;
  readonly roomId?: RoomId;
  /** The gathering in which it was heard. */
  readonly session?: {
    readonly id: SessionId;
    readonly startedAt: HubMs;
    readonly endedAt?: HubMs;
    readonly peopleCount: number;
    readonly playCount: number;
  };
}

export type CountBy = 'track' | 'artist' | 'day';

export interface ListenCount {
  /** The day as `2026-11-24`, the artist, or the track's title. */
  readonly key: string;
  readonly track?: ActivityTrack;
  readonly listens: number;
  readonly heardMs: number;
}

export interface Together {
  readonly person: Profile;
  /** Time in which both heard the same. */
  readonly heardMs: number;
  readonly plays: number;
}

/** A stretch of hub time, ms; without `to`, until now. */
export interface Range {
  readonly from: HubMs;
  readonly to?: HubMs;
}

export interface Imported {
  /** All that were in the file. */
  readonly received: number;
  /** Those that were not known before. */
  readonly added: number;
  /** Those that are no listens, and were left out. */
  readonly skipped: number;
  /** What is wrong with the first few of these, by their place in the file, from 0. */
  readonly problems: readonly { readonly index: number; readonly why: string }[];
}

export interface ImportProgress {
  /** Listens that the hub has dealt with. */
  readonly done: number;
  readonly of: number;
}

type Paging = {
  /** `next` of the page before. */
  readonly cursor?: string | undefined;
  readonly limit?: number;
};

/** As many as the hub takes at once, with room to spare for long names. */
const IMPORTED_AT_ONCE = 500;
const MOST_PROBLEMS = 5;
/** For one portion: a hub that still takes none after so many has another reason. */
const MOST_WAITS = 20;

/** All calls reject with an `EarshotError`; people who are hidden are `not_found`, as those who are not there. */
export class ListeningCalls {
  readonly #call: RestCall;
  readonly #blob: RestBlob;
  readonly #wait: (ms: number) => Promise<void>;

  /** @param wait resolves after so many ms */
  constructor(call: RestCall, blob: RestBlob, wait: (ms: number) => Promise<void>) {
    this.#call = call;
    this.#blob = blob;
    this.#wait = wait;
  }

  /** What friends have listened to; what is live is as it is now. */
  feed(paging: Paging = {}): Promise<Page<FeedItem>> {
    return this.#call('GET', `/v1/feed${queryOf(paging)}`);
  }

  /** Of a friend, or of oneself, with private ones. */
  history(userId: UserId, paging: Paging = {}): Promise<Page<PastActivity>> {
    return this.#call('GET', `/v1/users/${userId}/history${queryOf(paging)}`);
  }

  /** One's own that count. */
  async listens(paging: Paging = {}): Promise<Page<PastListen>> {
    type Answer = { readonly listens: PastListen[]; readonly next?: string };
    const found = await this.#call<Answer>('GET', `/v1/me/listens${queryOf(paging)}`);
    const { listens, ...rest } = found;
    return { items: listens, ...rest };
  }

  /** @param timeZone an IANA name: where a day begins */
  async counts(
    by: CountBy,
    range: Range,
    { timeZone, limit }: { readonly timeZone?: string; readonly limit?: number } = {},
  ): Promise<readonly ListenCount[]> {
    const query = queryOf({ by, ...range, timeZone, limit });
    const path = `/v1/me/listens/counts${query}`;
    return (await this.#call<{ counts: ListenCount[] }>('GET', path)).counts;
  }

  /** With whom one listened, the longest first. */
  async together(range: Range, limit?: number): Promise<readonly Together[]> {
    type Wire = Omit<Together, 'person'> & { readonly person: Parameters<typeof profileOf>[0] };
    const path = `/v1/me/together${queryOf({ ...range, limit })}`;
    const { people } = await this.#call<{ people: Wire[] }>('GET', path);
    return people.map(({ person, ...rest }) => ({ person: profileOf(person), ...rest }));
  }

  /** Takes something back: it goes from everybody, for good. */
  async removeActivity(activityId: string): Promise<void> {
    await this.#call('DELETE', `/v1/me/activities/${encodeURIComponent(activityId)}`);
  }

  /**
   * Takes in listens from a file: a list of ListenBrainz’s, what its API takes, or one listen a line.
   * Those that are known already are not taken twice, so that it may be called again after a failure. The hub takes some hundred a
   * second: of many, most of the time goes by in waiting for it.
   */
  async importListens(
    text: string,
    onProgress?: (progress: ImportProgress) => void,
  ): Promise<Imported> {
    const payload = listensIn(text);
    let [received, added, skipped] = [0, 0, 0];
    const problems: { readonly index: number; readonly why: string }[] = [];
    for (let i = 0; i < payload.length; i += IMPORTED_AT_ONCE) {
      const body = { listen_type: 'import', payload: payload.slice(i, i + IMPORTED_AT_ONCE) };
      const answer = await this.#patiently(() =>
        this.#call<Imported>('POST', '/v1/me/listenbrainz', body),
      );
      received += answer.received;
      added += answer.added;
      skipped += answer.skipped;
      problems.push(...answer.problems.map(({ index, why }) => ({ index: i + index, why })));
      onProgress?.({ done: received, of: payload.length });
    }
    return { received, added, skipped, problems: problems.slice(0, MOST_PROBLEMS) };
  }

  /** All listens, in ListenBrainz’s JSON. */
  exportListens(): Promise<Blob> {
    return this.#blob('/v1/me/listenbrainz');
  }

  /** All that the hub keeps of this person, as one JSON document. */
  exportData(): Promise<Blob> {
    return this.#blob('/v1/me/data');
  }

  /** Erases this person everywhere; it cannot be undone. @param userId one's own, so that nothing goes by mistake */
  async erase(userId: UserId): Promise<void> {
    await this.#call('DELETE', `/v1/me/data${queryOf({ confirm: userId })}`);
  }

  /** Asks again after as long as the hub says, where it is only too early. */
  async #patiently<T>(ask: () => Promise<T>): Promise<T> {
    for (let waits = 0; ; waits += 1) {
      try {
        return await ask();
      } catch (error) {
        const isEarly = error instanceof EarshotError && error.code === 'rate_limited';
        if (!isEarly || error.retryAfterMs === undefined || waits === MOST_WAITS) throw error;
        await this.#wait(error.retryAfterMs);
      }
    }
  }
}

function queryOf(values: Readonly<Record<string, string | number | undefined>>): string {
  const given = Object.entries(values).filter(([, value]) => value !== undefined);
  if (given.length === 0) return '';
  return `?${new URLSearchParams(given.map(([key, value]) => [key, String(value)])).toString()}`;
}

function listensIn(text: string): unknown[] {
  const whole = jsonOf(text);
  if (Array.isArray(whole)) return whole;
  if (typeof whole === 'object' && whole !== null) {
    if ('payload' in whole && Array.isArray(whole.payload)) return whole.payload;
    return [whole];
  }
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  return lines.map((line, i) => {
    const listen = jsonOf(line);
    if (listen === undefined) throw new EarshotError('bad_request', `line ${i + 1} is not JSON`);
    return listen;
  });
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
