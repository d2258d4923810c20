// Owns made-up chat for the tests of a room.
import type { ChatItem } from '../../protocol/schemas/pushes.ts';
import type { Room } from '../../src/client/room.ts';
import { BEN } from './fake-hub.ts';

export function message(seq: number, more: object = {}): ChatItem {
  return { kind: 'message', seq, at: seq, userId: BEN, name: 'Ben', text: `text ${seq}`, ...more };
}

export function messages(from: number, to: number): ChatItem[] {
  return Array.from({ length: to - from + 1 }, (_, i) => message(from + i));
}

/** What the client holds. */
export function seqs(room: Room): number[] {
  return room.view.value.chat.items.map(({ seq }) => seq);
}
