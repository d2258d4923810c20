// Whether a room's chat is one sequence without a hole, the same for all, with everything in it that was acknowledged, once.
import type { RoomId } from '../../protocol/ids.ts';
import type { ChatItem } from '../../protocol/schemas/pushes.ts';
import { dueOf } from './check-commands.ts';
import type { ChatRecord, History, Violation } from './history.ts';
import { grouped } from './history.ts';

export function checkChat(history: History): Violation[] {
  const violations: Violation[] = [];
  const chats = grouped(history.chats, ({ roomId }) => roomId);
  const said = history.commands.filter(({ mark }) => mark?.kind === 'text');
  for (const roomId of new Set([...chats.keys(), ...said.map((command) => command.roomId)])) {
    const own = chats.get(roomId) ?? [];
    const truth = own.find(({ isWhole }) => isWhole);
    if (truth === undefined) {
      const what = 'nobody has the whole chat of this room';
      violations.push({ rule: 'nothing-to-compare', roomId, what, evidence: undefined });
      continue;
    }
    violations.push(...own.flatMap(holesIn));
    for (const chat of own) if (chat !== truth) violations.push(...differences(truth, chat));
    violations.push(...miscounted(history, roomId, own));
  }
  return violations;
}

function holesIn({ who, roomId, isWhole, items }: ChatRecord): Violation[] {
  const at = items.findIndex(({ seq }, i) => {
    const before = items[i - 1]?.seq ?? (isWhole ? 0 : seq - 1);
    return seq !== before + 1;
  });
  if (at < 0) return [];
  const evidence = items.slice(Math.max(0, at - 2), at + 2);
  const what = `${who}: ${items[at - 1]?.seq ?? 0} is followed by ${items[at]?.seq ?? 0}`;
  return [{ rule: 'chat-broken', roomId, what, evidence }];
}

function differences(truth: ChatRecord, chat: ChatRecord): Violation[] {
  const differs = (what: string, evidence: unknown): Violation[] => [
    {
      rule: 'chat-differs',
      roomId: chat.roomId,
      what: `${chat.who} and ${truth.who}: ${what}`,
      evidence,
    },
  ];
  const [ends, endsHere] = [truth.items.at(-1)?.seq ?? 0, chat.items.at(-1)?.seq ?? 0];
  if (ends !== endsHere) return differs(`${endsHere} is the last, not ${ends}`, undefined);
  const bySeq = new Map(truth.items.map((item) => [item.seq, item]));
  for (const item of chat.items) {
    const there = bySeq.get(item.seq);
    if (there === undefined || contentOf(there) !== contentOf(item))
      return differs(`${item.seq} is another item`, { [truth.who]: there, [chat.who]: item });
  }
  return [];
}

function contentOf(item: ChatItem): string {
  return item.kind === 'message'
    ? `${item.userId} says ${item.text}`
    : `${item.by} deletes ${item.target}`;
}

function miscounted(history: History, roomId: RoomId, chats: readonly ChatRecord[]): Violation[] {
  const violations: Violation[] = [];
  for (const { who, items } of chats.filter(({ isWhole }) => isWhole)) {
    const texts = new Map<string, number[]>();
    for (const item of items)
      if (item.kind === 'message')
        texts.set(item.text, [...(texts.get(item.text) ?? []), item.seq]);
    for (const command of history.commands) {
      if (command.roomId !== roomId || command.mark?.kind !== 'text') continue;
      const seqs = texts.get(command.mark.text) ?? [];
      const { least, most } = dueOf(command.outcome);
      const what = `${who}: “${command.mark.text}” is at [${seqs.join(', ')}]`;
      const evidence = command;
      if (seqs.length < least) violations.push({ rule: 'said-lost', roomId, what, evidence });
      else if (seqs.length > 1) violations.push({ rule: 'said-twice', roomId, what, evidence });
      else if (seqs.length > most)
        violations.push({ rule: 'refused-yet-done', roomId, what, evidence });
    }
  }
  return violations;
}
