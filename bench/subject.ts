// What the fan-out bench compares: servers that send one message to each member of a room, told what to do over IPC.

export const SUBJECTS = [
  'earshot-uws',
  'earshot-ws',
  'uws-publish',
  'uws-send',
  'ws',
  'socket.io',
] as const;
export type SubjectName = (typeof SUBJECTS)[number];

/** A running server of one kind. Members come in over the network; messages are published in the process. */
export interface Subject {
  readonly port: number;
  /** Sends one message to every member of room `index`, and to nobody where it has none. */
  publish(index: number): void;
  /** Rooms that exist before anybody joins; a subject that makes them itself answers how to enter. */
  readonly rooms: readonly string[];
}

/** Payload bytes of the peers' messages: what Earshot sends for a long chat message. */
export const PEER_PAYLOAD_BYTES = 660;

/** The JSON that peers send: encoded anew for each publish, as an event in a room is. */
export function peerMessage(sequence: number): {
  readonly type: string;
  readonly sequence: number;
  readonly pad: string;
} {
  const shell = JSON.stringify({ type: 'room.events', sequence, pad: '' }).length;
  return {
    type: 'room.events',
    sequence,
    pad: 'x'.repeat(Math.max(0, PEER_PAYLOAD_BYTES - shell)),
  };
}
