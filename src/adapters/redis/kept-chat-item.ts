// An item of a room's chat as it lies in Redis, in the chat and in the outbox. Knows no commands.
import type { HubMs, UserId } from '../../../protocol/ids.ts';
import type { ChatItem } from '../../../protocol/schemas/pushes.ts';
import { withoutPerson } from '../../domain/forget-person.ts';
import type { ChatDraft } from '../../ports/chat-log.ts';

type Fields =
  | Omit<Extract<ChatItem, { kind: 'message' }>, 'seq' | 'text' | 'deleted'>
  | Omit<Extract<ChatItem, { kind: 'deletion' }>, 'seq'>;

/** The item as it is kept; see `SAY`. */
export function keptItem(item: (ChatDraft & { readonly at: HubMs }) | ChatItem): string {
  const { kind, at } = item;
  if (kind === 'deletion') {
    const fields: Fields = { kind, at, by: item.by, target: item.target };
    return `d\n${JSON.stringify(fields)}\n`;
  }
  const fields: Fields = { kind, at, userId: item.userId, name: item.name };
  const state = 'deleted' in item ? 'x' : 'm';
  return `${state}\n${JSON.stringify(fields)}\n${JSON.stringify(item.text)}`;
}

/** The item as it is once the person is forgotten, who is `as` then and has said nothing. */
export function itemWithout(item: ChatItem, userId: UserId, as: UserId): ChatItem {
  const nameless = withoutPerson(item, userId, as);
  const isTheirs = item.kind === 'message' && item.userId === userId;
  return isTheirs && nameless.kind === 'message'
    ? { ...nameless, text: '', deleted: true }
    : nameless;
}

/** @throws Error where `kept` is no item */
export function itemOf(seq: number, kept: string): ChatItem {
  const [state, json = '', text = ''] = kept.split('\n');
  const fields = JSON.parse(json) as Fields;
  if (fields.kind === 'deletion') return { ...fields, seq };
  const item = { ...fields, seq, text: JSON.parse(text) as string };
  return state === 'x' ? { ...item, deleted: true } : item;
}
