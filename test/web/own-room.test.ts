// The room for listening alone, whatever its person is called.
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { NameSchema } from '../../protocol/schemas/primitives.ts';
import { enterOwnRoom } from '../../src/web/own-room.ts';
import type { PageClient, PageRoom } from '../../src/web/page-sdk.ts';

describe('an own room', () => {
  beforeEach(() => {
    vi.stubGlobal('localStorage', { getItem: () => null, setItem: () => undefined });
  });

  it.each([
    ['Ana', 'Ana listens'],
    ['a' + '🎧'.repeat(63), 'a' + '🎧'.repeat(63)],
    ['a' + '🎧'.repeat(55), 'a' + '🎧'.repeat(55) + ' listens'],
  ])('has a name that the hub takes: of %s', async (name, expected) => {
    const names: string[] = [];
    const client = {
      createRoom: (body) => {
        names.push(body.name);
        return Promise.resolve({ id: 'own' } as PageRoom);
      },
    } satisfies Partial<PageClient>;
    await enterOwnRoom(client as unknown as PageClient, name, () => undefined);
    expect(names).toEqual([expected]);
    expect(NameSchema.safeParse(names[0]).success).toBe(true);
  });
});
