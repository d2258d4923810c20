// Every number by which the hub limits or paces itself, with its default. The configuration may set each of them.
import { DEFAULT_DOMAIN_LIMITS, type DomainLimits } from '../domain/command.ts';
import { NO_PROXY, type ProxyTrust } from './proxy-trust.ts';
import type { RateLimit } from '../domain/rate-limit.ts';
import type { DrainTerms } from './drain-window.ts';

export interface HubOptions {
  readonly domain: DomainLimits;
  /** How long a socket may stay silent before its `hello`, ms. */
  readonly helloTimeoutMs: number;
  /** Of those who say hello so many are looked at at once, the others in their order. */
  readonly maxHellosAtOnce: number;
  /** Told to clients: how often they hear from the hub or should ask, ms. */
  readonly heartbeatMs: number;
  readonly maxConnections: number;
  readonly maxConnectionsPerUser: number;
  readonly maxConnectionsPerAddress: number;
  readonly maxRoomsPerConnection: number;
  readonly maxRoomMembers: number;
  /** Requests of one connection; each type has a cost. */
  readonly connectionRate: RateLimit;
  /** Requests of one person over all connections, and over all nodes that settle what they gave out. */
  readonly userRate: RateLimit;
  /** Clock probes of one connection: a bucket of 20, refilled with 8 a second (CL4). */
  readonly probeRate: RateLimit;
  /** Guests made by one address. */
  readonly guestRate: RateLimit;
  /** Rooms made by one person, over all nodes. */
  readonly roomRate: RateLimit;
  /** Rooms made from one address, by whomever, over all nodes. */
  readonly addressRoomRate: RateLimit;
  /** A connection that keeps on after this many refusals for its rate within ten seconds is closed as overloaded. */
  readonly maxRateRefusals: number;
  /** Which proxies in front tell the clients' addresses in `X-Forwarded-For`. */
  readonly trustProxy: ProxyTrust;
  /** Above this a socket is behind: no more events, one snapshot when it drains. */
  readonly softBufferBytes: number;
  /** Above this it is closed as too slow. */
  readonly hardBufferBytes: number;
  /**
   * Above this a socket is behind as well, as it has not shown that it has read what it was sent; above half of it, it is refused what has long
   * answers. Well above what is on its way to who reads: a transport asks each 64 KiB.
   */
  readonly mostUnreadBytes: number;
  /** How long somebody whose socket was lost still counts as in the room, ms. */
  readonly presenceGraceMs: number;
  /** Arrivals and departures within this window reach the log as one batch, ms. */
  readonly presenceBatchMs: number;
  /** Changes of the live presence within this window are told as one, ms. */
  readonly presencePushMs: number;
  /** Rooms with more people than this name a part of them. */
  readonly maxNamedMembers: number;
  /** Reactions within this window are summed, ms. */
  readonly reactionWindowMs: number;
  /** The longest that revisions and chat of a busy room wait for more, ms; playback never does. */
  readonly gatherMs: number;
  /** How often a room is told how well in step it is, ms. */
  readonly syncPushMs: number;
  /** Chat items a join brings along. */
  readonly chatOnJoin: number;
  /** Chat items kept in memory for a room. */
  readonly chatInMemory: number;
  /** A room nobody is connected to is dropped from memory after this, ms. */
  readonly roomIdleMs: number;
  /** Commands decided and appended in one call. */
  readonly maxBatch: number;
  /** Commands of one room that may wait; more are refused as `unavailable`. */
  readonly maxWaitingCommands: number;
  /** Bounds of the lead of a start, ms. */
  readonly minLeadMs: number;
  readonly maxLeadMs: number;
  /** How long those who are here have to leave when the hub drains. */
  readonly drain: DrainTerms;
  /** A token's owner is told this long before it ends, ms. */
  readonly expiryWarningMs: number;
  /**
   * Whether a page of `origin` may open a socket here.
   * @param origin undefined for a client that is no browser
   * @param host the `Host` header of the request
   */
  isAllowedOrigin(origin: string | undefined, host: string | undefined): boolean;
}

/** The default: a page of this very host, and whatever is no page. */
export function isSameOrigin(origin: string | undefined, host: string | undefined): boolean {
  if (origin === undefined) return true;
  try {
    return new URL(origin).host === host;
  } catch {
    return false;
  }
}

export const DEFAULT_HUB_OPTIONS: HubOptions = {
  domain: DEFAULT_DOMAIN_LIMITS,
  helloTimeoutMs: 5_000,
  maxHellosAtOnce: 64,
  heartbeatMs: 25_000,
  maxConnections: 50_000,
  maxConnectionsPerUser: 10,
  maxConnectionsPerAddress: 1_000,
  maxRoomsPerConnection: 5,
  maxRoomMembers: 20_000,
  connectionRate: { perSecond: 20, burst: 60 },
  userRate: { perSecond: 40, burst: 120 },
  probeRate: { perSecond: 8, burst: 20 },
  guestRate: { perSecond: 0.5, burst: 30 },
  roomRate: { perSecond: 4 / 60, burst: 20 },
  addressRoomRate: { perSecond: 12 / 60, burst: 200 },
  maxRateRefusals: 200,
  trustProxy: NO_PROXY,
  softBufferBytes: 64 * 1_024,
  mostUnreadBytes: 1_024 * 1_024,
  hardBufferBytes: 1_024 * 1_024,
  presenceGraceMs: 15_000,
  presenceBatchMs: 50,
  presencePushMs: 250,
  maxNamedMembers: 200,
  reactionWindowMs: 250,
  gatherMs: 20,
  syncPushMs: 5_000,
  chatOnJoin: 50,
  chatInMemory: 200,
  roomIdleMs: 60_000,
  maxBatch: 256,
  maxWaitingCommands: 10_000,
  minLeadMs: 150,
  maxLeadMs: 2_000,
  drain: { leastMs: 2_000, perSecond: 1_000, mostMs: 20_000 },
  expiryWarningMs: 60_000,
  isAllowedOrigin: isSameOrigin,
};
