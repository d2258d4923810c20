// A Redis in which it can be seen what a node writes and tells, and into which the same can be put again for another one to read.
import { createClient, ErrorReply } from 'redis';
import { afterAll, afterEach, describe } from 'vitest';
import { connectRedis } from '../../../src/adapters/redis/connect-redis.ts';
import { RedisBus } from '../../../src/adapters/redis/redis-bus.ts';
import { RedisChannels, type ToldKind } from '../../../src/adapters/redis/redis-channels.ts';
import { RedisChatLog } from '../../../src/adapters/redis/redis-chat-log.ts';
import type { RedisCommands } from '../../../src/adapters/redis/redis-commands.ts';
import { RedisFeed } from '../../../src/adapters/redis/redis-feed.ts';
import { RedisFeedChannels } from '../../../src/adapters/redis/redis-feed-channels.ts';
import { RedisKeys } from '../../../src/adapters/redis/redis-keys.ts';
import { RedisPresence } from '../../../src/adapters/redis/redis-presence.ts';
import { RedisRoomLog } from '../../../src/adapters/redis/redis-room-log.ts';
import type { RoomId, UserId } from '../../../protocol/ids.ts';
import { logRecorder, type Line } from '../../support/log-recorder.ts';
import { ManualTime } from '../../support/manual-time.ts';
import { orSkipped, startRedisServer, type RedisServer } from '../../support/redis-server.ts';

export type KeptKey =
  | { readonly hash: Readonly<Record<string, string>> }
  | { readonly stream: readonly (readonly [id: string, fields: readonly string[]])[] }
  | { readonly zset: Readonly<Record<string, string>> }
  | { readonly text: string };

/** What lies in Redis, and what was told, each with its channel. */
export interface Words {
  readonly keys: Readonly<Record<string, KeptKey>>;
  readonly told: readonly (readonly [channel: string, text: string])[];
}

export interface WordsNode {
  readonly redis: RedisCommands;
  readonly channels: RedisChannels;
  readonly bus: RedisBus;
  readonly roomLog: RedisRoomLog;
  readonly chatLog: RedisChatLog;
  readonly feed: RedisFeed;
  readonly time: ManualTime;
  presence(): Promise<RedisPresence>;
}

export const ROOM = 'aaaaaaaa-0000-4000-8000-000000000001' as RoomId;
export const ANA = 'bbbbbbbb-0000-4000-8000-000000000001' as UserId;
export const BO = 'bbbbbbbb-0000-4000-8000-000000000002' as UserId;

const END = 'end';
const PARTITIONS = 4;
/** In place of what the server has, which is another one each time: numbers of epochs and heads are made from it. */
const REIGN = '0123456789abcdef0123456789abcdef01234567';

/** Tests with a Redis of their own, left out where there is none. */
export async function describeWords(
  title: string,
  tests: (place: WordsPlace) => void,
): Promise<void> {
  const server = await orSkipped('Redis', startRedisServer);
  describe.skipIf(server === undefined)(title, async () => {
    if (server === undefined) return;
    const place = await WordsPlace.at(server);
    afterEach(() => place.leave());
    afterAll(async () => {
      await place.stop();
      await server.stop();
    });
    tests(place);
  });
}

export class WordsPlace {
  readonly keys = new RedisKeys(PARTITIONS);
  readonly lines: Line[] = [];
  readonly #url: string;
  readonly #client: ReturnType<typeof createClient>;
  readonly #ear: ReturnType<typeof createClient>;
  #stops: (() => Promise<void> | void)[] = [];

  private constructor(url: string) {
    this.#url = url;
    this.#client = createClient({ url });
    this.#ear = createClient({ url });
  }

  static async at({ url }: RedisServer): Promise<WordsPlace> {
    const place = new WordsPlace(url);
    await place.#client.connect();
    await place.#ear.connect();
    return place;
  }

  /** @param people whose channels of the feed are heard, too */
  async written(act: (node: WordsNode) => Promise<void>, people: UserId[] = []): Promise<Words> {
    await this.leave();
    await this.#client.flushAll();
    const told: [string, string][] = [];
    const channels = this.#channels(people);
    try {
      const node = await this.node('east');
      let ended: () => void = () => undefined;
      let open = channels.length;
      const all = new Promise<void>((resolve) => (ended = resolve));
      for (const channel of channels) {
        await this.#ear.sSubscribe(channel, (text) => {
          if (text !== END) told.push([channel, unnumbered(text)]);
          else if ((open -= 1) === 0) ended();
        });
      }
      await act(node);
      // What a bus publishes nobody waits for: it has left after this, and the server answers in order.
      await node.time.settle();
      await node.redis.get('nothing');
      for (const channel of channels) await this.#client.sPublish(channel, END);
      await all;
      const words = told.filter(([, text]) => !text.startsWith('1\n?\n'));
      return { keys: await this.#dump(), told: words };
    } finally {
      await this.#ear.sUnsubscribe(channels);
      await this.leave();
    }
  }

  /** Puts it all there, with a node that hears what was told. @param listen called before that */
  async heard(words: Words, listen: (node: WordsNode) => Promise<void> | void): Promise<WordsNode> {
    await this.leave();
    this.lines.length = 0;
    await this.#client.flushAll();
    for (const [key, kept] of Object.entries(words.keys)) await this.#put(key, kept);
    const node = await this.node('west');
    await listen(node);
    await this.tell(node, words.told);
    return node;
  }

  /** Resolves when the node has heard it. */
  async tell(node: WordsNode, told: Words['told']): Promise<void> {
    for (const [channel, text] of told) await this.#client.sPublish(channel, text);
    for (const channel of new Set(told.map(([name]) => name))) {
      if (channel.includes(':feed:')) await this.#hasHeardFeed(node, channel);
      else await this.#hasHeard(node, channel);
    }
    await node.time.settle();
  }

  async node(nodeId: string): Promise<WordsNode> {
    const { keys, lines } = this;
    const target = { kind: 'single', url: this.#url } as const;
    const connect = () => connectRedis(target, logRecorder(lines));
    const main = await connect();
    this.#stops.push(() => main.stop());
    const redis = underOneReign(main.redis);
    const time = new ManualTime();
    const [localNow, log] = [() => time.now(), logRecorder(lines)];
    const common = { redis, keys, nodeId, log, timers: time, localNow, now: localNow };
    const channels = await RedisChannels.open({ ...common, connect });
    this.#stops.push(() => channels.stop());
    const feedChannels = await RedisFeedChannels.open({ ...common, connect });
    this.#stops.push(() => feedChannels.stop());
    const logs = { ...common, channels, maxOutboxEntries: 1_000, barrier: undefined };
    return {
      ...{ redis, channels, time },
      bus: new RedisBus(channels, nodeId),
      roomLog: new RedisRoomLog(logs),
      chatLog: new RedisChatLog(logs),
      feed: new RedisFeed({ ...common, channels: feedChannels }),
      presence: async () => {
        const presence = await RedisPresence.open({ ...common, channels });
        this.#stops.push(() => presence.stop());
        return presence;
      },
    };
  }

  /** Stops the nodes. */
  async leave(): Promise<void> {
    for (const stop of this.#stops.splice(0).reverse()) await stop();
  }

  async stop(): Promise<void> {
    await this.leave();
    this.#client.destroy();
    this.#ear.destroy();
  }

  /** What went wrong on the node that heard last. */
  get complaints(): readonly string[] {
    const bad = this.lines.filter(({ level }) => level === 'error');
    return bad.map(({ message, err }) => `${message}: ${String(err)}`);
  }

  #channels(people: readonly UserId[]): string[] {
    const partitions = Array.from({ length: PARTITIONS }, (_, i) => this.keys.channel(i));
    return [...partitions, ...people.map((userId) => this.keys.feedChannel(userId))];
  }

  async #hasHeard({ channels }: WordsNode, channel: string): Promise<void> {
    let remove = (): unknown => undefined;
    const heard = new Promise<void>((resolve) => {
      remove = channels.on(END as ToldKind, () => resolve());
    });
    await this.#client.sPublish(channel, `1\n${END}\nplace\n${ROOM}\n`);
    await heard;
    remove();
  }

  async #hasHeardFeed({ feed }: WordsNode, channel: string): Promise<void> {
    const person = channel.slice(channel.indexOf(':feed:') + ':feed:'.length) as UserId;
    let hear = (): void => undefined;
    const heard = new Promise<void>((resolve) => (hear = resolve));
    const subscription = feed.subscribe(
      person,
      () => undefined,
      () => hear(),
    );
    await subscription.ready;
    await this.#client.sPublish(channel, 'signal\n{}');
    await heard;
    subscription.stop();
  }

  async #dump(): Promise<Words['keys']> {
    const names = (await this.#client.keys('*')).filter((name) => !name.endsWith(':told-count'));
    const entries = names.sort().map(async (name) => [name, await this.#kept(name)] as const);
    return Object.fromEntries(await Promise.all(entries));
  }

  async #kept(name: string): Promise<KeptKey> {
    const client = this.#client;
    switch (await client.type(name)) {
      case 'hash':
        return { hash: sorted(Object.entries(await client.hGetAll(name))) };
      case 'stream': {
        const range = ['XRANGE', name, '-', '+'];
        const found = await client.sendCommand<[string, string[]][]>(range);
        // Those of an outbox say when.
        const isTimed = name.endsWith(':outbox');
        return { stream: found.map(([id, fields], i) => [isTimed ? `1-${i + 1}` : id, fields]) };
      }
      case 'zset': {
        const scored = await client.zRangeWithScores(name, 0, -1);
        const scoreOf = (score: number): number =>
          name.endsWith(':changed') ? Math.sign(score) : score;
        return { zset: sorted(scored.map(({ value, score }) => [value, String(scoreOf(score))])) };
      }
      default:
        return { text: (await client.get(name)) ?? '' };
    }
  }

  async #put(name: string, kept: KeptKey): Promise<void> {
    const send = (...command: string[]): Promise<unknown> => this.#client.sendCommand(command);
    if ('hash' in kept) await send('HSET', name, ...Object.entries(kept.hash).flat());
    else if ('text' in kept) await send('SET', name, kept.text);
    else if ('zset' in kept) {
      for (const [member, score] of Object.entries(kept.zset))
        await send('ZADD', name, score, member);
    } else for (const [id, fields] of kept.stream) await send('XADD', name, id, ...fields);
  }
}

function sorted(entries: readonly (readonly [string, string])[]): Record<string, string> {
  return Object.fromEntries(entries.toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

/** A message between nodes begins with its number on the channel, which depends on what was told before. */
function unnumbered(text: string): string {
  return /^\d+\n[a-z?]\n/.test(text) ? text.replace(/^\d+/, '1') : text;
}

function underOneReign(redis: RedisCommands): RedisCommands {
  const info = /redis\.call\('INFO', 'replication'\)/g;
  return Object.assign(Object.create(redis) as RedisCommands, {
    // So that each script comes as its text.
    evalSha: () => Promise.reject(new ErrorReply('NOSCRIPT')),
    eval: (script: string, options: Parameters<RedisCommands['eval']>[1]) =>
      redis.eval(script.replace(info, `'master_replid:${REIGN}'`), options),
    get: (key: string) => redis.get(key),
    set: (...args: Parameters<RedisCommands['set']>) => redis.set(...args),
    hGetAll: (key: string) => redis.hGetAll(key),
  });
}

/** The same as a newer version may write it: with more members, fields and, where `lines`, lines than this one knows. */
export function grown({ keys, told }: Words, lines: boolean): Words {
  return {
    keys: Object.fromEntries(
      Object.entries(keys).map(([name, kept]) => [name, grownKey(name, kept)]),
    ),
    told: told.map(([channel, text]) => [channel, grownText(text) + (lines ? '\nlater' : '')]),
  };
}

function grownKey(name: string, kept: KeptKey): KeptKey {
  if ('text' in kept || 'zset' in kept) return kept;
  if ('stream' in kept) {
    return {
      stream: kept.stream.map(([id, fields]) => [id, [...fields.map(grownText), 'later', 'x']]),
    };
  }
  const hash = Object.fromEntries(
    Object.entries(kept.hash).map(([field, value]) => [field, grownText(value)]),
  );
  // Those have a field for each room.
  return /:(?:inhabited|left)$/.test(name) ? { hash } : { hash: { ...hash, later: 'x' } };
}

/** Each line of it that is JSON. */
function grownText(text: string): string {
  return text
    .split('\n')
    .map((line) => (/^(?:\{|\[\{)/.test(line) ? JSON.stringify(grownJson(JSON.parse(line))) : line))
    .join('\n');
}

function grownJson(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(grownJson);
  if (typeof value !== 'object' || value === null) return value;
  const members = Object.entries(value).map(([name, member]) => [
    name,
    Array.isArray(member) ? grownJson(member) : (member as unknown),
  ]);
  return { ...(Object.fromEntries(members) as object), later: { x: 1 } };
}
