// The rooms' log and the chat's with a test between them and the hub: late, away, unheard, overtaken, or replaced by another history.
import type { EventId, RoomCode, RoomId, UserId } from '../../protocol/ids.ts';
import type { JsonObject } from '../../protocol/merge-patch.ts';
import type { ChatItem } from '../../protocol/schemas/pushes.ts';
import { MemoryArchive } from '../../src/adapters/memory/memory-archive.ts';
import { MemoryRoomLog } from '../../src/adapters/memory/memory-room-log.ts';
import type { Command, DecideContext } from '../../src/domain/command.ts';
import { DEFAULT_DOMAIN_LIMITS } from '../../src/domain/command.ts';
import { decide } from '../../src/domain/decide.ts';
import { evolve } from '../../src/domain/evolve.ts';
import type { RoomEvent } from '../../src/domain/room-event.ts';
import type { RoomState } from '../../src/domain/room-state.ts';
import type { ChatLog, ChatRange } from '../../src/ports/chat-log.ts';
import {
  NO_ROOM,
  StoreUnavailable,
  type AppendResult,
  type Head,
  type IdempotencyRecord,
  type InhabitedRoom,
  type LoadedRoom,
  type ReadResult,
  type RoomLog,
} from '../../src/ports/room-log.ts';
import { SeededRandom } from './seeded-random.ts';

/** What one append meets: it may call the true one, before or after whatever it does. */
export type Fault<Result> = (append: () => Promise<Result>) => Promise<Result>;

/** The store is away, and has changed nothing. */
export const awayBefore = (): Promise<never> => Promise.reject(new StoreUnavailable('the log'));

/** The store does it, and its answer is lost. */
export async function awayAfter(append: () => Promise<unknown>): Promise<never> {
  await append();
  throw new StoreUnavailable('the log');
}

/** A store that answers when the test says so. */
export class Gate {
  open: () => void = () => undefined;
  readonly #opened = new Promise<void>((resolve) => {
    this.open = resolve;
  });

  /** Does it at once, answers late. */
  readonly lateAnswer = async <Result>(append: () => Promise<Result>): Promise<Result> => {
    const result = await append();
    await this.#opened;
    return result;
  };

  /** Does it late. */
  readonly lateStart = async <Result>(append: () => Promise<Result>): Promise<Result> => {
    await this.#opened;
    return append();
  };
}

export class FaultyRoomLog implements RoomLog {
  #inner: RoomLog = new MemoryRoomLog(new MemoryArchive());
  /** What is called epoch 1 inside is this much more outside. */
  #epochShift = 0;
  readonly #faults: Fault<AppendResult>[] = [];
  readonly #listeners = new Set<Parameters<RoomLog['subscribe']>[0]>();
  readonly #foreign = new SeededRandom(4_242);
  /** While true every call fails. */
  isAway = false;
  /** What the look-up of a key meets. */
  recalled: Fault<JsonObject | undefined> = (recall) => recall();
  /** Decides the fate of each append that no fault is waiting for. */
  fate: (() => Fault<AppendResult> | undefined) | undefined;

  forget(...args: Parameters<RoomLog['forget']>): Promise<void> {
    return this.#inner.forget(...args);
  }

  /** The next appends meet these, one each. */
  next(...faults: Fault<AppendResult>[]): void {
    this.#faults.push(...faults);
  }

  /** Another node changes the room. @param isTold false where its message to this one is lost */
  async elsewhere(
    roomId: RoomId,
    command: Command,
    by: UserId | undefined,
    at: number,
    isTold = true,
  ): Promise<readonly RoomEvent[]> {
    const loaded = await this.#inner.load(roomId);
    if (loaded === undefined) throw new Error('no such room');
    const random = this.#foreign;
    const context: DecideContext = {
      ...(by === undefined ? {} : { by }),
      at,
      presentCount: 1,
      isPresent: () => true,
      readyCount: () => 0,
      leadMs: 150,
      limits: DEFAULT_DOMAIN_LIMITS,
      newEventId: () => `f${random.eventId()}` as ReturnType<typeof random.eventId>,
      newEntryId: () => `f${random.entryId()}` as ReturnType<typeof random.entryId>,
      newSessionId: () => random.sessionId(),
      random: () => random.next(),
    };
    const decision = decide(command, loaded.state, context);
    if (decision.kind === 'refused') throw new Error(decision.refusal.message);
    const after = decision.events.reduce<RoomState>(evolve, loaded.state);
    await this.#inner.append(roomId, loaded.head, decision.events, after, []);
    const head = this.#outer((await this.#inner.load(roomId))?.head ?? NO_ROOM);
    const told = { from: this.#outer(loaded.head), head, events: decision.events, keys: [] };
    if (isTold) for (const listener of this.#listeners) listener(roomId, told);
    return decision.events;
  }

  /** A fail-over to a log that lacks the room's newest `lost` events, under the next epoch. */
  async failOver(roomId: RoomId, lost: number): Promise<void> {
    const log = await this.#inner.read(roomId, { epoch: 1, revision: 0 });
    if (log.kind !== 'events') throw new Error('no such room');
    const kept = log.events.slice(0, log.events.length - lost);
    const state = kept.reduce<RoomState | undefined>(
      (room, event) => evolve(room, event),
      undefined,
    );
    if (state === undefined) throw new Error('nothing is left');
    this.#inner = new MemoryRoomLog(new MemoryArchive());
    await this.#inner.append(roomId, NO_ROOM, kept, state, []);
    this.#epochShift += 1;
  }

  /** All events of a room, whatever the faults. */
  async events(roomId: RoomId): Promise<readonly RoomEvent[]> {
    const log = await this.#inner.read(roomId, { epoch: 1, revision: 0 });
    return log.kind === 'events' ? log.events : [];
  }

  async load(roomId: RoomId): Promise<LoadedRoom | undefined> {
    this.#reach();
    const loaded = await this.#inner.load(roomId);
    return loaded && { ...loaded, head: this.#outer(loaded.head) };
  }

  async append(
    roomId: RoomId,
    expected: Head,
    events: readonly RoomEvent[],
    after: RoomState,
    keys: readonly IdempotencyRecord[],
  ): Promise<AppendResult> {
    this.#reach();
    const fault = this.#faults.shift() ?? this.fate?.();
    const append = async (): Promise<AppendResult> => {
      const isNew = expected.eventId === '';
      const epoch = isNew ? expected.epoch : expected.epoch - this.#epochShift;
      const result = await this.#inner.append(roomId, { ...expected, epoch }, events, after, keys);
      return 'head' in result ? { ...result, head: this.#outer(result.head) } : result;
    };
    return fault === undefined ? append() : fault(append);
  }

  async read(
    roomId: RoomId,
    after: { readonly epoch: number; readonly revision: number; readonly eventId?: EventId | '' },
  ): Promise<ReadResult> {
    this.#reach();
    const epoch = after.epoch - this.#epochShift;
    const result = await this.#inner.read(roomId, { ...after, epoch });
    return result.kind === 'gone' ? result : { ...result, head: this.#outer(result.head) };
  }

  /** What a log lost stays lost here: the hub has to cope with whatever it is given. */
  async restore(roomId: RoomId): Promise<LoadedRoom> {
    const loaded = await this.load(roomId);
    if (loaded === undefined) throw new StoreUnavailable('the log');
    const { epoch } = loaded.head;
    const events = await this.events(roomId);
    return { ...loaded, recent: events.map((event, i) => ({ epoch, revision: i + 1, event })) };
  }

  async heads(roomIds: readonly RoomId[]): Promise<readonly (Head | undefined)[]> {
    this.#reach();
    return (await this.#inner.heads(roomIds)).map((head) => head && this.#outer(head));
  }

  async recall(roomId: RoomId, key: string): Promise<JsonObject | undefined> {
    this.#reach();
    return this.recalled(() => this.#inner.recall(roomId, key));
  }

  async findByCode(code: RoomCode): Promise<RoomId | undefined> {
    this.#reach();
    return this.#inner.findByCode(code);
  }

  inhabited(): Promise<readonly InhabitedRoom[]> {
    return this.#inner.inhabited();
  }

  async heartbeat(at: number): Promise<void> {
    this.#reach();
    await this.#inner.heartbeat(at);
  }

  subscribe(listener: Parameters<RoomLog['subscribe']>[0]): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #outer(head: Head): Head {
    return head.eventId === '' ? head : { ...head, epoch: head.epoch + this.#epochShift };
  }

  #reach(): void {
    if (this.isAway) throw new StoreUnavailable('the log');
  }
}

type ChatAppended = Awaited<ReturnType<ChatLog['append']>>;

export class FaultyChatLog implements ChatLog {
  readonly #inner: ChatLog;
  readonly #faults: Fault<ChatAppended>[] = [];
  fate: (() => Fault<ChatAppended> | undefined) | undefined;

  constructor(inner: ChatLog) {
    this.#inner = inner;
  }

  next(...faults: Fault<ChatAppended>[]): void {
    this.#faults.push(...faults);
  }

  append(...args: Parameters<ChatLog['append']>): Promise<ChatAppended> {
    const append = (): Promise<ChatAppended> => this.#inner.append(...args);
    const fault = this.#faults.shift() ?? this.fate?.();
    return fault === undefined ? append() : fault(append);
  }

  after(roomId: RoomId, seq: number, limit: number): Promise<ChatRange> {
    return this.#inner.after(roomId, seq, limit);
  }

  before(roomId: RoomId, seq: number, limit: number): Promise<ChatRange> {
    return this.#inner.before(roomId, seq, limit);
  }

  find(roomId: RoomId, seq: number): ReturnType<ChatLog['find']> {
    return this.#inner.find(roomId, seq);
  }

  newest(roomIds: readonly RoomId[]): ReturnType<ChatLog['newest']> {
    return this.#inner.newest(roomIds);
  }

  restore(roomId: RoomId, items: readonly ChatItem[]): Promise<void> {
    return this.#inner.restore(roomId, items);
  }

  forget(...args: Parameters<ChatLog['forget']>): Promise<void> {
    return this.#inner.forget(...args);
  }

  subscribe(listener: Parameters<ChatLog['subscribe']>[0]): () => void {
    return this.#inner.subscribe(listener);
  }
}
