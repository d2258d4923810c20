// A guest of a real hub by the SDK alone: friends, the feed and rooms as an application has them, in Node.
import { WebSocket } from 'ws';
import type { UserId } from '../../protocol/ids.ts';
import { EarshotClient } from '../../src/client/client.ts';
import type { FeedSignal } from '../../src/client/feed.ts';
import type { SocketConstructor } from '../../src/client/platform.ts';
import { EarshotApi } from '../../src/client/rest.ts';
import type { Room } from '../../src/client/room.ts';

export interface SdkPerson {
  readonly client: EarshotClient;
  readonly userId: UserId;
  /** What the feed told beside its items, in order. */
  readonly signals: readonly FeedSignal[];
}

/** Connected, and following their feed; to be closed by whoever asks. */
export async function sdkPerson(url: string, name: string): Promise<SdkPerson> {
  const { token, user } = await new EarshotApi({ url }).createGuest(name, `${name}’s app`);
  const platform = { WebSocket: WebSocket as unknown as SocketConstructor };
  const client = new EarshotClient({ url, token, platform });
  await client.connect();
  const signals: FeedSignal[] = [];
  client.feed.onSignal((signal) => signals.push(signal));
  await client.feed.subscribe();
  return { client, userId: user.id, signals };
}

export async function befriend(asking: SdkPerson, asked: SdkPerson): Promise<void> {
  await asking.client.api.people.ask({ code: await asked.client.api.people.code() });
  await asked.client.api.people.accept(asking.userId);
}

/** Says that what the room plays is heard, as a player does every few seconds. */
export async function hear(room: Room): Promise<void> {
  const delays = { errorMs: 1, maxErrorMs: 2, rttMs: 5, outputLatencyMs: 10 };
  await room.reportSync({ ...delays, state: 'following' });
}
