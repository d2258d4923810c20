// Owns which requests carry a key by themselves, so that they may be sent again on the next connection; knows no connection.
import type { RequestType } from '../../protocol/schemas/requests.ts';

/**
 * What a person did on purpose and still wants a few seconds later: the key lets the hub do it once, however often it is sent.
 *
 * Not among them: `playback.*`, where the moment is the point (a seek that comes ten seconds late does harm; its `entryId` keeps a
 * repeat from skipping twice), `queue.clear` and `room.close` (what was there when it was pressed may not be what is there then),
 * and what is fleeting: reactions, `ready`, `sync.report`.
 */
const KEYED_TYPES: ReadonlySet<RequestType> = new Set<RequestType>([
  'room.create',
  'room.join',
  'room.update',
  'room.invite',
  'room.knock',
  'room.admit',
  'role.set',
  'host.transfer',
  'member.kick',
  'member.ban',
  'member.unban',
  'queue.add',
  'queue.remove',
  'queue.move',
  'queue.undo',
  'vote.skip',
  'vote.entry',
  'chat.send',
  'chat.delete',
]);

export function isKeyed(type: RequestType): boolean {
  return KEYED_TYPES.has(type);
}

/** 128 bits as 32 hexadecimal digits. Keys are told apart per person, so they need to be rare, not secret. */
export function newKey(random: () => number): string {
  let key = '';
  for (let i = 0; i < 4; i += 1) {
    key += Math.floor(random() * 0x1_0000_0000)
      .toString(16)
      .padStart(8, '0');
  }
  return key;
}
