// Tokens of devices and one-time links, in Postgres: their SHA-256 alone.
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
import { lockPeople } from './people-rows.ts';
import { digestOf, newDeviceSecret, newLinkCode } from './secrets.ts';
import type { Rows, Sql } from './sql.ts';

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

interface TokenRow {
  readonly id: string;
  readonly label: string;
  readonly created_at: number;
  readonly used_at: number;
}

export class PostgresAccounts implements Accounts {
  readonly #sql: Sql;

  constructor(sql: Sql) {
    this.#sql = sql;
  }

  async createToken(userId: UserId, label: string, at: HubMs): Promise<NewDevice | undefined> {
    const checked = checkedName(label);
    return this.#sql.transaction(async (rows) => {
      if (!(await lockPerson(rows, userId))) return undefined;
      return insertToken(rows, userId, checked, at);
    });
  }

  async exchange(
    secret: string,
    at: HubMs,
  ): Promise<{ readonly userId: UserId; readonly tokenId: string } | undefined> {
    const [found] = await this.#sql.rows<{ readonly id: string; readonly user_id: UserId }>(
      `with found as (select id, user_id, used_at from device_token where hash = ?),
       touched as (
         update device_token d set used_at = ? from found f where d.id = f.id and d.used_at <= ?::float8)
       select id, user_id from found`,
      [digestOf(secret), at, at - TOUCH_EVERY_MS],
    );
    return found && { userId: found.user_id, tokenId: found.id };
  }

  async tokens(userId: UserId): Promise<readonly DeviceToken[]> {
    const rows = await this.#sql.rows<TokenRow>(
      `select id, label, created_at, used_at from device_token where user_id = ?
       order by used_at desc, created_at desc, id desc`,
      [userId],
    );
    return rows.map((row) => ({
      id: row.id,
      label: row.label,
      createdAt: row.created_at,
      usedAt: row.used_at,
    }));
  }

  async revoke(userId: UserId, tokenId: string): Promise<boolean> {
    // An id that a client made up need not be one.
    if (!UUID.test(tokenId)) return false;
    return this.#sql.transaction(async (rows) => {
      // A link that is being made has been made before this, or finds its device gone.
      await lockPerson(rows, userId);
      const gone = await rows(
        'delete from device_token where user_id = ? and id = ? returning id',
        [userId, tokenId],
      );
      if (gone.length === 0) return false;
      await rows('delete from account_link where user_id = ?', [userId]);
      return true;
    });
  }

  createLink(userId: UserId, at: HubMs, deviceId?: string): Promise<Link | undefined> {
    const link = { code: newLinkCode(), expiresAt: at + LINK_LIFE_MS };
    return this.#sql.transaction(async (rows) => {
      if (!(await lockPerson(rows, userId))) return undefined;
      if (deviceId !== undefined && !(await hasDevice(rows, userId, deviceId))) return undefined;
      await rows(
        `insert into account_link (user_id, hash, expires_at) values (?, ?, ?)
         on conflict (user_id) do update set hash = excluded.hash, expires_at = excluded.expires_at`,
        [userId, digestOf(link.code), link.expiresAt],
      );
      return link;
    });
  }

  async redeemLink(code: string, label: string, at: HubMs): Promise<NewDevice | undefined> {
    const checked = checkedName(label);
    const hash = digestOf(code);
    return this.#sql.transaction(async (rows) => {
      const [link] = await rows<{ readonly user_id: UserId }>(
        'select user_id from account_link where hash = ?',
        [hash],
      );
      // The person before the link, as everywhere: who takes them in another order waits for ever.
      if (link === undefined || !(await lockPerson(rows, link.user_id))) return undefined;
      const used = await rows(
        'delete from account_link where hash = ? and expires_at > ? returning id',
        [hash, at],
      );
      return used.length === 0 ? undefined : insertToken(rows, link.user_id, checked, at);
    });
  }
}

async function lockPerson(rows: Rows, userId: UserId): Promise<boolean> {
  const locked = await lockPeople(rows, [userId]);
  return locked.size > 0;
}

async function hasDevice(rows: Rows, userId: UserId, deviceId: string): Promise<boolean> {
  const found = await rows('select id from device_token where id = ? and user_id = ?', [
    deviceId,
    userId,
  ]);
  return found.length > 0;
}

async function insertToken(
  rows: Rows,
  userId: UserId,
  label: string,
  at: HubMs,
): Promise<NewDevice> {
  const dropped = await rows<{ readonly id: string }>(
    `delete from device_token where id in (
       select id from device_token where user_id = ?
       order by used_at desc, created_at desc, id desc offset ?) returning id`,
    [userId, MAX_DEVICE_TOKENS - 1],
  );
  const secret = newDeviceSecret();
  const [row] = await rows<{ readonly id: string }>(
    `insert into device_token (user_id, hash, label, created_at, used_at)
     values (?, ?, ?, ?, ?) returning id`,
    [userId, digestOf(secret), label, at, at],
  );
  if (row === undefined) throw new Error('an inserted row was not answered');
  return {
    userId,
    token: { id: row.id, label, createdAt: at, usedAt: at },
    secret,
    dropped: dropped.map(({ id }) => id),
  };
}
