// Tokens of devices and one-time links, in memory: the secrets themselves, as they are gone with the process.
import { randomBytes, randomUUID } from 'node:crypto';
import type { HubMs, UserId } from '../../../protocol/ids.ts';
import { checkedName } from '../../domain/people.ts';
import {
  LINK_LIFE_MS,
  MAX_DEVICE_TOKENS,
  TOUCH_EVERY_MS,
  type Accounts,
  type DeviceToken,
  type Link,
  type NewDevice,
} from '../../ports/accounts.ts';
import type { MemoryUsers } from './memory-users.ts';

interface Kept {
  readonly userId: UserId;
  readonly token: DeviceToken;
}

export class MemoryAccounts implements Accounts {
  readonly #users: MemoryUsers;
  readonly #devices = new Map<string, Kept>();
  readonly #links = new Map<UserId, Link>();

  constructor(users: MemoryUsers) {
    this.#users = users;
    users.devices = {
      has: (userId, tokenId) => this.#has(userId, tokenId),
      forget: (userId) => this.#forget(userId),
    };
  }

  // eslint-disable-next-line @typescript-eslint/require-await -- a label that may not be is a rejection
  async createToken(userId: UserId, label: string, at: HubMs): Promise<NewDevice | undefined> {
    const token = { id: randomUUID(), label: checkedName(label), createdAt: at, usedAt: at };
    if (this.#users.get(userId) === undefined) return undefined;
    const oldest = this.#tokensOf(userId).slice(MAX_DEVICE_TOKENS - 1);
    const dropped = oldest.map(({ id }) => id);
    for (const id of dropped) this.#drop(id);
    const secret = `esd_${randomBytes(32).toString('base64url')}`;
    this.#devices.set(secret, { userId, token });
    return { userId, token, secret, dropped };
  }

  exchange(
    secret: string,
    at: HubMs,
  ): Promise<{ readonly userId: UserId; readonly tokenId: string } | undefined> {
    const kept = this.#devices.get(secret);
    if (kept === undefined) return Promise.resolve(undefined);
    const { userId, token } = kept;
    if (at - token.usedAt >= TOUCH_EVERY_MS) {
      this.#devices.set(secret, { userId, token: { ...token, usedAt: at } });
    }
    return Promise.resolve({ userId, tokenId: token.id });
  }

  tokens(userId: UserId): Promise<readonly DeviceToken[]> {
    return Promise.resolve(this.#tokensOf(userId));
  }

  revoke(userId: UserId, tokenId: string): Promise<boolean> {
    const isTheirs = this.#has(userId, tokenId);
    if (isTheirs) {
      this.#drop(tokenId);
      this.#links.delete(userId);
    }
    return Promise.resolve(isTheirs);
  }

  createLink(userId: UserId, at: HubMs, deviceId?: string): Promise<Link | undefined> {
    const isGone = deviceId !== undefined && !this.#has(userId, deviceId);
    if (isGone || this.#users.get(userId) === undefined) return Promise.resolve(undefined);
    const link = { code: randomBytes(16).toString('base64url'), expiresAt: at + LINK_LIFE_MS };
    this.#links.set(userId, link);
    return Promise.resolve(link);
  }

  async redeemLink(code: string, label: string, at: HubMs): Promise<NewDevice | undefined> {
    const checked = checkedName(label);
    const [userId, link] = [...this.#links].find(([, kept]) => kept.code === code) ?? [];
    if (userId === undefined || link === undefined || link.expiresAt <= at) return undefined;
    this.#links.delete(userId);
    return this.createToken(userId, checked, at);
  }

  #tokensOf(userId: UserId): readonly DeviceToken[] {
    return [...this.#devices.values()]
      .filter((kept) => kept.userId === userId)
      .map(({ token }) => token)
      .sort((a, b) => b.usedAt - a.usedAt || b.createdAt - a.createdAt || (a.id < b.id ? 1 : -1));
  }

  #forget(userId: UserId): void {
    for (const { id } of this.#tokensOf(userId)) this.#drop(id);
    this.#links.delete(userId);
  }

  #has(userId: UserId, tokenId: string): boolean {
    return this.#tokensOf(userId).some(({ id }) => id === tokenId);
  }

  #drop(tokenId: string): void {
    for (const [secret, { token }] of this.#devices)
      if (token.id === tokenId) this.#devices.delete(secret);
  }
}
