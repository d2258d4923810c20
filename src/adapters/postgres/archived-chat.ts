// What a batch of chat from a live log writes to the archive's chat. Pure, but for the statements' text.
import type { RoomId } from '../../../protocol/ids.ts';
import type { ChatItem } from '../../../protocol/schemas/pushes.ts';
import type { Statement } from './append-statement.ts';

interface RoomChatItem {
  readonly roomId: RoomId;
  readonly item: ChatItem;
}

/**
 * The statements for these items, to be run one after the other. An item that is there stays as it is, as it may have been erased since;
 * one whose number is another item's by now takes its place: a live log that has lost its end has given the number again.
 */
export function chatStatements(items: readonly RoomChatItem[]): readonly Statement[] {
  if (items.length === 0) return [];
  // One statement cannot write a row twice, and the later is what the log says now.
  const newest = new Map(items.map((one) => [`${one.roomId} ${one.item.seq}`, one]));
  const rows = [...newest.values()].map(({ roomId, item }) => rowOf(roomId, item));
  const erased = items.flatMap(({ roomId, item }) => {
    if (item.kind === 'deletion') return [{ room_id: roomId, seq: item.target }];
    return item.deleted === true ? [{ room_id: roomId, seq: item.seq }] : [];
  });
  const insert = {
    text: `insert into chat_item as c (room_id, seq, at, kind, user_id, name, text, deleted, target)
      select room_id, seq, at, kind, user_id, name, text, deleted, target from jsonb_to_recordset(?::jsonb) as r(
        room_id uuid, seq int, at float8, kind text, user_id uuid, name text, text text, deleted boolean, target int)
      on conflict (room_id, seq) do update set
        id = gen_random_uuid(), at = excluded.at, kind = excluded.kind, user_id = excluded.user_id, name = excluded.name,
        text = excluded.text, deleted = excluded.deleted, target = excluded.target, key = null
      where (c.at, c.kind, c.user_id) is distinct from (excluded.at, excluded.kind, excluded.user_id)`,
    bindings: [JSON.stringify(rows)],
  };
  if (erased.length === 0) return [insert];
  const erase = {
    text: `update chat_item c set text = '', deleted = true
      from jsonb_to_recordset(?::jsonb) as t(room_id uuid, seq int)
      where c.room_id = t.room_id and c.seq = t.seq and c.kind = 'message'`,
    bindings: [JSON.stringify(erased)],
  };
  return [insert, erase];
}

function rowOf(room_id: RoomId, item: ChatItem): object {
  const { seq, at, kind } = item;
  const common = { room_id, seq, at, kind };
  return item.kind === 'deletion'
    ? { ...common, user_id: item.by, deleted: false, target: item.target }
    : {
        ...common,
        user_id: item.userId,
        name: item.name,
        text: item.text,
        deleted: item.deleted === true,
      };
}
