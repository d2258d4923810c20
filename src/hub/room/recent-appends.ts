// The newest appends of a room as this node has seen them committed: what a log that loses its tail is given back.
import type { RoomEvent } from '../../domain/room-event.ts';
import type { Head, HeldEvent, IdempotencyRecord } from '../../ports/room-log.ts';

/** A replica that is further behind than this is no replica, ms. */
const KEPT_MS = 120_000;
/** As many as a log keeps for reading. */
const MAX_EVENTS = 1_000;

interface Append {
  readonly head: Head;
  readonly events: readonly RoomEvent[];
  readonly keys: readonly IdempotencyRecord[];
}

export class RecentAppends {
  /** In order. They may be of several epochs: what was put back may be lost again. */
  #appends: Append[] = [];
  #count = 0;

  /** @param head where the log ends after `events` */
  add(head: Head, events: readonly RoomEvent[], keys: readonly IdempotencyRecord[]): void {
    if (events.length === 0) return;
    this.#appends.push({ head, events, keys });
    this.#count += events.length;
    while (this.#count > MAX_EVENTS && this.#appends.length > 1) this.#dropFirst();
  }

  /** What a log gave, each event by itself. */
  addLoaded(events: readonly HeldEvent[]): void {
    for (const { epoch, revision, event, keys } of events)
      this.add({ epoch, revision, eventId: event.id }, [event], keys ?? []);
  }

  /** Drops what is old enough to be safe. @param at hub time */
  trim(at: number): void {
    while (at - (this.#appends[0]?.events.at(-1)?.at ?? at) > KEPT_MS) this.#dropFirst();
  }

  /** All of it, each event with its number. */
  held(): { readonly recent: readonly HeldEvent[]; readonly keys: readonly IdempotencyRecord[] } {
    const all = this.#appends.flatMap(({ head, events, keys }) =>
      events.map((event, i): HeldEvent => {
        const held = {
          epoch: head.epoch,
          revision: head.revision - events.length + 1 + i,
          event,
        };
        return i === events.length - 1 && keys.length > 0 ? { ...held, keys } : held;
      }),
    );
    // What was put back once is held under its new number as well: that one counts.
    const newest = new Map(all.map((held) => [held.event.id, held]));
    return {
      recent: all.filter((held) => newest.get(held.event.id) === held),
      keys: this.#appends.flatMap(({ keys }) => keys),
    };
  }

  #dropFirst(): void {
    this.#count -= this.#appends.shift()?.events.length ?? 0;
  }
}
