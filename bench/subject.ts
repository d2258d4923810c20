// What the benches compare: servers that send one message to each member of a room. Each is a process of its own.
import type { ServerKind } from './append-people.ts';

export const SUBJECTS = [
  'earshot-uws',
  'earshot-ws',
  'uws-publish',
  'uws-send',
  'ws',
  'socket.io',
] as const;
export type SubjectName = (typeof SUBJECTS)[number];
export type PeerName = Exclude<SubjectName, 'earshot-uws' | 'earshot-ws'>;

export interface SubjectOptions {
  /** Rooms that are there before anybody comes; people may make more. */
  readonly rooms: number;
  /** Of a peer's answer to a join. */
  readonly joinBytes?: number;
  /** Of Earshot: the longest that news of a busy room waits for more, where it is not the default, ms. */
  readonly gatherMs?: number;
  /** Of Socket.IO: what its nodes have in common. */
  readonly redisUrl?: string;
}

/** A running server of one kind. Members come in over the network; messages come from them, or are published in the process. */
export interface Subject {
  readonly port: number;
  /** Sends one message to every member of room `index`, and to nobody where it has none. */
  publish(index: number): void;
  /** The ids of the rooms that are there. */
  readonly rooms: readonly string[];
}

export function kindOf(subject: SubjectName): ServerKind {
  switch (subject) {
    case 'earshot-uws':
    case 'earshot-ws':
      return 'earshot';
    case 'socket.io':
      return 'socket.io';
    case 'uws-publish':
    case 'uws-send':
    case 'ws':
      return 'plain';
  }
}
