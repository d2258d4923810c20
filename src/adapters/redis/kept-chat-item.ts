// An item of a room's chat as it lies in Redis, in the chat and in the outbox. Knows no commands.
import type { HubMs, UserId } from '../../../protocol/ids.ts';
import type { ChatItem } from '../../../protocol/schemas/pushes.ts';
import { withoutPerson } from '../../domain/forget-person.ts';
import type { ChatDraft } from '../../ports/chat-log.ts';

type Message = Extract<ChatItem, { kind: 'message' }>;
type Deletion = Extract<ChatItem, { kind: 'deletion' }>;
type MessageFields = Omit<Message, 'seq' | 'text' | 'deleted'>;

/** What may be in an item of any kind, and what a newer version has besides. */
type AnyItem = Partial<Omit<Message, 'kind'> & Omit<Deletion, 'kind'>> & { readonly kind: string };

/**
 * The item as it is kept; see `SAY`. What a newer version says besides goes back as it came, or it would be taken for another item, and
 * be said twice.
 */
export function keptItem(item: (ChatDraft & { readonly at: HubMs }) | ChatItem): string {
  const any: AnyItem = item;
  const { seq: _, text, deleted, kind, at, by, target, userId, name, ...more } = any;
  const fields = JSON.stringify({ kind, at, by, target, userId, name, ...more });
  const state = deleted === true ? 'x' : kind.slice(0, 1);
  return `${state}\n${fields}\n${text === undefined ? '' : JSON.stringify(text)}`;
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
  const fields = JSON.parse(json) as MessageFields | Omit<Deletion, 'seq'>;
  // Also a kind that a newer version knows: it has its number, and without it there would be a hole.
  if (fields.kind !== 'message' && text === '') return { ...fields, seq };
  const item = { ...(fields as MessageFields), seq, text: JSON.parse(text) as string };
  return state === 'x' ? { ...item, deleted: true } : item;
}
