// Who is in a room on which node, the nodes' leases, and what is told of both: kept, so that nodes of two versions see each other.
import { expect, it } from 'vitest';
import type { Presence, PresenceChange } from '../../../src/ports/presence.ts';
import { testKept, type Example } from './kept-words.ts';
import { ANA, BO, ROOM, describeWords, grown, type Words } from './words-place.ts';

type Reading = 'aliveNodes' | 'read' | 'versions' | 'subscribe' | 'onNodes';
type Writing = Exclude<keyof Presence, Reading>;

await describeWords('presence', (place) => {
  async function read(words: Words): Promise<object> {
    const told: PresenceChange[] = [];
    let presence: Presence | undefined;
    await place.heard(words, async (node) => {
      presence = await node.presence();
      presence.subscribe((roomId, change) => {
        if (roomId === ROOM) told.push(change);
      });
    });
    return {
      told,
      alive: [...(presence?.aliveNodes ?? [])].sort(),
      present: await presence?.read(ROOM),
      versions: await presence?.versions([ROOM]),
    };
  }
  const example = (write: (presence: Presence) => Promise<unknown>): Example<Words> => ({
    write: () =>
      place.written(async (node) => {
        await write(await node.presence());
      }),
    read,
  });
  const enter = async (presence: Presence): Promise<void> => {
    // A name may have what parts it from its node.
    const [ana, bo] = [
      { userId: ANA, name: 'Ana | “A”' },
      { userId: BO, name: 'Bo' },
    ];
    await presence.change(ROOM, { entered: [ana, bo], left: [] });
    await presence.change(ROOM, { entered: [], left: [BO] });
  };
  const examples: { readonly [W in Writing]: Example<Words> } = {
    change: example(enter),
    forgetDead: example(async (presence) => {
      await enter(presence);
      await presence.forgetDead(ROOM);
    }),
  };

  const newest = testKept('presence', examples);

  it('may have more members, lines and fields', async () => {
    const words = newest('change');
    expect(await read(grown(words, true))).toMatchObject(await read(words));
    const node = await place.heard(grown(words, true), () => undefined);
    const presence = await node.presence();
    await presence.forgetDead(ROOM);
    expect((await presence.read(ROOM)).people).toEqual([
      { userId: ANA, name: 'Ana | “A”', node: 'east' },
    ]);
    expect(place.complaints).toEqual([]);
  });
});
