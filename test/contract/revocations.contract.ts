// What every Revocations keeps, whatever it is made of.
import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { RevocationDraft, Revocations } from '../../src/ports/revocations.ts';
import { someUserId } from '../support/room-fixtures.ts';
import type { ContextOf } from './context.ts';

const AT = 1_700_000_000_000;

export function revocationsContract(context: ContextOf<'revocations'>): void {
  const revocations = (): Revocations => context.stores().revocations;
  const common = { at: AT, endsAt: AT + 60_000, by: someUserId(), reason: undefined };
  const ofToken = (tokenId: string = randomUUID()): RevocationDraft => ({
    ...common,
    kind: 'token',
    tokenId,
  });
  const idsAt = async (at: number): Promise<string[]> =>
    (await revocations().changes(undefined, at)).map(({ revocation }) => revocation.id);

  describe('Revocations', () => {
    it('keeps each kind as it was told, until it ends', async () => {
      const userId = someUserId();
      const drafts: RevocationDraft[] = [
        ofToken("a 'token' of “somebody’s”"),
        { ...common, kind: 'user', userId, reason: 'the laptop was stolen' },
        { ...common, kind: 'ban', userId, endsAt: undefined },
      ];
      for (const draft of drafts) {
        const added = await revocations().add(draft);
        expect(added).toEqual({ ...draft, id: added.id });
        const held = await revocations().changes(undefined, AT);
        expect(held.map(({ revocation }) => revocation)).toContainEqual(added);
        const last = draft.endsAt === undefined ? AT * 2 : AT + 59_999;
        expect(await idsAt(last)).toContain(added.id);
        if (draft.endsAt !== undefined) expect(await idsAt(draft.endsAt)).not.toContain(added.id);
      }
    });

    it('has one of a kind for a subject: the same again takes its place', async () => {
      const userId = someUserId();
      const first = await revocations().add({ ...common, kind: 'user', userId });
      const ban = await revocations().add({ ...common, kind: 'ban', userId });
      const later = { ...common, kind: 'user' as const, userId, at: AT + 5, endsAt: undefined };
      const again = await revocations().add(later);
      expect(again).toEqual({ ...later, id: first.id });
      expect(ban.id).not.toBe(first.id);
      const all = await Promise.all([1, 2, 3].map(() => revocations().add(ofToken('the same'))));
      expect(new Set(all.map(({ id }) => id)).size).toBe(1);
    });

    it('is lifted once, and by its id alone', async () => {
      const { id } = await revocations().add({ ...ofToken(), endsAt: undefined });
      const lifted = await revocations().lift(id, AT + 10);
      expect(lifted).toMatchObject({ id, endsAt: AT + 10 });
      expect(await idsAt(AT + 10)).not.toContain(id);
      expect(await revocations().lift(id, AT + 20)).toBeUndefined();
      for (const wrong of [randomUUID(), '', 'x', "' or true --"])
        expect(await revocations().lift(wrong, AT)).toBeUndefined();
    });

    it('tells all that was changed since, also what was lifted', async () => {
      const early = await revocations().add(ofToken());
      const held = await revocations().changes(undefined, AT);
      const since = Math.max(...held.map(({ changedAt }) => changedAt));
      const late = await revocations().add(ofToken());
      await revocations().lift(early.id, AT + 1);
      const changed = await revocations().changes(since, AT);
      const ids = changed.map(({ revocation }) => revocation.id);
      expect(ids).toEqual(expect.arrayContaining([early.id, late.id]));
      const lifted = changed.find(({ revocation }) => revocation.id === early.id);
      expect(lifted?.revocation.endsAt).toBe(AT + 1);
      const end = Math.max(...changed.map(({ changedAt }) => changedAt));
      expect(await revocations().changes(end + 1, AT)).toEqual([]);
    });

    it('lists those that hold in pages, each once', async () => {
      const added = await Promise.all(
        Array.from({ length: 5 }, () => revocations().add(ofToken())),
      );
      const { id: ended } = await revocations().add(ofToken());
      await revocations().lift(ended, AT);
      const seen: string[] = [];
      for (let after: string | undefined; ; after = seen.at(-1)) {
        const page = await revocations().page(AT, 2, after);
        expect(page.length).toBeLessThanOrEqual(2);
        seen.push(...page.map(({ id }) => id));
        if (page.length < 2) break;
      }
      expect(new Set(seen).size).toBe(seen.length);
      expect(seen).toEqual(expect.arrayContaining(added.map(({ id }) => id)));
      expect(seen).not.toContain(ended);
    });

    it.skipIf(context.underTest.reopen === undefined)('outlives the process', async () => {
      const { id } = await revocations().add(ofToken());
      await context.reopen();
      expect(await idsAt(AT)).toContain(id);
    });
  });
}
