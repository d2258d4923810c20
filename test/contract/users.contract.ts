// What every Users keeps, whatever it is made of.
import { describe, expect, it } from 'vitest';
import { UserIdSchema } from '../../protocol/schemas/primitives.ts';
import type { Users } from '../../src/ports/users.ts';
import { someUserId } from '../support/room-fixtures.ts';
import type { ContextOf } from './context.ts';

export function usersContract(context: ContextOf<'users'>): void {
  const users = (): Users => context.stores().users;

  describe('Users', () => {
    it('makes guests with ids of their own', async () => {
      const [a, b] = await Promise.all([users().createGuest('Ana'), users().createGuest('Ana')]);
      expect(a).toEqual({ id: a.id, name: 'Ana', guest: true });
      expect(a.id).not.toBe(b.id);
      expect(UserIdSchema.parse(a.id)).toBe(a.id);
      expect(await users().find(a.id)).toEqual(a);
    });

    it('makes a user known, and renames', async () => {
      const id = someUserId();
      expect(await users().find(id)).toBeUndefined();
      await users().save({ id, name: 'Ben', guest: false });
      expect(await users().find(id)).toEqual({ id, name: 'Ben', guest: false });
      await users().save({ id, name: "B'én ?", guest: false });
      expect(await users().find(id)).toEqual({ id, name: "B'én ?", guest: false });
    });

    it('renames whoever is known, and makes nobody known by it', async () => {
      const guest = await users().createGuest('Ana');
      const renamed = { ...guest, name: 'Anna' };
      expect(await users().rename(guest.id, 'Anna')).toEqual(renamed);
      expect(await users().find(guest.id)).toEqual(renamed);
      const stranger = someUserId();
      expect(await users().rename(stranger, 'Nobody')).toBeUndefined();
      expect(await users().find(stranger)).toBeUndefined();
    });

    it('tells of many in one look who is known still', async () => {
      const guest = await users().createGuest('Ana');
      const stranger = someUserId();
      const asked = [guest.id, stranger, guest.id].map((id) => ({ id }));
      expect(await users().standings(asked)).toEqual(['stands', 'person_gone', 'stands']);
      expect(await users().standings([])).toEqual([]);
    });

    it('renames a guest', async () => {
      const guest = await users().createGuest('Ana');
      await users().save({ ...guest, name: 'Anna' });
      expect(await users().find(guest.id)).toEqual({ ...guest, name: 'Anna' });
    });
  });
}
