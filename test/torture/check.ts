// The one question asked of a history: did everything that was acknowledged happen once, in one order, for all? Pure: knows no server,
// no socket and no clock.
import { checkChat } from './check-chat.ts';
import { checkCommands } from './check-commands.ts';
import { checkEndings } from './check-endings.ts';
import { checkLogs } from './check-logs.ts';
import { checkSights } from './check-sights.ts';
import type { History, Violation } from './history.ts';

/** Every breach of a rule; empty where the history is sound. */
export function check(history: History): readonly Violation[] {
  return [
    ...checkLogs(history),
    ...checkSights(history),
    ...checkCommands(history),
    ...checkEndings(history),
    ...checkChat(history),
  ];
}
