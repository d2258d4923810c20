// Whether each command took effect as often as its answer says: once, not at all, or at most once. Chat is checked apart.
import type { EntryId, RoomId, UserId } from '../../protocol/ids.ts';
import type {
  CommandRecord,
  History,
  LoggedEvent,
  LogRecord,
  Outcome,
  Rule,
  Violation,
} from './history.ts';
import { grouped, placeOf, wholeLogs } from './history.ts';

type Breach = (rule: Rule, what: string, evidence: unknown) => void;

export function checkCommands(history: History): Violation[] {
  const violations: Violation[] = [];
  const commands = grouped(history.commands, ({ roomId }) => roomId);
  for (const [roomId, log] of wholeLogs(history)) {
    const breach: Breach = (rule, what, evidence) =>
      violations.push({ rule, roomId, what, evidence });
    const own = commands.get(roomId) ?? [];
    checkNames(own, log, breach);
    checkEntries(own, log, breach);
    checkReplies(own, log, shownIn(history, roomId), breach);
  }
  return violations;
}

/** @returns how often a command may be found, at least and at most */
export function dueOf(outcome: Outcome): { readonly least: number; readonly most: number } {
  switch (outcome.kind) {
    case 'ok':
      return { least: 1, most: 1 };
    case 'refused':
      return { least: 0, most: outcome.isSure ? 0 : 1 };
    case 'unknown':
      return { least: 0, most: 1 };
  }
}

function judge(
  command: CommandRecord,
  found: readonly unknown[],
  lost: Rule,
  twice: Rule,
  breach: Breach,
): void {
  const { least, most } = dueOf(command.outcome);
  if (found.length < least)
    breach(lost, `${command.type} of ${command.userId} at ${command.at} ms`, command);
  else if (found.length > 1)
    breach(twice, `${command.type} of ${command.userId}, ${found.length} times`, {
      command,
      found,
    });
  else if (found.length > most)
    breach('refused-yet-done', `${command.type} of ${command.userId}`, { command, found });
}

function checkNames(commands: readonly CommandRecord[], log: LogRecord, breach: Breach): void {
  const byName = new Map<string, LoggedEvent[]>();
  for (const each of log.events) {
    if (each.event.type !== 'RoomUpdated' || each.event.name === undefined) continue;
    byName.set(each.event.name, [...(byName.get(each.event.name) ?? []), each]);
  }
  for (const command of commands) {
    if (command.mark?.kind !== 'name') continue;
    const found = byName.get(command.mark.name) ?? [];
    judge(command, found, 'acknowledged-lost', 'done-twice', breach);
  }
}

function checkEntries(commands: readonly CommandRecord[], log: LogRecord, breach: Breach): void {
  const additions = log.events.filter(({ event }) => event.type === 'QueueAdded');
  const added = new Map<EntryId, LoggedEvent[]>();
  const counts = new Map<UserId, number>();
  for (const each of additions) {
    if (each.event.type !== 'QueueAdded') continue;
    counts.set(each.event.by, (counts.get(each.event.by) ?? 0) + 1);
    for (const id of Object.keys(each.event.entries) as EntryId[])
      added.set(id, [...(added.get(id) ?? []), each]);
  }
  const due = new Map<UserId, { least: number; most: number }>();
  for (const command of commands) {
    if (command.mark?.kind !== 'entries') continue;
    const sum = due.get(command.userId) ?? { least: 0, most: 0 };
    const { least, most } = dueOf(command.outcome);
    due.set(command.userId, { least: sum.least + least, most: sum.most + most });
    if (command.outcome.kind !== 'ok') continue;
    for (const id of command.outcome.entryIds ?? [])
      judge(command, added.get(id) ?? [], 'acknowledged-lost', 'done-twice', breach);
  }
  // What was sent twice and done twice has two sets of entries, of which a reply names one: only the count shows it.
  for (const userId of new Set([...due.keys(), ...counts.keys()])) {
    const { least, most } = due.get(userId) ?? { least: 0, most: 0 };
    const count = counts.get(userId) ?? 0;
    if (count < least)
      breach('acknowledged-lost', `${userId} added ${least} times, the log has ${count}`, due);
    if (count > most)
      breach('done-twice', `${userId} added at most ${most} times, the log has ${count}`, due);
  }
}

type Shown = ReadonlyMap<string, string>;

function shownIn(history: History, roomId: RoomId): Shown {
  const shown = new Map<string, string>();
  for (const client of history.clients) {
    if (client.roomId !== roomId) continue;
    for (const sight of client.sights)
      if (sight.kind === 'revision') shown.set(placeOf(sight), sight.eventId);
  }
  return shown;
}

/** A reply's number is that of the command's last event, also where the log has that event under a newer number by now. */
function checkReplies(
  commands: readonly CommandRecord[],
  log: LogRecord,
  shown: Shown,
  breach: Breach,
): void {
  const byPlace = new Map(log.events.map((each) => [placeOf(each), each]));
  const byId = new Map<string, LoggedEvent>(log.events.map((each) => [each.event.id, each]));
  for (const command of commands) {
    const { mark, outcome } = command;
    if (mark?.kind !== 'name' || outcome.kind !== 'ok') continue;
    if (outcome.epoch === undefined || outcome.revision === undefined) continue;
    const place = placeOf({ epoch: outcome.epoch, revision: outcome.revision });
    const there = byPlace.get(place) ?? byId.get(shown.get(place) ?? '');
    if (there === undefined) continue;
    if (there.event.type === 'RoomUpdated' && there.event.name === mark.name) continue;
    breach('reply-names-another', `${command.type}: ${place}`, { command, there });
  }
}
