// Which of several nodes is the one for a room: all of them find the same without asking each other.
import type { RoomId } from '../../../protocol/ids.ts';
import type { NodeId } from '../../ports/bus.ts';

/**
 * The weight of a node for a room; the heaviest is the one for it. When a node goes, only its rooms change hands.
 * Rendezvous hashing (Thaler and Ravishankar, 1998) over FNV-1a with the finaliser of MurmurHash3.
 */
export function rendezvousWeight(node: NodeId, roomId: RoomId): number {
  let hash = 0x811c9dc5;
  for (const text of [node, roomId]) {
    for (let i = 0; i < text.length; i += 1) {
      hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
    }
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
