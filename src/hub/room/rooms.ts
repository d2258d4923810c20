// The rooms that this node holds: brought in when somebody needs them, dropped when nobody has for a while.
import type { HubMs, RoomCode, RoomId, UserId } from '../../../protocol/ids.ts';
import { refuse, type Refusal } from '../../../protocol/errors.ts';
import type { User } from '../../../protocol/schemas/pushes.ts';
import type { Preset, Visibility } from '../../../protocol/schemas/room.ts';
import { decide } from '../../domain/decide.ts';
import { NO_ROOM, StoreUnavailable, isSameHead } from '../../ports/room-log.ts';
import type { Nodes } from '../hub-ports.ts';
import { LiveRoom, type LiveRoomDeps } from './live-room.ts';
import { RoomRates, type RoomMaker } from './room-rates.ts';
import { rendezvousWeight } from './rendezvous.ts';

export interface RoomDraft {
  readonly name: string;
  readonly preset?: Preset;
  readonly visibility?: Visibility;
}

export type RoomAddress = { readonly roomId?: RoomId; readonly code?: RoomCode };

const CODE_ATTEMPTS = 5;
const HEARTBEAT_MS = 2_000;
/** A message that was lost, and that no later one betrays, is noticed after this. */
const COMPARE_MS = 5_000;
/** How often a node looks for rooms that no node serves; it also does when one has died. */
const DESERTED_MS = 30_000;

export class Rooms {
  readonly #deps: LiveRoomDeps;
  readonly #live = new Map<RoomId, LiveRoom>();
  readonly #opening = new Map<RoomId, Promise<LiveRoom | undefined>>();
  readonly #idleSince = new Map<RoomId, number>();
  readonly #rates: RoomRates;
  readonly #cancels: (() => void)[] = [];
  #isStopped = false;

  constructor(deps: LiveRoomDeps) {
    this.#deps = deps;
    const { sharedRates, timers, clock } = deps.ports;
    const now = (): number => clock.now();
    this.#rates = new RoomRates(deps.options, { shared: sharedRates, timers, now });
  }

  get count(): number {
    return this.#live.size;
  }

  /**
   * Ends the stay of those whom a restart cut off and who do not come back; begins the sweeps.
   * Rejects with `StoreUnavailable`, with nothing begun: it may be called again.
   */
  async start(): Promise<void> {
    const { roomLog, chatLog, timers, log, clock, nodes } = this.#deps.ports;
    const beat = (): void => {
      roomLog
        .heartbeat(clock.now())
        .catch((error: unknown) => log.warn({ err: error }, 'the heartbeat was not stored'));
    };
    this.#cancels.push(
      timers.every(this.#deps.options.roomIdleMs / 2, () => this.#sweep()),
      roomLog.subscribe((roomId, told) => this.#live.get(roomId)?.hear(told)),
      chatLog.subscribe((roomId, item) => this.#live.get(roomId)?.chat.hear(item)),
      ...(nodes === undefined ? [] : this.#followNodes(nodes)),
    );
    try {
      await this.#awaitReturns();
    } catch (error) {
      this.#cancelAll();
      throw error;
    }
    // Not before: the last one of the life before says where rooms were heard last.
    if (!this.#isStopped) this.#cancels.push(timers.every(HEARTBEAT_MS, beat));
  }

  stop(): void {
    this.#isStopped = true;
    this.#cancelAll();
    this.#rates.stop();
    for (const room of this.#live.values()) room.stop();
  }

  get(roomId: RoomId): LiveRoom | undefined {
    return this.#live.get(roomId);
  }

  all(): IterableIterator<LiveRoom> {
    return this.#live.values();
  }

  /** Undefined for a room that never was. Rejects with `StoreUnavailable`. */
  async open(roomId: RoomId): Promise<LiveRoom | undefined> {
    // Whoever asks for a room may wait for something else before they enter it: it must not be dropped under them.
    this.#idleSince.delete(roomId);
    const live = this.#live.get(roomId);
    if (live !== undefined) return live;
    let opening = this.#opening.get(roomId);
    if (opening === undefined) {
      opening = this.#load(roomId).finally(() => this.#opening.delete(roomId));
      this.#opening.set(roomId, opening);
    }
    return opening;
  }

  async find(address: RoomAddress): Promise<LiveRoom | undefined> {
    const { roomLog } = this.#deps.ports;
    const roomId =
      address.roomId ??
      (address.code === undefined ? undefined : await roomLog.findByCode(address.code));
    return roomId === undefined ? undefined : this.open(roomId);
  }

  /**
   * Makes a room with `user` as its owner.
   * @param roomId given where the request is idempotent: the same one again finds the room made by the first
   * @param maker whose rate it is taken from
   */
  async create(
    user: User,
    draft: RoomDraft,
    roomId: RoomId,
    maker: RoomMaker,
  ): Promise<LiveRoom | Refusal> {
    const { random, roomLog } = this.#deps.ports;
    // One that is there already is not made again.
    const waitMs = (await this.#isInLog(roomId)) ? 0 : this.#rates.take(maker);
    if (waitMs > 0) return refuse('rate_limited', 'too many new rooms', waitMs);
    for (let attempt = 0; attempt < CODE_ATTEMPTS; attempt += 1) {
      const decision = decide(
        {
          type: 'CreateRoom',
          roomId,
          code: random.roomCode(),
          name: draft.name,
          byName: user.name,
          preset: draft.preset ?? 'friends',
          visibility: draft.visibility ?? 'unlisted',
        },
        undefined,
        this.#creationContext(user.id),
      );
      if (decision.kind === 'refused') return decision.refusal;
      const state = decision.states.at(-1);
      if (state === undefined) return refuse('internal', 'the room came to nothing');
      const result = await roomLog.append(roomId, NO_ROOM, decision.events, state, []);
      // Either the code is another room's, or a repeated request finds the room that the first one made.
      const room = await this.open(roomId);
      if (result.kind === 'committed' && room !== undefined) return room;
      if (room?.state.public.ownerId === user.id) return room;
    }
    return refuse('unavailable', 'no free room code was found', 1_000);
  }

  /** Asks no archive, which may be away: one that is there alone is paid for again. */
  async #isInLog(roomId: RoomId): Promise<boolean> {
    if (this.#live.has(roomId)) return true;
    const [head = NO_ROOM] = await this.#deps.ports.roomLog.heads([roomId]);
    return !isSameHead(head, NO_ROOM);
  }

  #cancelAll(): void {
    for (const cancel of this.#cancels.splice(0)) cancel();
  }

  #creationContext(by: UserId): Parameters<typeof decide>[2] {
    const { clock, random } = this.#deps.ports;
    return {
      by,
      at: clock.now(),
      presentCount: 0,
      isPresent: () => false,
      readyCount: () => 0,
      leadMs: this.#deps.options.minLeadMs,
      limits: this.#deps.options.domain,
      newEventId: () => random.eventId(),
      newEntryId: () => random.entryId(),
      newSessionId: () => random.sessionId(),
      random: () => random.next(),
    };
  }

  async #load(roomId: RoomId): Promise<LiveRoom | undefined> {
    const loaded = await this.#deps.ports.roomLog.load(roomId);
    if (loaded === undefined) return undefined;
    const room = await LiveRoom.open(loaded, this.#deps);
    if (this.#isStopped) {
      room.stop();
      return undefined;
    }
    this.#live.set(roomId, room);
    // What was told of it while it was being loaded was told to nobody.
    if (this.#deps.ports.nodes !== undefined) this.#compareSoon([roomId]);
    return room;
  }

  /** Rooms that have people by the log and no node that serves them: those people have the grace to come back. */
  async #awaitReturns(): Promise<void> {
    const { roomLog, log } = this.#deps.ports;
    let found = 0;
    for (const { roomId, aliveAt } of await roomLog.inhabited()) {
      try {
        if (await this.#awaitReturn(roomId, aliveAt)) found += 1;
      } catch (error) {
        if (error instanceof StoreUnavailable) throw error;
        // One room that cannot be read must not keep the others from being served.
        log.error({ roomId, err: error }, 'a room could not be opened');
      }
    }
    if (found > 0) log.info({ rooms: found }, 'rooms wait for their people to come back');
  }

  /** @returns whether the room waits for its people, for the first time */
  async #awaitReturn(roomId: RoomId, aliveAt: HubMs): Promise<boolean> {
    const members = this.#live.get(roomId)?.members;
    if ((members?.count ?? 0) > 0 || members?.isAwaitingReturn === true) return false;
    if (!this.#isOurs(roomId)) return false;
    const lastSeenAt = await this.#lastSeenAt(roomId, aliveAt);
    if (lastSeenAt === undefined) return false;
    const room = await this.open(roomId);
    room?.awaitReturn(lastSeenAt);
    return room !== undefined;
  }

  /** Of the nodes that live, one looks after a room that none serves. */
  #isOurs(roomId: RoomId): boolean {
    const { nodes } = this.#deps.ports;
    if (nodes === undefined) return true;
    const weight = rendezvousWeight(nodes.bus.nodeId, roomId);
    return [...nodes.presence.aliveNodes].every((node) => rendezvousWeight(node, roomId) <= weight);
  }

  /** When a room was last known to be heard; undefined where a living node has people in it. */
  async #lastSeenAt(roomId: RoomId, aliveAt: HubMs): Promise<HubMs | undefined> {
    const present = await this.#deps.ports.nodes?.presence.read(roomId);
    if (present === undefined) return aliveAt;
    if (present.people.length > 0) return undefined;
    // Without a trace of a dead node, those of a room in memory are in the grace that this node gives them.
    return present.aliveAt ?? (this.#live.has(roomId) ? undefined : aliveAt);
  }

  #followNodes({ bus, presence }: Nodes): (() => void)[] {
    const { timers, log } = this.#deps.ports;
    const lookForDeserted = (): void => {
      this.#awaitReturns().catch((error: unknown) =>
        log.warn({ err: error }, 'rooms without a node could not be looked for'),
      );
    };
    const compareAll = (): void => this.#compareSoon([...this.#live.keys()]);
    return [
      presence.subscribe((roomId, change) => this.#live.get(roomId)?.hearPresence(change)),
      bus.subscribe((roomId, node, message) => this.#live.get(roomId)?.hearBus(node, message)),
      bus.onDoubt(compareAll),
      timers.every(COMPARE_MS, compareAll),
      timers.every(DESERTED_MS, lookForDeserted),
      presence.onNodes(({ died, wasLapsed }) => {
        for (const room of this.#live.values()) {
          room.members.elsewhere?.nodesDied(died);
          if (wasLapsed) room.members.elsewhere?.enterAll();
        }
        if (died.length > 0) lookForDeserted();
      }),
    ];
  }

  /** Compares rooms with the logs, however many of them, in a few reads. */
  #compareSoon(roomIds: readonly RoomId[]): void {
    this.#compare(roomIds).catch((error: unknown) =>
      this.#deps.ports.log.warn({ err: error }, 'rooms could not be compared with the log'),
    );
  }

  async #compare(roomIds: readonly RoomId[]): Promise<void> {
    const { roomLog, chatLog, nodes } = this.#deps.ports;
    if (roomIds.length === 0 || nodes === undefined) return;
    const held = roomIds.map((roomId) => this.#live.get(roomId)?.head);
    const [heads, newest, versions] = await Promise.all([
      roomLog.heads(roomIds),
      chatLog.newest(roomIds),
      nodes.presence.versions(roomIds),
    ]);
    roomIds.forEach((roomId, i) => {
      const [head, version, room] = [heads[i], versions[i], this.#live.get(roomId)];
      if (head === undefined || version === undefined || room === undefined) return;
      // What has changed meanwhile is newer than what the log was asked for.
      room.compare(room.head === held[i] ? head : undefined, newest[i], version);
    });
  }

  #sweep(): void {
    const now = this.#deps.ports.clock.now();
    for (const [roomId, room] of this.#live) {
      if (!room.isDeserted) {
        this.#idleSince.delete(roomId);
        continue;
      }
      const since = this.#idleSince.get(roomId) ?? now;
      this.#idleSince.set(roomId, since);
      if (now - since < this.#deps.options.roomIdleMs) continue;
      room.stop();
      this.#live.delete(roomId);
      this.#idleSince.delete(roomId);
    }
  }
}
