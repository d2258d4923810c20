// A decision in the making: the events so far, and the room as they leave it. Knows the context of the command, not its type.
import type { EntryId, HubMs, UserId } from '../../protocol/ids.ts';
import type { RoomEventType } from '../../protocol/schemas/events.ts';
import { refuse, type Refusal } from '../../protocol/errors.ts';
import type { PermissionKey } from './access.ts';
import { may } from './access.ts';
import type { DecideContext } from './command.ts';
import type { RoomEvent } from './room-event.ts';
import type { RoomState } from './room-state.ts';
import { evolve } from './evolve.ts';
import { standingAt, type Standing } from './playback.ts';

/** An event without what every event carries. */
export type EventBody = {
  [K in RoomEventType]: Omit<RoomEvent<K>, 'id' | 'at'>;
}[RoomEventType];

/** Each rule reads the room as the events before it left it, so one decision never contradicts itself. */
export class Draft {
  readonly context: DecideContext;
  /** The time of all events of this decision: whole, and never before the room's last. */
  readonly at: HubMs;
  /** When a change takes effect that is to be heard everywhere at once. */
  readonly changeAt: HubMs;
  #room: RoomState;
  readonly #events: RoomEvent[] = [];
  readonly #states: RoomState[] = [];

  constructor(room: RoomState, context: DecideContext) {
    this.#room = room;
    this.context = context;
    this.at = eventTime(room, context.at);
    this.changeAt = this.at + Math.max(0, Math.round(context.leadMs));
  }

  get room(): RoomState {
    return this.#room;
  }

  get events(): readonly RoomEvent[] {
    return this.#events;
  }

  /** The room after each of the events. */
  get states(): readonly RoomState[] {
    return this.#states;
  }

  get standing(): Standing {
    return standingAt(this.#room.public, this.at, this.changeAt);
  }

  emit(body: EventBody): void {
    // The spread comes last: members that are added after one cost Node a hundred times as much.
    const event = { id: this.context.newEventId(), at: this.at, ...body } as RoomEvent;
    this.#events.push(event);
    this.#room = evolve(this.#room, event);
    this.#states.push(this.#room);
  }
}

/** Whole milliseconds, and never before what the room has already seen. */
export function eventTime(room: RoomState | undefined, at: HubMs): HubMs {
  return Math.max(Math.round(at), room?.lastAt ?? 0);
}

/** A refusal unless `by` may do what `key` permits. */
export function requirePermission(
  room: RoomState,
  by: UserId,
  key: PermissionKey,
): Refusal | undefined {
  if (may(room, by, key)) return undefined;
  return refuse('forbidden', `settings.${key} is ${room.public.settings[key]} in this room`);
}

export function noSuchEntry(entryId: EntryId): Refusal {
  return refuse('not_found', `no entry ${entryId} in the queue`);
}
