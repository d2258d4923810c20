// The port to what keeps an account without a password: tokens of devices, and links that carry it to another one.
import type { HubMs, UserId } from '../../protocol/ids.ts';

export interface DeviceToken {
  /** For the list and for revoking; no secret. */
  readonly id: string;
  readonly label: string;
  readonly createdAt: HubMs;
  /** To about a minute. */
  readonly usedAt: HubMs;
}

export interface NewDevice {
  readonly userId: UserId;
  readonly token: DeviceToken;
  /** `esd_` and 43 characters of base64url. Told this once: only its SHA-256 is kept. */
  readonly secret: string;
  /** Those that made place for it, and are revoked. */
  readonly dropped: readonly string[];
}

export interface Link {
  /** 22 characters of base64url, for a URL. Kept as its SHA-256 as well. */
  readonly code: string;
  readonly expiresAt: HubMs;
}

export const LINK_LIFE_MS = 600_000;
/** With one more, the token that was not used for the longest time is revoked. */
export const MAX_DEVICE_TOKENS = 50;
/** A use is noted at most this often. */
export const TOUCH_EVERY_MS = 60_000;

/**
 * A person who is erased (`Friends.erase`) takes their tokens and links along, at the same moment: none is made for them after it.
 * Changes are durable when they resolve. Every method rejects with `StoreUnavailable`.
 */
export interface Accounts {
  /** Undefined for a person who is not known. Rejects with a `RangeError` a label that is no name to be shown. */
  createToken(userId: UserId, label: string, at: HubMs): Promise<NewDevice | undefined>;
  /** Whose secret it is; undefined for what never was one, or is revoked. */
  exchange(
    secret: string,
    at: HubMs,
  ): Promise<{ readonly userId: UserId; readonly tokenId: string } | undefined>;
  /** The one used last first. */
  tokens(userId: UserId): Promise<readonly DeviceToken[]>;
  /** The link under way ends as well: it may be that device that made it. False where this person has no such token. */
  revoke(userId: UserId, tokenId: string): Promise<boolean>;

  /**
   * Good for ten minutes and for one device; takes the place of the link before. Undefined for a person who is not known.
   * @param deviceId what asks for it: undefined is answered also where that device has the account no more
   */
  createLink(userId: UserId, at: HubMs, deviceId?: string): Promise<Link | undefined>;
  /** A token for the device that brings the code; undefined where it was used, replaced, is too old or never was. One of many at once gets it. */
  redeemLink(code: string, label: string, at: HubMs): Promise<NewDevice | undefined>;
}
