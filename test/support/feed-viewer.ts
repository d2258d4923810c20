// What a client of the feed holds, by what it was sent, and all that it was ever shown.
import type { FeedItem, FeedRemoval } from '../../protocol/schemas/feed.ts';
import type { Message, TestClient } from './hub-world.ts';

export class FeedViewer {
  readonly client: TestClient;
  readonly items = new Map<string, FeedItem>();
  /** In the order in which they came. */
  readonly shown: FeedItem[] = [];

  constructor(client: TestClient) {
    this.client = client;
  }

  async subscribe(): Promise<Message> {
    const reply = await this.client.ask('feed.subscribe', {});
    this.#replace(reply);
    return reply;
  }

  /** Takes in what has come, and tells whom it holds. */
  holds(): Record<string, string> {
    for (const push of this.client.take('feed.items')) {
      for (const { userId: of, activityId } of push['remove'] as FeedRemoval[]) {
        if (activityId === undefined || this.items.get(of)?.activityId === activityId)
          this.items.delete(of);
      }
      for (const item of push['upsert'] as FeedItem[]) this.#take(item);
    }
    for (const push of this.client.take('feed.snapshot')) this.#replace(push);
    return Object.fromEntries(
      [...this.items.values()].map(({ user, track, state }) => [
        user.name,
        state === 'ended' ? `${track.title} (over)` : track.title,
      ]),
    );
  }

  #replace(message: Message): void {
    this.items.clear();
    for (const item of (message['items'] ?? []) as FeedItem[]) this.#take(item);
  }

  #take(item: FeedItem): void {
    this.shown.push(item);
    this.items.set(item.user.id, item);
  }
}
