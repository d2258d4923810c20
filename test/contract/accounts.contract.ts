// What every Accounts keeps, whatever it is made of.
import { describe, expect, it } from 'vitest';
import type { UserId } from '../../protocol/ids.ts';
import {
  LINK_LIFE_MS,
  MAX_DEVICE_TOKENS,
  TOUCH_EVERY_MS,
  type Accounts,
  type NewDevice,
} from '../../src/ports/accounts.ts';
import { someUserId } from '../support/room-fixtures.ts';
import type { Stores } from '../support/postgres-stores.ts';
import type { ContextOf } from './context.ts';

const at = 1_000_000;
const ROUNDS = 12;

export function accountsContract(context: ContextOf<'accounts' | 'friends' | 'users'>): void {
  const accounts = (): Accounts => context.stores().accounts;
  const somebody = async (): Promise<UserId> =>
    (await context.stores().users.createGuest('Ana')).id;
  let second: Pick<Stores, 'accounts' | 'friends'> | undefined;

  async function anotherStores(): Promise<Pick<Stores, 'accounts' | 'friends'>> {
    second ??= await context.underTest.openSecond?.();
    return second ?? context.stores();
  }
  const another = async (): Promise<Accounts> => (await anotherStores()).accounts;

  async function device(userId: UserId, label = 'phone', when = at): Promise<NewDevice> {
    const made = await accounts().createToken(userId, label, when);
    if (made === undefined) throw new Error('not made');
    return made;
  }

  describe('Accounts', () => {
    it('tells whose a secret is', async () => {
      const [ana, ben] = [await somebody(), await somebody()];
      const [hers, his] = [await device(ana, '  Ana’s phone '), await device(ben)];
      expect(hers).toMatchObject({ userId: ana, token: { label: 'Ana’s phone', createdAt: at } });
      expect(await accounts().exchange(hers.secret, at)).toEqual({
        userId: ana,
        tokenId: hers.token.id,
      });
      expect((await accounts().exchange(his.secret, at))?.userId).toBe(ben);
    });

    it('makes secrets of 256 bits, and links of 128, none of them twice', async () => {
      const ana = await somebody();
      const [secrets, links] = [new Set<string>(), new Set<string>()];
      for (let n = 0; n < ROUNDS; n += 1) {
        const { secret } = await device(ana);
        expect(secret).toMatch(/^esd_[A-Za-z0-9_-]{43}$/);
        secrets.add(Buffer.from(secret.slice('esd_'.length), 'base64url').toString('hex'));
        const code = (await accounts().createLink(ana, at))?.code ?? '';
        links.add(Buffer.from(code, 'base64url').toString('hex'));
      }
      for (const [made, bits] of [
        [secrets, 256],
        [links, 128],
      ] as const) {
        expect(made.size).toBe(ROUNDS);
        expect([...made].map((hex) => hex.length * 4)).toEqual(Array(ROUNDS).fill(bits));
        // Each digit is another one somewhere: none of it is the same in all.
        const digits = [...made].map((hex) => Array.from(hex));
        const fixed = digits[0]?.filter((digit, at) => digits.every((each) => each[at] === digit));
        expect(fixed).toEqual([]);
      }
    });

    it('knows no other secret', async () => {
      const { secret, token } = await device(await somebody());
      for (const wrong of [
        '',
        'esd_',
        secret.slice(4),
        `${secret}A`,
        secret.slice(0, -1),
        secret.toUpperCase(),
        token.id,
        `esd_${'A'.repeat(43)}`,
        "' or true --",
        'esd_\u0000',
      ]) {
        expect(await accounts().exchange(wrong, at)).toBeUndefined();
      }
    });

    it('notes a use at most once a minute', async () => {
      const ana = await somebody();
      const { secret } = await device(ana);
      const usedAt = async () => (await accounts().tokens(ana)).map((token) => token.usedAt);
      await accounts().exchange(secret, at + TOUCH_EVERY_MS - 1);
      expect(await usedAt()).toEqual([at]);
      await accounts().exchange(secret, at + TOUCH_EVERY_MS);
      expect(await usedAt()).toEqual([at + TOUCH_EVERY_MS]);
      await accounts().exchange(secret, at + 1);
      expect(await usedAt(), 'a late one does not turn it back').toEqual([at + TOUCH_EVERY_MS]);
    });

    it('lists the devices, the one used last first, without a secret', async () => {
      const ana = await somebody();
      const first = await device(ana, 'first', at);
      const other = await device(ana, 'other', at + 1);
      await accounts().exchange(first.secret, at + TOUCH_EVERY_MS);
      const listed = await accounts().tokens(ana);
      expect(listed).toEqual([{ ...first.token, usedAt: at + TOUCH_EVERY_MS }, other.token]);
      expect(JSON.stringify(listed)).not.toContain(first.secret.slice(4));
      expect(await accounts().tokens(someUserId())).toEqual([]);
    });

    it('revokes one, by its own person only', async () => {
      const [ana, ben] = [await somebody(), await somebody()];
      const [lost, kept] = [await device(ana), await device(ana)];
      expect(await accounts().revoke(ben, lost.token.id)).toBe(false);
      expect((await accounts().exchange(lost.secret, at))?.userId).toBe(ana);
      expect(await accounts().revoke(ana, lost.token.id)).toBe(true);
      expect(await accounts().revoke(ana, lost.token.id)).toBe(false);
      for (const id of ['no such id', '\u0000', someUserId()]) {
        expect(await accounts().revoke(ana, id)).toBe(false);
      }
      expect(await accounts().exchange(lost.secret, at)).toBeUndefined();
      expect((await accounts().exchange(kept.secret, at))?.userId).toBe(ana);
    });

    it('finds a person by a device only while that has the account', async () => {
      const { users } = context.stores();
      const [ana, ben] = [await somebody(), await somebody()];
      const [hers, his] = [await device(ana), await device(ben)];
      const known = { id: ana, name: 'Ana', guest: true };
      expect(await users.find(ana, hers.token.id)).toEqual(known);
      expect(await users.find(ana, his.token.id)).toBeUndefined();
      expect(await users.find(someUserId(), hers.token.id)).toBeUndefined();
      await accounts().revoke(ana, hers.token.id);
      expect(await users.find(ana, hers.token.id)).toBeUndefined();
      expect(await users.find(ana)).toEqual(known);
    });

    it('makes no link for a device that was revoked, and ends the one that it may have made', async () => {
      const ana = await somebody();
      const lost = await device(ana);
      const link = await accounts().createLink(ana, at, lost.token.id);
      expect(await accounts().revoke(ana, someUserId())).toBe(false);
      expect(await accounts().revoke(ana, lost.token.id)).toBe(true);
      expect(await accounts().redeemLink(link?.code ?? '', 'thief', at)).toBeUndefined();
      expect(await accounts().createLink(ana, at, lost.token.id)).toBeUndefined();
      expect(await accounts().createLink(ana, at)).toBeDefined();
    });

    it('leaves no link of a device that asks for it while it is revoked', async () => {
      const other = await another();
      for (let round = 0; round < ROUNDS; round += 1) {
        const ana = await somebody();
        const lost = await device(ana);
        const [link] = await Promise.all([
          accounts().createLink(ana, at, lost.token.id),
          other.revoke(ana, lost.token.id),
        ]);
        expect(await accounts().redeemLink(link?.code ?? '', 'thief', at)).toBeUndefined();
      }
    });

    it('goes with its person: all tokens, and the link under way', async () => {
      const [ana, ben] = [await somebody(), await somebody()];
      const made = [await device(ana), await device(ana)];
      const his = await device(ben);
      const link = await accounts().createLink(ana, at);
      await context.stores().friends.erase(ana);
      expect(await accounts().tokens(ana)).toEqual([]);
      for (const { secret } of made) expect(await accounts().exchange(secret, at)).toBeUndefined();
      expect(await accounts().redeemLink(link?.code ?? '', 'tablet', at)).toBeUndefined();
      expect((await accounts().exchange(his.secret, at))?.userId).toBe(ben);
    });

    it('tells of many people in one look which of their devices have their account', async () => {
      const [ana, ben] = [await somebody(), await somebody()];
      const [phone, laptop] = [await device(ana), await device(ana)];
      await accounts().revoke(ana, laptop.token.id);
      const asked = [
        { id: ana, deviceId: laptop.token.id },
        { id: ana, deviceId: phone.token.id },
        { id: ben, deviceId: phone.token.id },
        { id: someUserId(), deviceId: phone.token.id },
        { id: ana },
      ];
      expect(await context.stores().users.standings(asked)).toEqual([
        ...['device_gone', 'stands', 'device_gone', 'person_gone', 'stands'],
      ]);
    });

    it('lets go of the device not used for the longest time when there are too many', async () => {
      const ana = await somebody();
      const oldest = await device(ana, 'oldest', at);
      const next = await device(ana, 'next', at + 1);
      for (let i = 2; i < MAX_DEVICE_TOKENS; i += 1) await device(ana, 'more', at + i);
      await accounts().exchange(oldest.secret, at + TOUCH_EVERY_MS);
      expect(await accounts().tokens(ana)).toHaveLength(MAX_DEVICE_TOKENS);
      const last = await device(ana, 'one too many', at + 500);
      expect([next.dropped, last.dropped]).toEqual([[], [next.token.id]]);
      expect(await accounts().tokens(ana)).toHaveLength(MAX_DEVICE_TOKENS);
      expect(await accounts().exchange(next.secret, at)).toBeUndefined();
      expect((await accounts().exchange(oldest.secret, at))?.userId).toBe(ana);
    });

    it('makes nothing for a stranger, and refuses a label that cannot be shown', async () => {
      const [ana, stranger] = [await somebody(), someUserId()];
      expect(await accounts().createToken(stranger, 'phone', at)).toBeUndefined();
      expect(await accounts().createLink(stranger, at)).toBeUndefined();
      for (const label of ['', 'a\u0000b', 'evil\u202e', 'x'.repeat(65)]) {
        await expect(accounts().createToken(ana, label, at)).rejects.toThrow(RangeError);
        await expect(accounts().redeemLink('code', label, at)).rejects.toThrow(RangeError);
      }
      expect(await accounts().tokens(ana)).toEqual([]);
    });

    it('carries an account to another device, once', async () => {
      const ana = await somebody();
      const link = await accounts().createLink(ana, at);
      expect(link?.expiresAt).toBe(at + LINK_LIFE_MS);
      expect(link?.code).toMatch(/^[A-Za-z0-9_-]{22}$/);
      const made = await accounts().redeemLink(link?.code ?? '', 'tablet', at + 5);
      expect(made).toMatchObject({ userId: ana, token: { label: 'tablet', createdAt: at + 5 } });
      expect((await accounts().exchange(made?.secret ?? '', at))?.userId).toBe(ana);
      expect(await accounts().redeemLink(link?.code ?? '', 'thief', at + 6)).toBeUndefined();
      expect(await accounts().tokens(ana)).toHaveLength(1);
    });

    it('takes no link that is too old, replaced, or never was', async () => {
      const ana = await somebody();
      const old = await accounts().createLink(ana, at);
      expect(await accounts().redeemLink(old?.code ?? '', 'x', at + LINK_LIFE_MS)).toBeUndefined();
      const replaced = await accounts().createLink(ana, at);
      const link = await accounts().createLink(ana, at);
      expect(await accounts().redeemLink(replaced?.code ?? '', 'x', at)).toBeUndefined();
      expect(await accounts().redeemLink('A'.repeat(22), 'x', at)).toBeUndefined();
      expect(await accounts().redeemLink('', 'x', at)).toBeUndefined();
      const last = at + LINK_LIFE_MS - 1;
      expect((await accounts().redeemLink(link?.code ?? '', 'x', last))?.userId).toBe(ana);
    });

    it('gives a link to one of many who bring it at once', async () => {
      const writers = [accounts(), await another()];
      for (let round = 0; round < ROUNDS; round += 1) {
        const ana = await somebody();
        const { code } = (await accounts().createLink(ana, at))!;
        const made = await Promise.all(
          [0, 1, 2, 3].map((i) => writers[i % 2]!.redeemLink(code, `device ${i}`, at)),
        );
        expect(made.filter((one) => one !== undefined)).toHaveLength(1);
        expect(await accounts().tokens(ana)).toHaveLength(1);
      }
    });

    it('keeps the bound when devices come at once', async () => {
      const ana = await somebody();
      const writers = [accounts(), await another()];
      for (let i = 0; i < MAX_DEVICE_TOKENS - 1; i += 1) await device(ana, 'early', at + i);
      await Promise.all(
        [0, 1, 2, 3, 4, 5].map((i) => writers[i % 2]!.createToken(ana, 'late', at + 100 + i)),
      );
      expect(await accounts().tokens(ana)).toHaveLength(MAX_DEVICE_TOKENS);
    });

    it('leaves no device and no link that is made while its person is erased', async () => {
      const { friends } = await anotherStores();
      for (let round = 0; round < ROUNDS; round += 1) {
        const ana = await somebody();
        const { code } = (await accounts().createLink(ana, at))!;
        const [made, link] = await Promise.all([
          accounts().redeemLink(code, 'tablet', at),
          accounts().createLink(ana, at),
          accounts().createToken(ana, 'phone', at),
          friends.erase(ana),
        ]);
        expect(await accounts().tokens(ana)).toEqual([]);
        expect(await accounts().exchange(made?.secret ?? '', at)).toBeUndefined();
        expect(await accounts().redeemLink(link?.code ?? '', 'late', at)).toBeUndefined();
      }
    });

    if (context.underTest.reopen !== undefined) {
      it('outlives the process', async () => {
        const ana = await somebody();
        const { secret } = await device(ana);
        await context.reopen();
        expect((await accounts().exchange(secret, at))?.userId).toBe(ana);
      });
    }
  });
}
