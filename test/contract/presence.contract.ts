// What every Presence keeps, whatever it is made of.
import { describe, expect, it } from 'vitest';
import type { RoomId } from '../../protocol/ids.ts';
import type { PresenceChange, Presence } from '../../src/ports/presence.ts';
import { someNode, someRoom, somebody, type NodesContext } from './nodes.ts';

type NodesChange = Parameters<Parameters<Presence['onNodes']>[0]>[0];

/** What is told of a room on a node, in the order in which it is heard. */
function listen(presence: Presence, roomId: RoomId): PresenceChange[] {
  const heard: PresenceChange[] = [];
  presence.subscribe((of, change) => {
    if (of === roomId) heard.push(change);
  });
  return heard;
}

export function presenceContract(context: NodesContext): void {
  const twoNodes = async () => {
    const [east, west] = [someNode(), someNode()];
    return {
      east,
      west,
      atEast: (await context.join(east)).presence,
      atWest: (await context.join(west)).presence,
      roomId: someRoom(),
    };
  };

  describe('Presence', () => {
    it('knows nobody in a room where nobody ever was', async () => {
      const { atEast, roomId } = await twoNodes();
      expect(await atEast.read(roomId)).toEqual({ version: 0, people: [], aliveAt: undefined });
      expect(await atEast.versions([roomId])).toEqual([0]);
    });

    it('counts each change that changes something, and no other', async () => {
      const { east, atEast, atWest, roomId } = await twoNodes();
      const [ana, ben] = [somebody('Ana | "A"\n'), somebody('Ben')];
      expect(await atEast.change(roomId, { entered: [ana, ben], left: [] })).toEqual({
        version: 1,
      });
      expect(await atEast.change(roomId, { entered: [], left: [] })).toEqual({ version: 1 });
      expect(await atEast.change(roomId, { entered: [], left: [somebody('?').userId] })).toEqual({
        version: 1,
      });
      expect(await atEast.change(roomId, { entered: [], left: [ben.userId] })).toEqual({
        version: 2,
      });
      const now = await atWest.read(roomId);
      expect(now).toMatchObject({ version: 2, people: [{ ...ana, node: east }] });
      expect(now.aliveAt).toBeLessThanOrEqual(context.now());
      expect(now.aliveAt).toBeGreaterThan(context.now() - 6_000);
    });

    it('gives the entry to whoever enters last, and takes away only a node’s own', async () => {
      const { east, west, atEast, atWest, roomId } = await twoNodes();
      const ana = somebody('Ana');
      await atEast.change(roomId, { entered: [ana], left: [] });
      await atWest.change(roomId, { entered: [{ ...ana, name: 'Anna' }], left: [] });
      const moved = { version: 2, people: [{ userId: ana.userId, name: 'Anna', node: west }] };
      expect(await atEast.read(roomId)).toMatchObject(moved);
      expect(await atEast.change(roomId, { entered: [], left: [ana.userId] })).toEqual({
        version: 2,
      });
      expect(await atEast.read(roomId)).toMatchObject(moved);
      expect(await atEast.change(roomId, { entered: [ana], left: [] })).toEqual({ version: 3 });
      expect((await atEast.read(roomId)).people).toEqual([{ ...ana, node: east }]);
    });

    it('tells every node of every change, its own too, in order', async () => {
      const { east, west, atEast, atWest, roomId } = await twoNodes();
      const [ana, ben] = [somebody('Ana'), somebody('Ben')];
      const heard = [atEast, atWest].map((presence) => listen(presence, roomId));
      await atEast.change(roomId, { entered: [ana, ben], left: [] });
      await atWest.change(roomId, { entered: [ana], left: [] });
      // Ana is not east's any more, so only Ben is told as gone.
      await atEast.change(roomId, { entered: [], left: [ana.userId, ben.userId] });
      await atWest.change(roomId, { entered: [ben], left: [ana.userId] });
      for (const changes of heard) {
        await expect.poll(() => changes.length).toBe(4);
        expect(changes).toEqual([
          { node: east, version: 1, entered: [ana, ben], left: [] },
          { node: west, version: 2, entered: [ana], left: [] },
          { node: east, version: 3, entered: [], left: [ben.userId] },
          { node: west, version: 4, entered: [ben], left: [ana.userId] },
        ]);
      }
    });

    it('tells the versions of many rooms in the order in which they were asked for', async () => {
      const { atEast, atWest } = await twoNodes();
      const rooms = Array.from({ length: 30 }, someRoom);
      for (const [i, roomId] of rooms.entries()) {
        for (let k = 0; k < i % 3; k += 1) {
          await atEast.change(roomId, { entered: [somebody('Ana')], left: [] });
        }
      }
      expect(await atWest.versions(rooms)).toEqual(rooms.map((_, i) => i % 3));
      expect(await atWest.versions([])).toEqual([]);
    });

    it('takes the people of a node along that dies, and keeps when it lived', async () => {
      const { east, west, atEast, atWest, roomId } = await twoNodes();
      const left = someRoom();
      const [ana, ben] = [somebody('Ana'), somebody('Ben')];
      await atEast.change(roomId, { entered: [ana], left: [] });
      await atWest.change(roomId, { entered: [ben], left: [] });
      await atEast.change(left, { entered: [ana], left: [] });
      await expect.poll(() => [...atWest.aliveNodes]).toEqual(expect.arrayContaining([east, west]));
      const diedBefore: NodesChange[] = [];
      atWest.onNodes((change) => diedBefore.push(change));
      const aliveAt = context.now();
      await context.bury(east);
      expect(diedBefore.flatMap(({ died }) => died)).toEqual([east]);
      expect(atWest.aliveNodes.has(east)).toBe(false);
      expect(atWest.aliveNodes.has(west)).toBe(true);
      expect(await atWest.read(roomId)).toMatchObject({
        version: 2,
        people: [{ ...ben, node: west }],
      });
      const abandoned = await atWest.read(left);
      expect(abandoned).toMatchObject({ version: 1, people: [] });
      expect(abandoned.aliveAt).toBeGreaterThan(aliveAt - 6_000);
      expect(abandoned.aliveAt).toBeLessThanOrEqual(aliveAt + 1_500);
      await atWest.forgetDead(left);
      expect(await atWest.read(left)).toEqual({ version: 1, people: [], aliveAt: undefined });
      await atWest.forgetDead(roomId);
      expect((await atWest.read(roomId)).people).toEqual([{ ...ben, node: west }]);
    });

    it('tells when a node has come', async () => {
      const { atEast } = await twoNodes();
      const [changes, north] = [[] as NodesChange[], someNode()];
      atEast.onNodes((change) => changes.push(change));
      await context.join(north);
      await expect.poll(() => atEast.aliveNodes.has(north)).toBe(true);
      expect(changes).toEqual([{ died: [], wasLapsed: false }]);
    });

    it('tells no more to whom is removed', async () => {
      const { atEast, roomId } = await twoNodes();
      const heard = listen(atEast, roomId);
      const removed: unknown[] = [];
      const remove = atEast.subscribe((...args) => removed.push(args));
      remove();
      await atEast.change(roomId, { entered: [somebody('Ana')], left: [] });
      await expect.poll(() => heard.length).toBe(1);
      expect(removed).toEqual([]);
    });
  });
}
