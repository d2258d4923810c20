// What every Bus keeps, whatever it is made of.
import { describe, expect, it } from 'vitest';
import type { RoomId } from '../../protocol/ids.ts';
import type { Bus, BusMessage, NodeId } from '../../src/ports/bus.ts';
import { someNode, someRoom, somebody, type NodesContext } from './nodes.ts';

interface Heard {
  readonly roomId: RoomId;
  readonly node: NodeId;
  readonly message: BusMessage;
}

function listen(bus: Bus): Heard[] {
  const heard: Heard[] = [];
  bus.subscribe((roomId, node, message) => heard.push({ roomId, node, message }));
  return heard;
}

const reactions = (count: number): BusMessage => ({
  type: 'reactions',
  counts: { '🎉': count },
  from: [somebody('Ana').userId],
});

export function busContract(context: NodesContext): void {
  const someNodes = async (count: number): Promise<readonly Bus[]> => {
    const joined: Bus[] = [];
    for (let i = 0; i < count; i += 1) joined.push((await context.join(someNode())).bus);
    return joined;
  };

  describe('Bus', () => {
    it('brings messages to all other nodes, in order, and never back', async () => {
      const [east, west, north] = (await someNodes(3)) as [Bus, Bus, Bus];
      const [atEast, atWest, atNorth] = [listen(east), listen(west), listen(north)];
      const roomId = someRoom();
      const members: BusMessage = {
        type: 'members',
        ready: {},
        reports: [
          {
            userId: somebody('Ben').userId,
            errorMs: -1.5,
            rttMs: 20,
            outputLatencyMs: 0,
            state: 'following',
          },
        ],
        reporting: 1,
      };
      const sent = [reactions(1), members, reactions(2), reactions(3)];
      for (const message of sent) east.publish(roomId, message);
      const heard = sent.map((message) => ({ roomId, node: east.nodeId, message }));
      for (const at of [atWest, atNorth]) {
        await expect.poll(() => at.length).toBe(sent.length);
        expect(at).toEqual(heard);
      }
      // Once another's has come, one's own would have come too.
      west.publish(roomId, reactions(4));
      await expect.poll(() => atEast.length).toBe(1);
      expect(atEast[0]?.node).toBe(west.nodeId);
    });

    it('is proven as soon as it is there', async () => {
      for (const bus of await someNodes(2)) expect(bus.fault).toBeUndefined();
    });

    it('tells no more to whom is removed', async () => {
      const [east, west] = (await someNodes(2)) as [Bus, Bus];
      const removed: unknown[] = [];
      west.subscribe((...args) => removed.push(args))();
      const heard = listen(west);
      east.publish(someRoom(), reactions(1));
      await expect.poll(() => heard.length).toBe(1);
      expect(removed).toEqual([]);
    });
  });
}
