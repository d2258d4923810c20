// What a run leaves behind: what each client sent and was shown, what each store has, where everybody ended. Knows no rule but their names.
import type { EntryId, EventId, RoomId, UserId } from '../../protocol/ids.ts';
import type { ChatItem } from '../../protocol/schemas/pushes.ts';
import type { RoomEvent } from '../../src/domain/room-event.ts';

/** By what a command can be found again in the record: no two commands of a run leave the same. */
export type Mark =
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'text'; readonly text: string }
  /** The entries' ids are told in the reply alone: until then such commands can only be counted. */
  | { readonly kind: 'entries' };

export type Outcome =
  | {
      readonly kind: 'ok';
      readonly epoch?: number;
      readonly revision?: number;
      readonly entryIds?: readonly EntryId[];
      /** Of what was said. */
      readonly seq?: number;
    }
  /** `isSure`: no try of it can have taken effect. */
  | { readonly kind: 'refused'; readonly code: string; readonly isSure: boolean }
  /** Given up, or cut off: it may have happened. */
  | { readonly kind: 'unknown' };

export interface CommandRecord {
  readonly roomId: RoomId;
  readonly userId: UserId;
  readonly type: string;
  readonly key?: string;
  readonly mark?: Mark;
  /** ms since the run began. */
  readonly at: number;
  readonly tries: number;
  readonly outcome: Outcome;
}

/** One thing that a client was told of a room, in the order in which it was told. */
export type Sight =
  /** The room whole. `isProven`: its hash was that of its state. */
  | {
      readonly kind: 'whole';
      readonly why: 'join' | 'epoch' | 'behind';
      readonly epoch: number;
      readonly revision: number;
      readonly isProven: boolean;
    }
  /** A join that goes on from what the client said that it had. */
  | {
      readonly kind: 'resumed';
      readonly since: { readonly epoch: number; readonly revision: number };
      readonly epoch: number;
    }
  | {
      readonly kind: 'revision';
      readonly epoch: number;
      readonly revision: number;
      readonly eventId: EventId;
    };

export interface ClientRecord {
  readonly who: string;
  readonly roomId: RoomId;
  readonly sights: readonly Sight[];
  /** States that did not have the hash that the hub gave with them. */
  readonly mismatches: number;
}

export interface LoggedEvent {
  readonly epoch: number;
  readonly revision: number;
  readonly event: RoomEvent;
}

/** A room's events as one of the stores has them, in its order. */
export interface LogRecord {
  readonly who: string;
  readonly roomId: RoomId;
  /** Whether it begins with the room's first event; else it has the newest alone. */
  readonly isWhole: boolean;
  readonly events: readonly LoggedEvent[];
}

/** Where somebody stands when all is quiet. */
export interface Ending {
  readonly who: string;
  readonly roomId: RoomId;
  readonly epoch: number;
  readonly revision: number;
  readonly hash: string;
}

export interface ChatRecord {
  readonly who: string;
  readonly roomId: RoomId;
  readonly isWhole: boolean;
  readonly items: readonly ChatItem[];
}

export interface History {
  readonly commands: readonly CommandRecord[];
  readonly clients: readonly ClientRecord[];
  /** At least one whole log for each room. */
  readonly logs: readonly LogRecord[];
  readonly endings: readonly Ending[];
  readonly chats: readonly ChatRecord[];
}

export const RULES = {
  'acknowledged-lost': 'a command that was acknowledged is not in the log',
  'done-twice': 'a command took effect more than once',
  'refused-yet-done': 'a command that was refused took effect',
  'reply-names-another': 'the revision that a reply names is another event',
  'log-broken': 'the revisions of a log are not one after the other, or an event is there twice',
  'logs-differ': 'two stores tell different histories',
  'two-meanings': 'one number stands for two events',
  hole: 'a client was not told a revision between two others',
  'went-back': 'a client was shown less than it had been shown',
  'epoch-unannounced': 'revisions of another epoch came without the room whole',
  vanished: 'what was shown is not in the log, and no new epoch tells so',
  'wrong-hash': 'a state does not have its hash',
  'endings-differ': 'not all end with the same state',
  'chat-broken': 'the numbers of a chat are not one after the other',
  'chat-differs': 'not all have the same chat',
  'said-lost': 'a message that was acknowledged is not in the chat',
  'said-twice': 'a message is in the chat more than once',
  'nothing-to-compare': 'a record is missing, so nothing is proven',
} as const;

export type Rule = keyof typeof RULES;

export interface Violation {
  readonly rule: Rule;
  readonly roomId: RoomId | undefined;
  readonly what: string;
  readonly evidence: unknown;
}

/** The whole log of each room that was heard of. */
export function wholeLogs(history: History): ReadonlyMap<RoomId, LogRecord> {
  const whole = new Map<RoomId, LogRecord>();
  for (const log of history.logs) {
    if (log.isWhole && !whole.has(log.roomId)) whole.set(log.roomId, log);
  }
  return whole;
}

/** How an event of a room is called by its number. */
export function placeOf(at: { readonly epoch: number; readonly revision: number }): string {
  return `${at.epoch}-${at.revision}`;
}

export function grouped<K, T>(items: Iterable<T>, keyOf: (item: T) => K): Map<K, T[]> {
  const groups = new Map<K, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [item]);
    else group.push(item);
  }
  return groups;
}
