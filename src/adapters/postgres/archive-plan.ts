// From entries of a live log, and where the archive stands, to the steps that bring it up to them. Knows no database.
import type { RoomId } from '../../../protocol/ids.ts';
import { evolve } from '../../domain/evolve.ts';
import type { RoomEvent } from '../../domain/room-event.ts';
import type { RoomState } from '../../domain/room-state.ts';
import type { ArchiveEntry } from '../../ports/archive-writer.ts';
import {
  NO_ROOM,
  isAfter,
  isSameHead,
  type Head,
  type HeldEvent,
  type LoadedRoom,
  type RoomLog,
} from '../../ports/room-log.ts';
import type { Append } from './append-writes.ts';

export type RoomEntry = Exclude<ArchiveEntry, { readonly kind: 'chat' }>;

/** The archive takes over a head and a state that its own events do not lead to. */
export interface Adoption {
  readonly roomId: RoomId;
  /** Where the archive stands; undefined where it does not know the room. */
  readonly from: Head | undefined;
  readonly head: Head;
  readonly state: RoomState;
  readonly events: readonly HeldEvent[];
}

export type Step =
  | {
      readonly kind: 'append';
      readonly append: Append;
      /** The state before it; undefined for a room that begins. */
      readonly before: RoomState | undefined;
    }
  | { readonly kind: 'adopt'; readonly adoption: Adoption };

/** What the archive lacks is not in the live log either, so there is no way from one to the other. */
export class Unbridgeable extends Error {
  constructor(roomId: RoomId, archived: Head, entry: Head) {
    super(
      `room ${roomId}: the archive ends at ${told(archived)}, an entry leads to ${told(entry)}, and nothing is known between`,
    );
    this.name = 'Unbridgeable';
  }
}

function told({ epoch, revision }: Head): string {
  return `epoch ${epoch}, revision ${revision}`;
}

export interface RoomPlan {
  readonly steps: readonly Step[];
  /** The room after them. */
  readonly after: LoadedRoom | undefined;
  /** How often the archive lacked what came before an entry. */
  readonly holes: readonly { readonly archived: Head; readonly from: Head }[];
}

/**
 * @param archived the room as the archive has it
 * @param entries of that room, one or more, in order
 * @param live where what the archive lacks is read from
 * Rejects with `Unbridgeable`, and as `live` does.
 */
export async function planRoom(
  archived: LoadedRoom | undefined,
  entries: readonly RoomEntry[],
  live: Pick<RoomLog, 'load' | 'read'>,
): Promise<RoomPlan> {
  const plan = new Planner(archived);
  const holes: { readonly archived: Head; readonly from: Head }[] = [];
  for (const entry of entries) {
    if (plan.has(entry)) continue;
    const { from } = entry;
    if (entry.kind === 'restore' && from !== undefined && isAfter(from, plan.head)) {
      holes.push({ archived: plan.head, from });
      const recent = (await live.load(entry.roomId))?.recent ?? [];
      const upTo = recent.filter((each) => !isAfter(each, entry.head));
      plan.adopt(entry.roomId, entry, withOwn(upTo, entry));
      continue;
    }
    if (plan.take(entry)) continue;
    if (entry.kind === 'append') holes.push({ archived: plan.head, from: entry.from });
    await bridge(plan, entry, live);
  }
  return { ...plan.finish(), holes };
}

class Planner {
  readonly #steps: Step[] = [];
  #room: LoadedRoom | undefined;
  /** Appends that follow each other are one. */
  #open: { readonly from: Head; before: RoomState | undefined; events: RoomEvent[] } | undefined;

  constructor(archived: LoadedRoom | undefined) {
    this.#room = archived;
  }

  get head(): Head {
    return this.#room?.head ?? NO_ROOM;
  }

  /** Whether it was archived before. */
  has({ head }: RoomEntry): boolean {
    const { epoch, revision, eventId } = this.head;
    if (this.#room === undefined || head.epoch > epoch) return false;
    if (head.epoch < epoch || head.revision < revision) return true;
    return head.revision === revision && head.eventId === eventId;
  }

  /** False where the entry does not follow on what there is. */
  take(entry: RoomEntry): boolean {
    if (entry.kind === 'restore') {
      this.adopt(entry.roomId, entry, entry.events);
      return true;
    }
    const isStart = this.#room === undefined && entry.events[0]?.type === 'RoomCreated';
    if (!isSameHead(entry.from, this.head) || (this.#room === undefined && !isStart)) return false;
    this.append(entry.roomId, entry.head, entry.events);
    return true;
  }

  append(roomId: RoomId, head: Head, events: readonly RoomEvent[]): void {
    const before = this.#room?.state;
    let state = before;
    for (const event of events) state = evolve(state, event);
    if (state === undefined) throw new RangeError('an append has at least one event');
    if (this.#open === undefined) this.#open = { from: this.head, before, events: [...events] };
    else this.#open.events.push(...events);
    this.#roomId = roomId;
    this.#room = { head, state };
  }

  adopt(roomId: RoomId, { head, state }: LoadedRoom, events: readonly HeldEvent[]): void {
    this.#close();
    const from = this.#room?.head;
    this.#steps.push({ kind: 'adopt', adoption: { roomId, from, head, state, events } });
    this.#room = { head, state };
  }

  finish(): { readonly steps: readonly Step[]; readonly after: LoadedRoom | undefined } {
    this.#close();
    return { steps: this.#steps, after: this.#room };
  }

  #roomId: RoomId | undefined;

  #close(): void {
    const [open, room, roomId] = [this.#open, this.#room, this.#roomId];
    this.#open = undefined;
    if (open === undefined || room === undefined || roomId === undefined) return;
    const { from, before, events } = open;
    // A request that took effect is remembered where it is decided; the archive is never asked.
    const append = { roomId, expected: from, events, after: room.state, keys: [] };
    this.#steps.push({ kind: 'append', append, before });
  }
}

/** The live log is at or beyond the entry: what it says now holds for the archive as well. */
async function bridge(
  plan: Planner,
  entry: RoomEntry,
  live: Pick<RoomLog, 'load' | 'read'>,
): Promise<void> {
  const { roomId, head } = entry;
  const since = plan.head;
  const read = await live.read(roomId, since);
  const isOn = read.kind === 'events' && read.events.length > 0;
  if (isOn && (since.revision > 0 || read.events[0]?.type === 'RoomCreated')) {
    plan.append(roomId, read.head, read.events);
    return;
  }
  const room = await live.load(roomId);
  if (room === undefined) throw new Unbridgeable(roomId, since, head);
  if (isSameHead(room.head, since)) return;
  plan.adopt(roomId, room, withOwn(room.recent ?? [], entry));
}

/** What the live log still has of the way, and the entry's own events where it is not among it. */
function withOwn(recent: readonly HeldEvent[], entry: RoomEntry): readonly HeldEvent[] {
  const { epoch } = entry.head;
  const own =
    entry.kind === 'restore'
      ? entry.events
      : entry.events.map((event, i) => ({ epoch, revision: entry.from.revision + 1 + i, event }));
  const ids = new Set(recent.map(({ event }) => event.id));
  return [...own.filter(({ event }) => !ids.has(event.id)), ...recent];
}
