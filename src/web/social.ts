// Owns what the page knows of this person's friends: the feed, the lists, the audience, and the news of them; must not know rooms or how it is drawn.
import { computed, signal, type ReadonlySignal } from '@preact/signals';
import type { RoomId, UserId } from '../../protocol/ids.ts';
import { cardsOf } from './feed-cards.ts';
import type { Notices } from './notices.ts';
import type {
  Audience,
  AudienceChange,
  FeedItem,
  FeedSignal,
  FeedView,
  Overview,
  PageFriends,
  PageListening,
  PagePeople,
} from './page-people.ts';
import type { PageClient } from './page-sdk.ts';
import { newsBetween, PeopleNews } from './people-news.ts';
import { peopleRefusal } from './people-wording.ts';
import { refusalLabel } from './wording.ts';

export interface SocialParts {
  /** Absent where the SDK knows no people: nothing of them is shown then. */
  readonly people: PagePeople | undefined;
  readonly notices: Notices;
  readonly codeOf: (error: unknown) => string | undefined;
  /** Sees to it that the calls carry a token that is good. */
  readonly ready: () => Promise<unknown>;
  /** A friend made what this person listens to a room. */
  readonly onJoined: (roomId: RoomId, name: string) => void;
}

const NOTHING: FeedView = { phase: 'off', items: [] };

export class Social {
  readonly notices: Notices;
  readonly #parts: SocialParts;
  readonly #news: PeopleNews;
  readonly #feed = signal<FeedView>(NOTHING);
  readonly #overview = signal<Overview | undefined>(undefined);
  readonly #failed = signal(false);
  #client: PageClient | undefined;
  #stops: (() => void)[] = [];
  #reading: Promise<void> | undefined;
  #readAgain = false;

  readonly cards = computed(() => cardsOf(this.#feed.value.items));
  readonly liveCount = computed(
    () => this.#feed.value.items.filter(({ state }) => state !== 'ended').length,
  );

  constructor(parts: SocialParts) {
    this.#parts = parts;
    this.notices = parts.notices;
    this.#news = new PeopleNews(parts.notices);
  }

  /** Whether there is anything to show of friends. */
  get isOffered(): boolean {
    return this.#parts.people !== undefined;
  }
  get friends(): PageFriends {
    return this.#people().friends;
  }
  get listening(): PageListening {
    return this.#people().listening;
  }
  get feed(): ReadonlySignal<FeedView> {
    return this.#feed;
  }
  /** Absent until it was read once. */
  get overview(): ReadonlySignal<Overview | undefined> {
    return this.#overview;
  }
  /** Whether the lists could not be read. */
  get failed(): ReadonlySignal<boolean> {
    return this.#failed;
  }

  /** Follows the feed of `client` from now on, in the place of any other's. Idempotent for the same one. */
  attach(client: PageClient): void {
    if (this.#client === client) return;
    this.detach();
    const { feed } = client;
    if (feed === undefined || !this.isOffered) return;
    this.#client = client;
    this.#feed.value = feed.view.value;
    let wasConnected = false;
    const follow = (phase: string): void => {
      const isConnected = phase === 'connected';
      // What was told while the connection was away is read again.
      if (isConnected && !wasConnected) this.refresh();
      wasConnected = isConnected;
    };
    this.#stops = [
      feed.view.subscribe((view) => {
        this.#feed.value = view;
      }),
      feed.onSignal((told) => this.#onSignal(told)),
      client.connection.subscribe(({ phase }) => follow(phase)),
    ];
    follow(client.connection.value.phase);
    this.run(() => feed.subscribe());
  }

  /** Forgets all that belongs to the person who was connected. */
  detach(): void {
    for (const stop of this.#stops.splice(0)) stop();
    this.#client = undefined;
    this.#news.stop();
    this.#feed.value = NOTHING;
    this.#overview.value = undefined;
    this.#failed.value = false;
  }

  /** Reads the lists again; while that goes on, once more after it. */
  refresh(): void {
    if (this.#reading !== undefined) {
      this.#readAgain = true;
      return;
    }
    this.#reading = this.#read().finally(() => {
      this.#reading = undefined;
      if (!this.#readAgain) return;
      this.#readAgain = false;
      this.refresh();
    });
  }

  /** Hub time, ms; undefined while it is not known. */
  hubNow(): number | undefined {
    return this.#client?.clock.now();
  }

  /** A call by REST, with a token that is good. */
  async call<T>(ask: () => Promise<T>): Promise<T> {
    await this.#parts.ready();
    return ask();
  }

  /** Does `action`, tells of a refusal, and reads the lists again. */
  change(action: () => Promise<unknown>): void {
    this.run(async () => {
      try {
        await this.call(action);
      } finally {
        this.refresh();
      }
    });
  }

  /** Does `action` and tells of a refusal. */
  run(action: () => Promise<unknown>): void {
    void this.#tell(action);
  }

  react(item: FeedItem, emoji: string): void {
    this.run(async () => {
      await this.#client?.feed?.react(item.activityId, item.user.id, emoji);
    });
  }

  tellJoined(name: string, go: () => void): void {
    this.#news.tell({ kind: 'joined', name, action: { label: 'Go there', run: go } });
  }

  setAudience(change: AudienceChange): void {
    this.run(async () => {
      await this.#client?.feed?.setAudience(change);
    });
  }

  get audience(): Audience | undefined {
    return this.#feed.value.audience;
  }

  /** How long nobody sees anything yet, ms; 0 where no private session is on. */
  privateLeftMs(): number {
    const until = this.audience?.privateUntil;
    const now = this.hubNow();
    return until === undefined || now === undefined ? 0 : Math.max(0, until - now);
  }

  nameOf(userId: UserId): string | undefined {
    return this.#overview.value?.friends.find((friend) => friend.userId === userId)?.name;
  }

  /** The sentence for a refusal; throws on what is none. */
  refusalOf(error: unknown): string {
    const code = this.#parts.codeOf(error);
    if (code === undefined) throw error;
    return peopleRefusal(code) ?? refusalLabel(code);
  }

  #people(): PagePeople {
    const { people } = this.#parts;
    if (people === undefined) throw new Error('friends are shown where the SDK knows none');
    return people;
  }

  #onSignal(told: FeedSignal): void {
    switch (told.kind) {
      case 'friends':
        this.refresh();
        return;
      case 'reacted':
        this.#news.tell({ kind: 'reacted', name: told.user.name, emoji: told.emoji });
        return;
      case 'joined':
        this.#parts.onJoined(told.roomId, told.user.name);
    }
  }

  async #read(): Promise<void> {
    const client = this.#client;
    try {
      const next = await this.call(() => this.friends.overview());
      if (client !== this.#client) return;
      const before = this.#overview.value;
      this.#overview.value = next;
      this.#failed.value = false;
      if (before !== undefined) for (const news of newsBetween(before, next)) this.#news.tell(news);
    } catch (error) {
      if (this.#parts.codeOf(error) === undefined) throw error;
      if (client === this.#client) this.#failed.value = true;
    }
  }

  async #tell(action: () => Promise<unknown>): Promise<void> {
    try {
      await action();
    } catch (error) {
      this.notices.show('problem', this.refusalOf(error));
    }
  }
}
