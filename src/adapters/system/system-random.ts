// Randomness and ids from the platform.
import { createHash, randomBytes, randomInt, randomUUID } from 'node:crypto';
import { customAlphabet, nanoid } from 'nanoid';
import type {
  ConnectionId,
  EntryId,
  EventId,
  InviteCode,
  RoomCode,
  RoomId,
  SessionId,
} from '../../../protocol/ids.ts';
import { CODE_ALPHABET, ROOM_CODE_LENGTH } from '../../../protocol/schemas/primitives.ts';
import type { NodeId } from '../../ports/bus.ts';
import type { Random } from '../../ports/random.ts';

const roomCode = customAlphabet(CODE_ALPHABET, ROOM_CODE_LENGTH);
/** Without the hyphen, with which an option begins: operators hand a node's id to commands. */
const LETTERS_AND_DIGITS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
/** 12 of 62 letters, or 64: one in 10^12 to meet another among ten thousand entries, and short on the wire. */
const SHORT_ID = 12;

export const systemRandom: Random = {
  next: () => randomInt(2 ** 47) / 2 ** 47,
  roomId: (seed) => (seed === undefined ? randomUUID() : uuidFrom(seed)) as RoomId,
  roomCode: () => roomCode() as RoomCode,
  activityId: (seed) => (seed === undefined ? randomUUID() : uuidFrom(seed)),
  sessionId: () => randomUUID() as SessionId,
  connectionId: () => nanoid<ConnectionId>(SHORT_ID),
  entryId: () => nanoid<EntryId>(SHORT_ID),
  eventId: () => nanoid<EventId>(SHORT_ID),
  inviteCode: () => nanoid<InviteCode>(16),
};

/** Another one with each start of a process. */
export const newNodeId: () => NodeId = customAlphabet(LETTERS_AND_DIGITS, SHORT_ID);

/** A random 16-bit number; two runs in a row share one once in 65,536. */
export function randomTimelineId(): number {
  return randomBytes(2).readUInt16LE();
}

/** A uuid of version 8 (RFC 9562) from the SHA-256 of `seed`. */
export function uuidFrom(seed: string): string {
  const bytes = createHash('sha256').update(seed).digest().subarray(0, 16);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x80;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = bytes.toString('hex');
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    hex.slice(12, 16),
    hex.slice(16, 20),
    hex.slice(20),
  ].join('-');
}
