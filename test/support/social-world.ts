// People, friends and listening over REST, on stores in memory and a hub whose time the test moves.
import type { UserId } from '../../protocol/ids.ts';
import { MemoryAccounts } from '../../src/adapters/memory/memory-accounts.ts';
import { MemoryChatLog } from '../../src/adapters/memory/memory-chat-log.ts';
import { MemoryRoomLog } from '../../src/adapters/memory/memory-room-log.ts';
import { MemoryTraces } from '../../src/adapters/memory/memory-traces.ts';
import type { HttpApp } from '../../src/http/http-app.ts';
import type { HttpDeps } from '../../src/http/http-deps.ts';
import { socialDeps } from '../../src/http/social-deps.ts';
import type { HubOptions } from '../../src/hub/hub-options.ts';
import { appOver, call, type Answer } from './http-calls.ts';
import { userId, type TestClient } from './hub-world.ts';
import { UNHURRIED } from './kitchen.ts';
import { ListeningWorld } from './listening-world.ts';

type Init = NonNullable<Parameters<typeof call>[2]>;

export class SocialWorld {
  readonly world: ListeningWorld;
  readonly accounts: MemoryAccounts;
  readonly app: HttpApp;

  constructor(overrides: Partial<HttpDeps> = {}, options: Partial<HubOptions> = UNHURRIED) {
    this.world = new ListeningWorld(options);
    this.accounts = new MemoryAccounts(this.world.stores.users);
    const { world, accounts } = this;
    const { friends, activityLog, archive, outbox: activityOutbox } = world.stores;
    const { roomLog, chatLog, clock, log } = world.ports;
    if (!(roomLog instanceof MemoryRoomLog) || !(chatLog instanceof MemoryChatLog))
      throw new TypeError('the world keeps its rooms elsewhere');
    const traces = new MemoryTraces(archive, roomLog, chatLog);
    this.app = appOver(world, {
      social: socialDeps(
        {
          ...{ friends, accounts, activityLog, activityOutbox, feed: world.feed, traces },
          ...{ roomLog, chatLog, clock, random: world.random, log },
        },
        world.hub,
      ),
      ...overrides,
    });
  }

  /** People whom the stores know; they are not connected. */
  async people(...numbers: number[]): Promise<UserId[]> {
    for (const n of numbers)
      await this.world.stores.users.save({ id: userId(n), name: `User ${n}`, guest: true });
    return numbers.map((n) => userId(n));
  }

  async connected(...numbers: number[]): Promise<TestClient[]> {
    await this.people(...numbers);
    return Promise.all(numbers.map((n) => this.world.connect(n)));
  }

  /** A call by the person `n`. */
  as(n: number, target: string, init: Init = {}): Promise<Answer> {
    return call(this.app, target, { token: `${userId(n)}|User ${n}`, ...init });
  }

  async befriend(a: number, b: number): Promise<void> {
    await this.as(a, '/v1/friends/requests', { json: { userId: userId(b) } });
    await this.as(b, `/v1/friends/requests/${userId(a)}/accept`, { method: 'POST' });
  }
}

/** The ids of people in a list of an answer. */
export function idsIn(answer: Answer, list: string): string[] {
  return (answer.body[list] as { readonly id: string }[]).map(({ id }) => id);
}
