// What a room tells of a message, as Earshot writes it: the peers send the same, so that all carry as many bytes.
import { idOfPerson } from './bench-token.ts';

export interface Message {
  readonly roomId: string;
  /** Of the room's messages, from 1 on: by it deliveries are counted. */
  readonly seq: number;
  readonly text: string;
  /** The name of who says it. */
  readonly by: string;
}

/** Makes a frame of about 650 bytes. */
export const MESSAGE_TEXT = 'x'.repeat(450);

export function newsOf({ roomId, seq, text, by }: Message): object {
  const item = { kind: 'message', seq, at: Date.now(), userId: idOfPerson(0), name: by, text };
  return { type: 'room.events', roomId, items: [item] };
}
