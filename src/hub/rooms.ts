// The rooms that this node holds: brought in when somebody needs them, dropped when nobody has for a while.
import type { RoomCode, RoomId } from '../../protocol/ids.ts';
import { refuse, type Refusal } from '../../protocol/errors.ts';
import type { User } from '../../protocol/schemas/pushes.ts';
import type { Preset, Visibility } from '../../protocol/schemas/room.ts';
import { decide } from '../domain/decide.ts';
import { evolve } from '../domain/evolve.ts';
import type { RoomState } from '../domain/room-state.ts';
import type { UserId } from '../../protocol/ids.ts';
import { NO_ROOM } from '../ports/room-log.ts';
import { LiveRoom, type LiveRoomDeps } from './live-room.ts';

export interface RoomDraft {
  readonly name: string;
  readonly preset?: Preset;
  readonly visibility?: Visibility;
}

export type RoomAddress = { readonly roomId?: RoomId; readonly code?: RoomCode };

const CODE_ATTEMPTS = 5;
const HEARTBEAT_MS = 2_000;

export class Rooms {
  readonly #deps: LiveRoomDeps;
  readonly #live = new Map<RoomId, LiveRoom>();
  readonly #opening = new Map<RoomId, Promise<LiveRoom | undefined>>();
  readonly #idleSince = new Map<RoomId, number>();
  #cancels: (() => void)[] = [];

  constructor(deps: LiveRoomDeps) {
    this.#deps = deps;
  }

  get count(): number {
    return this.#live.size;
  }

  /** Ends the stay of those whom a restart cut off and who do not come back; begins the sweeps. */
  async start(): Promise<void> {
    const { roomLog, timers, log, clock } = this.#deps.ports;
    const inhabited = await roomLog.inhabited();
    for (const { roomId, aliveAt } of inhabited) {
      const room = await this.open(roomId);
      room?.awaitReturn(aliveAt);
    }
    if (inhabited.length > 0)
      log.info({ rooms: inhabited.length }, 'rooms wait for their people to come back');
    const beat = (): void => {
      roomLog
        .heartbeat(clock.now())
        .catch((error: unknown) => log.warn({ err: error }, 'the heartbeat was not stored'));
    };
    this.#cancels = [
      timers.every(HEARTBEAT_MS, beat),
      timers.every(this.#deps.options.roomIdleMs / 2, () => this.#sweep()),
      roomLog.subscribe((roomId) => this.#live.get(roomId)?.catchUp()),
    ];
  }

  stop(): void {
    for (const cancel of this.#cancels) cancel();
    this.#cancels = [];
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
   */
  async create(user: User, draft: RoomDraft, roomId: RoomId): Promise<LiveRoom | Refusal> {
    const { random, roomLog } = this.#deps.ports;
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
      const state = decision.events.reduce<RoomState | undefined>(
        (before, event) => evolve(before, event),
        undefined,
      );
      if (state === undefined) return refuse('internal', 'the room came to nothing');
      const result = await roomLog.append(roomId, NO_ROOM, decision.events, state, []);
      // Either the code is another room's, or a repeated request finds the room that the first one made.
      const room = await this.open(roomId);
      if (result.kind === 'committed' && room !== undefined) return room;
      if (room?.state.public.ownerId === user.id) return room;
    }
    return refuse('unavailable', 'no free room code was found', 1_000);
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
    this.#live.set(roomId, room);
    return room;
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
