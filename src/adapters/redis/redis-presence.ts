// Who is connected to which room on which node, in Redis; and the lease of this node, on which its people's presence hangs.
import type { HubMs, RoomId, UserId } from '../../../protocol/ids.ts';
import type { NodeId } from '../../ports/bus.ts';
import type { Log } from '../../ports/log.ts';
import type {
  Presence,
  PresenceChange,
  PresentPeople,
  PresentPerson,
} from '../../ports/presence.ts';
import { StoreUnavailable } from '../../ports/room-log.ts';
import type { Timers } from '../../ports/timers.ts';
import { CHANGE, FORGET, RENEW, VERSIONS } from './presence-scripts.ts';
import type { RedisChannels } from './redis-channels.ts';
import { askEach, byPartition, orAway, runScript, type RedisCommands } from './redis-commands.ts';
import type { RedisKeys } from './redis-keys.ts';

const RENEW_EVERY_MS = 1_500;
const LEASE_MS = 6_000;
/** After it a room's presence goes, and the last word of a node that died. */
const KEPT_MS = 7 * 24 * 3_600_000;
/** Each start is another node, and every renewal is answered with all of them: those that start again and again must not pile up. */
const MAX_NODES = 1_000;

export interface RedisPresenceOptions {
  readonly redis: RedisCommands;
  readonly channels: RedisChannels;
  readonly keys: RedisKeys;
  readonly nodeId: NodeId;
  readonly timers: Timers;
  /** Hub time: nodes judge each other's leases by it. */
  readonly now: () => HubMs;
  readonly log: Log;
}

type NodesListener = Parameters<Presence['onNodes']>[0];

export class RedisPresence implements Presence {
  readonly #options: RedisPresenceOptions;
  readonly #nodesListeners = new Set<NodesListener>();
  /** When each node, alive or not, last renewed its lease, as far as this one knows. */
  #renewedAt: ReadonlyMap<NodeId, HubMs> = new Map();
  #alive: ReadonlySet<NodeId>;
  /** When this node's own lease last began. */
  #beganAt: HubMs | undefined;
  #isRenewing = false;
  #cancel: (() => void) | undefined;

  private constructor(options: RedisPresenceOptions) {
    this.#options = options;
    this.#alive = new Set([options.nodeId]);
  }

  /** Resolves when this node has its lease. Rejects with `StoreUnavailable` where Redis is away. */
  static async open(options: RedisPresenceOptions): Promise<RedisPresence> {
    const presence = new RedisPresence(options);
    await presence.#renew();
    presence.#cancel = options.timers.every(RENEW_EVERY_MS, () => presence.#keepLease());
    return presence;
  }

  get aliveNodes(): ReadonlySet<NodeId> {
    return this.#alive;
  }

  async change(
    roomId: RoomId,
    { entered, left }: Pick<PresenceChange, 'entered' | 'left'>,
  ): Promise<{ readonly version: number }> {
    const { redis, channels, keys, nodeId } = this.#options;
    const partition = keys.partitionOf(roomId);
    const version = await runScript(
      redis,
      CHANGE,
      [keys.presence(roomId), keys.channel(partition), keys.told(partition)],
      [
        nodeId,
        String(KEPT_MS),
        channels.messageOf('p', roomId, ''),
        JSON.stringify(entered.map(({ userId, name }) => ({ userId, name }))),
        String(entered.length),
        ...entered.flatMap(({ userId, name }) => [userId, name]),
        ...left,
      ],
    );
    return { version: Number(version) };
  }

  async read(roomId: RoomId): Promise<PresentPeople> {
    const { redis, keys, nodeId, now } = this.#options;
    const found = await orAway(() => redis.hGetAll(keys.presence(roomId)));
    const { version, run: _, ...entries } = found;
    const all = Object.entries(entries).map(([userId, kept]): PresentPerson => {
      const bar = kept.indexOf('|');
      return { userId: userId as UserId, name: kept.slice(bar + 1), node: kept.slice(0, bar) };
    });
    const seen = all.map(({ node }) => (node === nodeId ? now() : this.#renewedAt.get(node)));
    const known = seen.filter((at) => at !== undefined);
    return {
      version: Number(version ?? 0),
      people: all.filter(({ node }) => this.#alive.has(node)),
      aliveAt: known.length === 0 ? undefined : Math.max(...known),
    };
  }

  async versions(roomIds: readonly RoomId[]): Promise<readonly (number | undefined)[]> {
    const { redis, keys } = this.#options;
    const versions = roomIds.map((): number | undefined => undefined);
    const ask = async (places: readonly number[]): Promise<void> => {
      const names = places.map((place) => keys.presence(roomIds[place] ?? ('' as RoomId)));
      const found = (await runScript(redis, VERSIONS, names, [])) as readonly number[];
      for (const [i, place] of places.entries()) versions[place] = found[i] ?? 0;
    };
    await askEach(
      byPartition(roomIds, (roomId) => keys.partitionOf(roomId)),
      ask,
    );
    return versions;
  }

  async forgetDead(roomId: RoomId): Promise<void> {
    const { redis, keys } = this.#options;
    const name = keys.presence(roomId);
    const { version: _, run: __, ...entries } = await orAway(() => redis.hGetAll(name));
    const nodes = new Set(Object.values(entries).map((kept) => kept.slice(0, kept.indexOf('|'))));
    const dead = [...nodes].filter((node) => !this.#alive.has(node));
    if (dead.length > 0) await runScript(redis, FORGET, [name], dead);
  }

  subscribe(listener: (roomId: RoomId, change: PresenceChange) => void): () => void {
    return this.#options.channels.on('p', (node, roomId, rest) => {
      const [version = '', left = '', entered = ''] = rest.split('\n');
      listener(roomId, {
        node,
        version: Number(version),
        entered: JSON.parse(entered) as PresenceChange['entered'],
        left: left === '' ? [] : (left.split(',') as UserId[]),
      });
    });
  }

  onNodes(listener: NodesListener): () => void {
    this.#nodesListeners.add(listener);
    return () => this.#nodesListeners.delete(listener);
  }

  /** Its lease then ends by itself. */
  stop(): void {
    this.#cancel?.();
  }

  #keepLease(): void {
    if (this.#isRenewing) return;
    this.#isRenewing = true;
    this.#renew()
      .catch((error: unknown) => {
        const { log } = this.#options;
        if (error instanceof StoreUnavailable)
          log.debug({ err: error }, 'the lease is not renewed');
        else log.error({ err: error }, 'a change of nodes could not be taken in');
      })
      .finally(() => (this.#isRenewing = false));
  }

  async #renew(): Promise<void> {
    const { redis, keys, nodeId, now } = this.#options;
    const at = now();
    const reply = await runScript(
      redis,
      RENEW,
      [keys.nodes],
      [nodeId, String(at), String(at - KEPT_MS), String(MAX_NODES)],
    );
    const [before, all] = reply as readonly [string, readonly string[]];
    // What Redis does not know of any more, as after it has lost its end, is still known here.
    let renewedAt = new Map([...this.#renewedAt].filter(([, last]) => last > at - KEPT_MS));
    for (let i = 0; i + 1 < all.length; i += 2) {
      const node = all[i] ?? '';
      renewedAt.set(node, Math.max(renewedAt.get(node) ?? 0, Number(all[i + 1])));
    }
    if (renewedAt.size > MAX_NODES) {
      renewedAt = new Map([...renewedAt].toSorted(([, a], [, b]) => b - a).slice(0, MAX_NODES));
    }
    // By the time now, not by when it was asked for: another node may have judged this one while the renewal was on its way.
    const hasLapsed = before === '' || now() - Number(before) > LEASE_MS;
    const isFirst = this.#beganAt === undefined;
    const beganAt = this.#beganAt === undefined || hasLapsed ? at : this.#beganAt;
    this.#beganAt = beganAt;
    this.#renewedAt = renewedAt;
    this.#judge(at, beganAt, hasLapsed && !isFirst);
  }

  #judge(at: HubMs, beganAt: HubMs, wasLapsed: boolean): void {
    const before = this.#alive;
    const alive = new Set<NodeId>();
    for (const [node, renewedAt] of this.#renewedAt) {
      // Who was cut off itself cannot tell those who died meanwhile from those who were cut off as well: they have another lease's time.
      const since = before.has(node) ? Math.max(renewedAt, beganAt) : renewedAt;
      if (at - since <= LEASE_MS) alive.add(node);
    }
    this.#alive = alive;
    const died = [...before].filter((node) => !alive.has(node));
    const isSame = died.length === 0 && alive.size === before.size;
    if (isSame && !wasLapsed) return;
    this.#options.log.info({ alive: alive.size, died, wasLapsed }, 'other nodes live than before');
    for (const listener of this.#nodesListeners) listener({ died, wasLapsed });
  }
}
