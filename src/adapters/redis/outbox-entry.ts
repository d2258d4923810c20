// An outbox's entry as it lies in its stream, and as the archive takes it.
import type { RoomId, UserId } from '../../../protocol/ids.ts';
import { withoutPerson } from '../../domain/forget-person.ts';
import type { RoomEvent } from '../../domain/room-event.ts';
import type { RoomState } from '../../domain/room-state.ts';
import type { ArchiveEntry } from '../../ports/archive-writer.ts';
import type { Head, HeldEvent } from '../../ports/room-log.ts';
import { itemOf, itemWithout, keptItem } from './kept-chat-item.ts';

/**
 * @param fields names and values in turn: `m` an append, `r` a restore, `c` a chat item with its number `s` and its room `i`
 * @throws Error where it is none of them
 */
export function entryOf(fields: readonly string[]): ArchiveEntry {
  const values = new Map<string, string>();
  for (let i = 0; i + 1 < fields.length; i += 2) values.set(fields[i] ?? '', fields[i + 1] ?? '');
  const [append, restore, chat] = [values.get('m'), values.get('r'), values.get('c')];
  if (chat !== undefined) return chatOf(values.get('i'), values.get('s'), chat);
  if (append !== undefined) return appendOf(JSON.parse(append));
  if (restore !== undefined) return restoreOf(JSON.parse(restore));
  throw new Error('it is neither an append nor a restore nor chat');
}

/**
 * The fields as they are once the person is forgotten, who is `as` then.
 * @throws Error where they are no entry
 */
export function fieldsWithout(
  fields: readonly string[],
  userId: UserId,
  as: UserId,
): readonly string[] {
  const entry = entryOf(fields);
  return fields.map((value, i) => {
    const name = i % 2 === 0 ? '' : fields[i - 1];
    if (name === 'c' && entry.kind === 'chat') return keptItem(itemWithout(entry.item, userId, as));
    if (name === 'm' || name === 'r')
      return JSON.stringify(withoutPerson(JSON.parse(value), userId, as));
    return value.replaceAll(userId, as);
  });
}

function appendOf(json: unknown): ArchiveEntry {
  const { roomId, from, head, events } = fieldsOf(json);
  if (!isRoomId(roomId) || !isHead(from) || !isHead(head) || !Array.isArray(events)) {
    throw new Error('it is no append');
  }
  return { kind: 'append', roomId, from, head, events: events as RoomEvent[] };
}

function restoreOf(json: unknown): ArchiveEntry {
  const { roomId, from, head, state, events } = fieldsOf(json);
  if (!isRoomId(roomId) || !isHead(head) || !isObject(state) || !Array.isArray(events)) {
    throw new Error('it is no restore');
  }
  return {
    kind: 'restore',
    roomId,
    ...(isHead(from) ? { from } : {}),
    head,
    state: state as unknown as RoomState,
    events: events as HeldEvent[],
  };
}

function chatOf(roomId: string | undefined, seq: string | undefined, kept: string): ArchiveEntry {
  if (!isRoomId(roomId) || !/^[1-9]\d*$/.test(seq ?? '')) throw new Error('it is no chat');
  return { kind: 'chat', roomId, item: itemOf(Number(seq), kept) };
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function fieldsOf(json: unknown): Readonly<Record<string, unknown>> {
  if (!isObject(json)) throw new Error('it is no object');
  return json;
}

function isRoomId(value: unknown): value is RoomId {
  return typeof value === 'string' && value !== '';
}

function isHead(value: unknown): value is Head {
  return (
    isObject(value) &&
    typeof value['epoch'] === 'number' &&
    typeof value['revision'] === 'number' &&
    typeof value['eventId'] === 'string'
  );
}
