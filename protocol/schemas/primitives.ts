// The small schemas that all others are made of: ids, names, times, texts, each with its limit.
import { z } from 'zod';
import type {
  ConnectionId,
  EntryId,
  EventId,
  InviteCode,
  RoomCode,
  RoomId,
  SessionId,
  TrackId,
  UserId,
} from '../ids.ts';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const TOKEN_ID = /^[A-Za-z0-9_-]+$/;

/** No 0/O, 1/I/L: a code is read aloud and typed. */
export const CODE_ALPHABET = '23456789ABCDEFGHJKMNPQRSTUVWXYZ';
export const ROOM_CODE_LENGTH = 8;

function uuid<T extends string>(what: string) {
  return z
    .string()
    .regex(UUID, `${what} must be a lower-case uuid`)
    .transform((id) => id as T)
    .meta({ format: 'uuid', description: what });
}

function opaqueId<T extends string>(what: string, max: number) {
  return z
    .string()
    .min(1)
    .max(max)
    .regex(TOKEN_ID, `${what} has letters, digits, _ and - only`)
    .transform((id) => id as T)
    .meta({ description: what });
}

export const RoomIdSchema = uuid<RoomId>('a room id');
export const UserIdSchema = uuid<UserId>('a user id');
export const SessionIdSchema = uuid<SessionId>('a session id');
/** Of one play by one person, the same on every node. */
export const ActivityIdSchema = uuid<string>('an activity id');
export const TrackIdSchema = opaqueId<TrackId>('a track id', 64);
export const EntryIdSchema = opaqueId<EntryId>('an entry id', 32);
export const EventIdSchema = opaqueId<EventId>('an event id', 32);
export const ConnectionIdSchema = opaqueId<ConnectionId>('a connection id', 32);
export const InviteCodeSchema = opaqueId<InviteCode>('an invite code', 32);

/** Accepts lower case and dashes, as people type; the value is the canonical code. */
export const RoomCodeSchema = z
  .string()
  .max(24)
  .transform((typed) => typed.toUpperCase().replaceAll(/[\s-]/g, ''))
  .refine(
    (code) =>
      code.length === ROOM_CODE_LENGTH && Array.from(code).every((c) => CODE_ALPHABET.includes(c)),
    'a room code has eight letters and digits, without 0, O, 1, I and L',
  )
  .transform((code) => code as RoomCode)
  .meta({ description: 'a room code' });

// Control characters, bidi overrides and isolates, and what takes place or none without being seen (soft hyphen, Hangul and Khmer
// fillers, the blank of Braille …): what is shown must be what was sent. The joiners U+200C and U+200D stay: scripts and emoji need them.
const FORBIDDEN_IN_NAMES =
  /[\u0000-\u001f\u007f-\u009f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\u2800\u3164\ufeff\uffa0\ufff0-\ufffb\u{1d173}-\u{1d17a}\u{e0001}]/u;
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/u;
const LONE_SURROGATE = /[\ud800-\udfff]/u;
/** Marks, joiners and spaces show nothing where there is nothing to put them on. */
const VISIBLE = /[^\p{M}\p{Cf}\p{Z}]/u;

/**
 * Whether `text` may be shown as a name: something to see, no control, bidi-override or invisible characters, no half of a
 * surrogate pair.
 */
export function isPresentable(text: string): boolean {
  return VISIBLE.test(text) && !FORBIDDEN_IN_NAMES.test(text) && !LONE_SURROGATE.test(text);
}

export const MAX_NAME_CODE_POINTS = 64;

/** `name` and `ending`; the name alone where it leaves no place for more. Neither is ever cut. */
export function nameWith(name: string, ending: string): string {
  const full = name + ending;
  return Array.from(full).length <= MAX_NAME_CODE_POINTS ? full : name;
}

/** Bounds the work of normalising, not the name: spaces around it, and marks that NFC composes, are not counted against it. */
const MAX_TYPED_NAME = 1_024;

/** A name that is shown and never parsed (SE9). */
export const NameSchema = z
  .string()
  .max(MAX_TYPED_NAME)
  .transform((name) => name.trim().normalize('NFC'))
  .refine((name) => name.length > 0, 'a name must not be empty')
  .refine(
    (name) => Array.from(name).length <= MAX_NAME_CODE_POINTS,
    'a name has at most 64 characters',
  )
  .refine(isPresentable, 'a name must not contain control, bidi-override or invisible characters')
  .meta({ description: 'a name, 1 to 64 code points after trimming and NFC' });

export const MAX_CHAT_CODE_POINTS = 500;

const FORBIDDEN_IN_TEXT =
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069\ufff9-\ufffb]/u;

/** What a person writes: line breaks yes, control and bidi-override characters no. */
export const ChatTextSchema = z
  .string()
  .max(MAX_CHAT_CODE_POINTS * 2)
  .transform((text) => text.trim())
  .refine((text) => text.length > 0, 'a message must not be empty')
  .refine(
    (text) => Array.from(text).length <= MAX_CHAT_CODE_POINTS,
    'a message has at most 500 characters',
  )
  .refine(
    (text) => !FORBIDDEN_IN_TEXT.test(text) && !LONE_SURROGATE.test(text),
    'a message must not contain control or bidi-override characters',
  )
  .meta({ description: 'a chat message, at most 500 code points' });

/** One emoji, of whatever many code points: a flag, a keycap, or pictures that U+200D joins to one. */
export const EmojiSchema = z
  .string()
  .max(32)
  .regex(
    /^(?:\p{Regional_Indicator}{2}|[0-9#*]\ufe0f?\u20e3|\p{Extended_Pictographic}(?:\ufe0f|\p{Emoji_Modifier})?(?:[\u{e0020}-\u{e007e}]+\u{e007f})?(?:\u200d\p{Extended_Pictographic}(?:\ufe0f|\p{Emoji_Modifier})?)*)$/u,
    'a reaction is one emoji',
  )
  .meta({ description: 'one emoji' });

/** No track is longer than a day; a larger number is a mistake, not music. */
export const MAX_POSITION_MS = 86_400_000;

/** Fractions of a millisecond are dropped: what is stored and hashed is a whole number. */
export const PositionMsSchema = z
  .number()
  .min(0)
  .max(MAX_POSITION_MS)
  .transform((ms) => Math.round(ms))
  .meta({ description: 'a position or length, ms' });

export const HubMsSchema = z.number().meta({ description: 'hub time, ms' });
export const CountSchema = z.int().min(0);
export const ShareSchema = z.number().min(0).max(1);

/** Remembered for ten minutes per user: the same request sent twice is done once (RQ5). It is stored, and no store takes a NUL. */
export const KeySchema = z
  .string()
  .min(1)
  .max(64)
  .refine(
    (key) => !CONTROL.test(key) && !LONE_SURROGATE.test(key),
    'a key has no control characters',
  );
