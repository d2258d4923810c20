// Owns a person's view of what their friends listen to, and what they tell of their own listening, over whatever connection there is.
import type { RoomId, UserId } from '../../protocol/ids.ts';
import type { AudienceView, FeedItem } from '../../protocol/schemas/feed.ts';
import type { Push } from '../../protocol/schemas/pushes.ts';
import type { RequestBody, RequestType } from '../../protocol/schemas/requests.ts';
import { EarshotError } from './errors.ts';
import { FeedStore } from './feed-store.ts';
import { isFeed } from './inbound.ts';
import { Listeners } from './listeners.ts';
import { Cell, type Observable } from './observable.ts';
import type { Platform } from './platform.ts';
import type { Outcome, ReplyOf, RequestOptions, SendOptions } from './request-book.ts';
import { SoloWord, type SoloListening } from './solo-word.ts';

export type { AudienceView, FeedItem } from '../../protocol/schemas/feed.ts';
export type { SoloListening } from './solo-word.ts';

export interface FeedView {
  /** `away`: the connection is, and what is shown is what was known last. */
  readonly phase: 'off' | 'loading' | 'ready' | 'away';
  /** One of each friend, the newest first. */
  readonly items: readonly FeedItem[];
  /** Who sees what this person does; absent before the first reading. */
  readonly audience?: AudienceView;
}

interface Somebody {
  readonly id: UserId;
  readonly name: string;
}

/** A word for this person alone. */
export type FeedSignal =
  /** Their friends or requests read differently. */
  | { readonly kind: 'friends' }
  | {
      readonly kind: 'reacted';
      readonly activityId: string;
      readonly user: Somebody;
      readonly emoji: string;
    }
  /** A friend has made a room of what they listen to alone: they are to follow. */
  | {
      readonly kind: 'joined';
      readonly activityId: string;
      readonly roomId: RoomId;
      readonly user: Somebody;
    };

export type AudienceChange = RequestBody<'audience.set'>;

export interface FeedDeps {
  readonly platform: Platform;
  request<T extends RequestType>(
    type: T,
    body: RequestBody<T>,
    options?: RequestOptions,
  ): Promise<ReplyOf<T>>;
  /** @returns the request's id; `done` runs within the frame that answers it */
  send<T extends RequestType>(
    type: T,
    body: RequestBody<T>,
    options: SendOptions,
    done: (outcome: Outcome<T>) => void,
  ): unknown;
}

const NOTHING: FeedView = { phase: 'off', items: [] };
const RETRY_MS = 2_000;

export class Feed {
  readonly #deps: FeedDeps;
  readonly #store = new FeedStore();
  readonly #view = new Cell<FeedView>(NOTHING);
  readonly #signals = new Listeners<[signal: FeedSignal]>();
  readonly #solo: SoloWord;
  /** Whether the feed is followed; those that wait for the first reading. */
  #wanted = false;
  #waiting: {
    readonly resolve: () => void;
    readonly reject: (error: EarshotError) => void;
  }[] = [];
  /** Of the connection that is; another one begins anew. */
  #connection = 0;
  #isConnected = false;
  #cancelRetry: (() => void) | undefined;

  constructor(deps: FeedDeps) {
    this.#deps = deps;
    this.#solo = new SoloWord(deps);
  }

  get view(): Observable<FeedView> {
    return this.#view;
  }

  /** @returns the remover */
  onSignal(listener: (signal: FeedSignal) => void): () => void {
    return this.#signals.add(listener);
  }

  /**
   * Follows the feed from now on, also after a reconnect. Resolves with the first reading.
   * @throws EarshotError where the hub serves none, or refuses
   */
  subscribe(): Promise<void> {
    this.#wanted = true;
    if (this.#view.value.phase === 'ready') return Promise.resolve();
    const read = new Promise<void>((resolve, reject) => this.#waiting.push({ resolve, reject }));
    if (this.#view.value.phase === 'off') {
      this.#show('loading');
      if (this.#isConnected) this.#ask();
    }
    return read;
  }

  /** Follows it no more, and forgets what is held. */
  unsubscribe(): void {
    if (!this.#wanted) return;
    this.#wanted = false;
    this.#cancelRetry?.();
    this.#store.clear();
    this.#view.set(NOTHING);
    this.#settle(new EarshotError('closed', 'the feed is not followed any more'));
    if (this.#isConnected)
      this.#deps.send('feed.unsubscribe', {}, { onThisSocketOnly: true }, () => undefined);
  }

  /** A small sign to a friend about what they listen to. */
  async react(activityId: string, userId: UserId, emoji: string): Promise<void> {
    await this.#deps.request('activity.react', { activityId, userId, emoji });
  }

  /** Makes a room of what a friend listens to alone. @returns the room, to be joined */
  async join(activityId: string, userId: UserId): Promise<RoomId> {
    const { roomId } = await this.#deps.request('activity.join', { activityId, userId });
    return roomId;
  }

  /** Who may see what this person listens to. @returns how it is then */
  async setAudience(change: AudienceChange): Promise<AudienceView> {
    const { audience } = await this.#deps.request('audience.set', change);
    this.#setAudience(audience);
    return audience;
  }

  /** Takes something back that this person listened to: it goes from everybody, for good. */
  async remove(activityId: string): Promise<void> {
    await this.#deps.request('activity.remove', { activityId });
  }

  /**
   * Says what this person listens to outside a room, and goes on saying it until something else is said; `undefined` ends it.
   * To be called at each change: another track, a seek, a pause.
   */
  listen(listening: SoloListening | undefined): void {
    this.#solo.set(listening);
  }

  /** A connection stands, and its `hello` is answered. */
  connected(isSomebodyElse: boolean): void {
    this.#connection += 1;
    this.#isConnected = true;
    if (isSomebodyElse) {
      this.#store.clear();
      this.#solo.set(undefined);
      if (this.#wanted) this.#show('loading');
    }
    if (this.#wanted) this.#ask();
    this.#solo.connected();
  }

  /** The connection is gone for the moment. */
  lost(): void {
    this.#isConnected = false;
    this.#cancelRetry?.();
    this.#solo.lost();
    if (this.#view.value.phase === 'ready') this.#show('away');
  }

  /** The connection does not come back by itself. */
  closed(error: EarshotError): void {
    this.lost();
    this.#settle(error);
  }

  receive(push: Push): void {
    // The other pushes are about rooms and the connection.
    // eslint-disable-next-line @typescript-eslint/switch-exhaustiveness-check -- the feed's alone
    switch (push.type) {
      case 'feed.items':
        if (!this.#isFollowed()) return;
        this.#store.merge(push.upsert, push.remove);
        this.#show('ready');
        return;
      case 'feed.snapshot':
        if (!this.#isFollowed()) return;
        this.#store.replace(push);
        this.#show('ready');
        return;
      case 'audience.changed':
        this.#setAudience(push.audience);
        return;
      case 'friends.changed':
        this.#signals.call({ kind: 'friends' });
        return;
      case 'activity.reacted': {
        const { activityId, user, emoji } = push;
        this.#signals.call({ kind: 'reacted', activityId, user, emoji });
        return;
      }
      case 'activity.joined': {
        const { activityId, user, roomId } = push;
        this.#signals.call({ kind: 'joined', activityId, user, roomId });
        return;
      }
    }
  }

  /** What comes before the reply to `feed.subscribe` is of a subscription that has ended. */
  #isFollowed(): boolean {
    return this.#wanted && this.#view.value.phase === 'ready';
  }

  #ask(): void {
    const connection = this.#connection;
    this.#cancelRetry?.();
    this.#deps.send('feed.subscribe', {}, { onThisSocketOnly: true }, (outcome) => {
      if (connection !== this.#connection || !this.#wanted) return;
      if (outcome.kind === 'ok' && isFeed(outcome.body)) {
        this.#store.replace(outcome.body);
        this.#show('ready');
        this.#settle(undefined);
        return;
      }
      const error =
        outcome.kind === 'failed'
          ? outcome.error
          : new EarshotError('internal', 'the hub’s answer to feed.subscribe cannot be read');
      if (error.retryable) this.#retry();
      else this.#giveUp(error);
    });
  }

  #retry(): void {
    // Without a connection it is asked when there is one.
    if (!this.#isConnected) return;
    const { platform } = this.#deps;
    const handle = platform.setTimeout(() => this.#ask(), RETRY_MS);
    this.#cancelRetry = () => platform.clearTimeout(handle);
  }

  #giveUp(error: EarshotError): void {
    this.#wanted = false;
    this.#store.clear();
    this.#view.set(NOTHING);
    this.#settle(error);
  }

  #settle(error: EarshotError | undefined): void {
    for (const { resolve, reject } of this.#waiting.splice(0)) {
      if (error === undefined) resolve();
      else reject(error);
    }
  }

  #setAudience(audience: AudienceView): void {
    this.#store.audience = audience;
    if (this.#view.value.phase !== 'off') this.#show(this.#view.value.phase);
  }

  #show(phase: FeedView['phase']): void {
    const { audience } = this.#store;
    this.#view.set({
      phase,
      items: this.#store.items(),
      ...(audience === undefined ? {} : { audience }),
    });
  }
}
