// What a room's log becomes when somebody who holds the room gives back what the log has lost. Pure; knows no Redis.
import type { EventId } from '../../../protocol/ids.ts';
import { evolve } from '../../domain/evolve.ts';
import type { RoomState } from '../../domain/room-state.ts';
import {
  isAfter,
  type Head,
  type HeldEvent,
  type HeldRoom,
  type Place,
} from '../../ports/room-log.ts';

/** Epochs with the revision, of the epoch before, at which each began; in order. */
export type Lineage = readonly (readonly [epoch: number, beganAt: number])[];

const KEPT_EPOCHS = 20;

/** All that the log has of a room. */
export interface LoggedRoom {
  readonly head: Head;
  readonly state: RoomState;
  readonly lineage: Lineage;
  /** The newest events, in order, as far as they are kept. */
  readonly events: readonly HeldEvent[];
  /** Whether it was last written by the server as it reigns now: then others may have gone on here already. */
  readonly isCurrent: boolean;
}

/** A new epoch of a room. */
export interface NewEpoch {
  readonly epoch: number;
  /** Where it begins: what came before has the numbers that it had. */
  readonly base: number;
  readonly baseEventId: EventId | '';
  /** What is put back, as revisions base + 1, base + 2 …. */
  readonly tail: readonly HeldEvent[];
  /** What the log is to keep besides what it has: the tail; of a room that is put back whole, its newest events as they were. */
  readonly events: readonly HeldEvent[];
  /** The state after the tail. */
  readonly state: RoomState;
  readonly lineage: Lineage;
}

/**
 * @param step how much further the number of a new epoch is; each reign of a server has its own, at least 1
 * @param leftIn the epoch in which a room that the log does not have left it for the archive, or 0
 * @returns undefined where the log lacks nothing and stays as it is
 */
export function planRestore(
  log: LoggedRoom | undefined,
  given: HeldRoom,
  step: number,
  leftIn = 0,
): NewEpoch | undefined {
  const held = { ...given, recent: distinct(given.recent) };
  if (log === undefined || isOverrun(log, held)) {
    const { epoch, revision, eventId } = held.head;
    const next = Math.max(epoch, leftIn) + step;
    const whole = newEpoch(next, { revision, eventId, lineage: [] }, [], held.state);
    return { ...whole, events: inOrder(held.recent) };
  }
  const { revision, eventId } = log.head;
  // The holder's epoch may have been lost as a whole. Others may be lost that it has never heard of: a step that is the reign's own keeps
  // them apart from the new one, so that no revision means two things.
  const epoch = Math.max(log.head.epoch, held.head.epoch) + step;
  const end = { revision, eventId, lineage: log.lineage };
  if (isPrefix(log, held)) {
    const tail = beyond(log, held.recent);
    const isWhole =
      log.isCurrent && log.head.epoch === held.head.epoch && revision === held.head.revision;
    return isWhole ? undefined : newEpoch(epoch, end, tail, held.state);
  }
  const had = new Set<string>(log.events.map(({ event }) => event.id));
  const lost = held.recent.filter((each) => !had.has(each.event.id) && isLost(log, each));
  if (lost.length === 0 && log.isCurrent) return undefined;
  const state = lost.reduce<RoomState>((before, { event }) => evolve(before, event), log.state);
  return newEpoch(epoch, end, lost, state);
}

/** A new epoch without a tail, from a room as it is to be. */
export function planRewrite(
  room: Pick<LoggedRoom, 'head' | 'state' | 'lineage'>,
  step: number,
): NewEpoch {
  const { epoch, revision, eventId } = room.head;
  return newEpoch(epoch + step, { revision, eventId, lineage: room.lineage }, [], room.state);
}

function newEpoch(
  epoch: number,
  end: { readonly revision: number; readonly eventId: EventId | ''; readonly lineage: Lineage },
  tail: readonly HeldEvent[],
  state: RoomState,
): NewEpoch {
  const lineage = [...end.lineage, [epoch, end.revision] as const].slice(-KEPT_EPOCHS);
  const events = tail.map((each, i) => ({ ...each, epoch, revision: end.revision + 1 + i }));
  return { epoch, base: end.revision, baseEventId: end.eventId, tail, events, state, lineage };
}

/** Who has seen an event before and after it was put back holds it twice: its newest place counts. */
function distinct(recent: readonly HeldEvent[]): readonly HeldEvent[] {
  const newest = new Map(recent.map((each, i) => [each.event.id, i]));
  return recent.filter((each, i) => newest.get(each.event.id) === i);
}

/** A log takes only places that grow. */
function inOrder(recent: readonly HeldEvent[]): readonly HeldEvent[] {
  let last: Place = { epoch: 0, revision: 0 };
  return recent.filter((each) => {
    const isNext = isAfter(each, last);
    if (isNext) last = each;
    return isNext;
  });
}

/** Whether the archive is further than the log of a server that may have lost its end: then the way there need not be known. */
function isOverrun({ head, isCurrent }: LoggedRoom, held: HeldRoom): boolean {
  return held.isArchived === true && !isCurrent && isAfter(held.head, head);
}

/** Whether the holder has seen all that the log has, so that its state is the truth, whatever holes its events have. */
function isPrefix(log: LoggedRoom, held: HeldRoom): boolean {
  const { head } = log;
  if (head.epoch > held.head.epoch || head.revision > held.head.revision) return false;
  const heldIds = new Map(held.recent.map((each) => [placeOf(each), each.event.id]));
  heldIds.set(placeOf(held.head), held.head.eventId as EventId);
  const disagrees = log.events.some((each) => {
    const id = heldIds.get(placeOf(each));
    return id !== undefined && id !== each.event.id;
  });
  if (disagrees) return false;
  if (head.epoch === held.head.epoch) {
    return head.revision < held.head.revision || head.eventId === held.head.eventId;
  }
  if ([...heldIds.values()].includes(head.eventId as EventId)) return true;
  // Nobody has written here since the server took over, so what it has is older than what is held; unless the holder saw another past,
  // which went into a later epoch before it came as far.
  const hasLeft = held.recent.some(
    (each) => each.epoch > head.epoch && each.revision <= head.revision,
  );
  return !log.isCurrent && !hasLeft;
}

/** What is held of the time after the log's end. */
function beyond(log: LoggedRoom, recent: readonly HeldEvent[]): readonly HeldEvent[] {
  const had = new Set<string>(log.events.map(({ event }) => event.id));
  const at = recent.findLastIndex(({ event }) => event.id === log.head.eventId);
  const after = at >= 0 ? recent.slice(at + 1) : recent.filter((each) => isAfter(each, log.head));
  return after.filter(({ event }) => !had.has(event.id));
}

/** Whether the log's history has left the place of an event, which it does not have, before it came there. */
function isLost(log: LoggedRoom, { epoch, revision }: HeldEvent): boolean {
  const place = { epoch, revision };
  if (isAfter(place, log.head)) return true;
  // Another event has its number: both were given under an epoch that two servers began.
  if (log.events.some((each) => placeOf(each) === placeOf(place))) return true;
  const next = log.lineage.find(([began]) => began > epoch);
  if (epoch === log.head.epoch || next === undefined) return false;
  const [began, base] = next;
  const since = log.events.filter((each) => each.epoch >= began).length;
  // Who comes back after so long that the log no longer keeps all events since then cannot tell what was put back meanwhile.
  if (since < log.head.revision - base) return false;
  const isOfPast = log.lineage.some(([each]) => each === epoch) || began === log.lineage[0]?.[0];
  return !isOfPast || revision > base;
}

function placeOf({ epoch, revision }: Place): string {
  return `${epoch}-${revision}`;
}
