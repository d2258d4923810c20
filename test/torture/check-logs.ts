// Whether each store's log is a history at all, and whether all stores tell the same one. Knows nothing of clients.
import type { History, LogRecord, Violation } from './history.ts';
import { placeOf, wholeLogs } from './history.ts';

export function checkLogs(history: History): Violation[] {
  const violations = history.logs.flatMap(brokenIn);
  const whole = wholeLogs(history);
  const rooms = new Set([...history.logs, ...history.clients].map(({ roomId }) => roomId));
  for (const roomId of rooms) {
    if (whole.has(roomId)) continue;
    const what = 'no store has the whole log of this room';
    violations.push({ rule: 'nothing-to-compare', roomId, what, evidence: undefined });
  }
  for (const log of history.logs) {
    const truth = whole.get(log.roomId);
    if (truth !== undefined && truth !== log) violations.push(...differencesOf(truth, log));
  }
  return violations;
}

function brokenIn(log: LogRecord): Violation[] {
  const violations: Violation[] = [];
  const broken = (what: string, evidence: unknown): void => {
    violations.push({
      rule: 'log-broken',
      roomId: log.roomId,
      what: `${log.who}: ${what}`,
      evidence,
    });
  };
  const places = new Map<string, string>();
  let last: LogRecord['events'][number] | undefined;
  for (const each of log.events) {
    const place = placeOf(each);
    if (last === undefined && log.isWhole && each.revision !== 1)
      broken(`begins with ${place}`, each);
    const isNext = last === undefined || each.revision === last.revision + 1;
    // A store that keeps the newest alone may have been given them back with holes.
    const isLater = last === undefined || each.revision > last.revision;
    if (last !== undefined && !(log.isWhole ? isNext : isLater))
      broken(`${place} follows ${placeOf(last)}`, [last, each]);
    else if (last !== undefined && each.epoch < last.epoch)
      broken(`the epoch goes back: ${place} follows ${placeOf(last)}`, [last, each]);
    const before = places.get(each.event.id);
    if (before !== undefined) broken(`${each.event.id} is ${before} and ${place}`, each);
    places.set(each.event.id, place);
    last = each;
  }
  return violations;
}

function differencesOf(truth: LogRecord, log: LogRecord): Violation[] {
  const differs = (what: string, evidence: unknown): Violation => ({
    rule: 'logs-differ',
    roomId: log.roomId,
    what: `${log.who} and ${truth.who}: ${what}`,
    evidence,
  });
  const [ends, endsHere] = [truth.events.at(-1), log.events.at(-1)];
  if (ends?.event.id !== endsHere?.event.id)
    return [differs('they end elsewhere', { [truth.who]: ends, [log.who]: endsHere })];
  const byId = new Map(truth.events.map((each) => [each.event.id, each]));
  if (log.isWhole && log.events.length !== truth.events.length)
    return [differs(`${log.events.length} events and ${truth.events.length}`, undefined)];
  for (const each of log.events) {
    const there = byId.get(each.event.id);
    if (there === undefined) return [differs(`${placeOf(each)} is in one alone`, each)];
    if (placeOf(there) !== placeOf(each))
      return [
        differs(`${placeOf(each)} is ${placeOf(there)}`, { [truth.who]: there, [log.who]: each }),
      ];
  }
  return [];
}
