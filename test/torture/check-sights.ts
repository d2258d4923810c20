// Whether what each client was shown was whole, in order and lasting. Knows the log only as the order of events.
import type { EventId, RoomId } from '../../protocol/ids.ts';
import type { ClientRecord, History, Rule, Sight, Violation } from './history.ts';
import { placeOf, wholeLogs } from './history.ts';

interface Place {
  readonly epoch: number;
  readonly revision: number;
}

type Revision = Extract<Sight, { kind: 'revision' }>;

export function checkSights(history: History): Violation[] {
  return [
    ...history.clients.flatMap(outOfOrder),
    ...meaningsOf(history),
    ...vanishedFrom(history),
    ...history.clients.flatMap(unproven),
  ];
}

function isBehind(a: Place, b: Place): boolean {
  return a.epoch < b.epoch || (a.epoch === b.epoch && a.revision < b.revision);
}

function outOfOrder({ who, roomId, sights }: ClientRecord): Violation[] {
  const violations: Violation[] = [];
  let held: Place | undefined;
  const broken = (rule: Rule, what: string, sight: Sight): void => {
    violations.push({ rule, roomId, what: `${who}: ${what}`, evidence: { held, sight } });
  };
  for (const sight of sights) {
    switch (sight.kind) {
      case 'whole':
        if (held !== undefined && isBehind(sight, held))
          broken('went-back', `the room at ${placeOf(sight)} after ${placeOf(held)}`, sight);
        held = sight;
        break;
      case 'resumed':
        // What the client said that it had is what the revisions that follow go on from.
        if (held !== undefined && sight.epoch < held.epoch)
          broken('went-back', `epoch ${sight.epoch} after ${placeOf(held)}`, sight);
        else if (sight.epoch !== sight.since.epoch)
          broken('epoch-unannounced', `resumed ${placeOf(sight.since)} in ${sight.epoch}`, sight);
        held = sight.since;
        break;
      case 'revision':
        if (held === undefined) {
          broken('hole', `${placeOf(sight)} before the room itself`, sight);
          held = sight;
        } else if (sight.epoch !== held.epoch) {
          // One of an epoch that is over may still be on its way; it is ignored.
          if (sight.epoch > held.epoch)
            broken('epoch-unannounced', `${placeOf(sight)} after ${placeOf(held)}`, sight);
        } else if (sight.revision > held.revision + 1) {
          broken('hole', `${placeOf(sight)} after ${placeOf(held)}`, sight);
          held = sight;
        } else if (sight.revision === held.revision + 1) {
          held = sight;
        }
    }
  }
  return violations;
}

/** Over all clients and all stores together. */
function meaningsOf(history: History): Violation[] {
  const violations: Violation[] = [];
  const meanings = new Map<string, { readonly eventId: EventId; readonly who: string }>();
  const note = (roomId: RoomId, who: string, place: Place, eventId: EventId): void => {
    const name = `${roomId} ${placeOf(place)}`;
    const first = meanings.get(name);
    if (first === undefined) meanings.set(name, { eventId, who });
    else if (first.eventId !== eventId)
      violations.push({
        rule: 'two-meanings',
        roomId,
        what: `${placeOf(place)} is ${first.eventId} for ${first.who} and ${eventId} for ${who}`,
        evidence: { place, first, second: { eventId, who } },
      });
  };
  for (const { who, roomId, events } of history.logs)
    for (const each of events) note(roomId, who, each, each.event.id);
  for (const { who, roomId, sights } of history.clients)
    for (const sight of sights)
      if (sight.kind === 'revision') note(roomId, who, sight, sight.eventId);
  return violations;
}

function vanishedFrom(history: History): Violation[] {
  const violations: Violation[] = [];
  const whole = wholeLogs(history);
  const places = new Map<RoomId, Map<EventId, Place>>();
  for (const [roomId, { events }] of whole)
    places.set(roomId, new Map(events.map((each) => [each.event.id, each])));
  for (const { who, roomId, sights } of history.clients) {
    const known = places.get(roomId);
    if (known === undefined) continue;
    const newest = sights.reduce((epoch, sight) => Math.max(epoch, sight.epoch), 0);
    const reported = new Set<EventId>();
    for (const sight of sights) {
      if (sight.kind !== 'revision' || reported.has(sight.eventId)) continue;
      const what = vanishing(sight, known.get(sight.eventId), newest);
      if (what === undefined) continue;
      reported.add(sight.eventId);
      violations.push({
        rule: 'vanished',
        roomId,
        what: `${who}: ${what}`,
        evidence: { sight, now: known.get(sight.eventId) },
      });
    }
  }
  return violations;
}

/** @param newest the newest epoch that the client was told of: what is not there any more must be of one before it */
function vanishing(sight: Revision, now: Place | undefined, newest: number): string | undefined {
  const shown = placeOf(sight);
  if (now === undefined)
    return sight.epoch < newest ? undefined : `${shown} is nowhere, and no newer epoch was told`;
  if (placeOf(now) === shown) return undefined;
  if (now.epoch > sight.epoch) return undefined;
  return `${shown} is ${placeOf(now)} in the log, which is no newer epoch`;
}

function unproven({ who, roomId, sights, mismatches }: ClientRecord): Violation[] {
  const wrong = sights.filter((sight) => sight.kind === 'whole' && !sight.isProven);
  if (wrong.length + mismatches === 0) return [];
  const what = `${who}: ${wrong.length + mismatches} states without their hash`;
  return [{ rule: 'wrong-hash', roomId, what, evidence: wrong }];
}

/** Shown events that the log does not have any more, under an epoch that tells so: allowed, and worth a count. */
export function takenBack(history: History): number {
  const whole = wholeLogs(history);
  const gone = new Set<EventId>();
  for (const { roomId, sights } of history.clients) {
    const known = new Set(whole.get(roomId)?.events.map(({ event }) => event.id));
    for (const sight of sights)
      if (sight.kind === 'revision' && !known.has(sight.eventId)) gone.add(sight.eventId);
  }
  return gone.size;
}
