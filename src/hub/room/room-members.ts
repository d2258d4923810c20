// Who is connected to a room now, here or on another node. The log learns of arrivals and departures in batches.
// Knows memberships and time; knows no log.
import type { InviteCode, RoomId, UserId } from '../../../protocol/ids.ts';
import type { DepartureReason } from '../../../protocol/schemas/events.ts';
import type { SystemCommand } from '../../domain/command.ts';
import type { HubClock } from '../../ports/hub-clock.ts';
import type { NodeId } from '../../ports/bus.ts';
import type { Presence, PresentPeople } from '../../ports/presence.ts';
import { PresenceView, type PresenceViewDeps } from './presence-view.ts';
import { RoomElsewhere } from './room-elsewhere.ts';
import type { Membership } from '../connection.ts';

export interface RoomMembersDeps extends Omit<PresenceViewDeps, 'count'> {
  readonly clock: HubClock;
  readonly presenceGraceMs: number;
  readonly presenceBatchMs: number;
  /** Whether the log has them in the room. */
  isHere(userId: UserId): boolean;
  submit(command: SystemCommand): void;
  /** The membership no longer counts: its person has connected to another node. */
  replaced(membership: Membership): void;
  /** Who is connected has changed on another node. */
  changedElsewhere(): void;
  /** What other nodes know could not be learnt or told: it is tried again. */
  failed(error: unknown): void;
}

/** The other nodes, for one room. */
export interface RoomNeighbours {
  readonly nodeId: NodeId;
  readonly presence: Presence;
  readonly initial: PresentPeople;
}

/** How much longer than the grace a node waits for another one, which may have died, to tell of a departure, ms. */
const OTHERS_GRACE_MS = 3_000;
const RETRY_MS = 1_000;

/** What lets somebody in. */
export interface WayIn {
  readonly invite?: InviteCode | undefined;
  /** The hub has seen that a friend of theirs is there. */
  readonly asFriend?: boolean | undefined;
}

interface Arrival {
  readonly userId: UserId;
  readonly name: string;
  readonly invite?: InviteCode;
  readonly asFriend?: true;
}

type Cancel = () => void;

export class RoomMembers {
  readonly #deps: RoomMembersDeps;
  readonly #memberships = new Map<UserId, Membership>();
  #generation = 0;
  // Made when they are needed: most rooms, most of the time, have neither, and an empty map weighs as much as a member.
  #arrivals: Map<UserId, Arrival> | undefined;
  #departures: Map<UserId, DepartureReason> | undefined;
  /** Sockets that were lost: user → hub time when their grace ends. */
  readonly #lost = new Map<UserId, number>();
  #heardUntil: number | undefined;
  #cancelBatch: Cancel | undefined;
  #cancelGrace: Cancel | undefined;
  readonly presence: PresenceView;
  /** Undefined where this process is alone. */
  readonly elsewhere: RoomElsewhere | undefined;
  readonly #roomId: RoomId;
  readonly #neighbours: RoomNeighbours | undefined;

  /** @param neighbours undefined where this process is alone */
  constructor(roomId: RoomId, deps: RoomMembersDeps, neighbours?: RoomNeighbours) {
    this.#roomId = roomId;
    this.#deps = deps;
    this.#neighbours = neighbours;
    this.presence = new PresenceView({ ...deps, count: () => this.count });
    if (neighbours === undefined) return;
    this.elsewhere = new RoomElsewhere(roomId, neighbours.initial, {
      ...neighbours,
      timers: deps.timers,
      batchMs: deps.presenceBatchMs,
      nameHere: (userId) => this.#memberships.get(userId)?.name,
      idsHere: () => this.#memberships.keys(),
      entered: (userId, name) => this.#enteredElsewhere(userId, name),
      left: (userId) => this.#leftElsewhere(userId),
      changed: () => deps.changedElsewhere(),
      replaced: (userId) => this.#replacedHere(userId),
      failed: (error) => deps.failed(error),
    });
  }

  /** On all nodes. */
  get count(): number {
    return this.#memberships.size + this.countElsewhere;
  }

  get countElsewhere(): number {
    return this.elsewhere?.count ?? 0;
  }

  get countHere(): number {
    return this.#memberships.size;
  }

  /** Nobody is connected here and nobody's grace runs. */
  get isDeserted(): boolean {
    return (
      this.countHere === 0 &&
      this.elsewhere?.isTold !== false &&
      this.#lost.size === 0 &&
      this.#arrivals === undefined &&
      this.#departures === undefined
    );
  }

  /** After a restart: nobody of those who were here has come back yet. */
  get isAwaitingReturn(): boolean {
    return this.#heardUntil !== undefined;
  }

  /** Those on this node. */
  all(): IterableIterator<Membership> {
    return this.#memberships.values();
  }

  /** Everybody who is connected, on any node, once. */
  *present(): Generator<{ readonly userId: UserId; readonly name: string }, void> {
    yield* this.#memberships.values();
    if (this.elsewhere !== undefined) yield* this.elsewhere.people();
  }

  /** On any node. */
  isPresent(userId: UserId): boolean {
    return this.#memberships.has(userId) || this.elsewhere?.has(userId) === true;
  }

  /** On this node. */
  of(userId: UserId): Membership | undefined {
    return this.#memberships.get(userId);
  }

  nextGeneration(): number {
    this.#generation += 1;
    return this.#generation;
  }

  /** @returns the membership that this one takes the place of: the same person elsewhere */
  add(membership: Membership, { invite, asFriend }: WayIn = {}): Membership | undefined {
    const { userId, name } = membership;
    const earlier = this.#memberships.get(userId);
    this.#memberships.set(userId, membership);
    this.elsewhere?.touch(userId);
    this.#lost.delete(userId);
    this.#forgetDeparture(userId);
    // Somebody of the gathering that a restart cut short is back: it goes on, and what was heard meanwhile counts.
    this.#heardUntil = undefined;
    // Who is here already may still open an invite that gives a role.
    if (!this.#deps.isHere(userId) || invite !== undefined) {
      this.#arrive({
        userId,
        name,
        ...(invite === undefined ? {} : { invite }),
        ...(asFriend === true ? { asFriend } : {}),
      });
    }
    if (earlier?.name !== name) this.presence.joined(userId, name);
    return earlier;
  }

  /**
   * The membership's socket is gone, or its person left.
   * @param reason `lost` gives them the grace to come back; any other ends their stay now
   * @returns false for a membership that has been replaced meanwhile: nothing was changed
   */
  remove(membership: Membership, reason: DepartureReason): boolean {
    const { userId } = membership;
    if (this.#memberships.get(userId)?.generation !== membership.generation) return false;
    this.#memberships.delete(userId);
    this.elsewhere?.touch(userId);
    this.presence.left(userId);
    const wasNeverLogged = this.#forgetArrival(userId) && !this.#deps.isHere(userId);
    if (wasNeverLogged) return true;
    if (reason === 'lost') {
      this.#lost.set(userId, this.#deps.clock.now() + this.#deps.presenceGraceMs);
      this.#scheduleGrace();
    } else {
      this.#depart(userId, reason);
    }
    return true;
  }

  /**
   * The log says that these people are here, and no socket of theirs is: the service has just started. They have the grace to come back.
   * @param heardUntil the last time at which the room was surely heard: where it pauses if nobody does
   */
  expect(userIds: readonly UserId[], heardUntil: number): void {
    const deadline = this.#deps.clock.now() + this.#deps.presenceGraceMs;
    for (const userId of userIds) {
      if (!this.isPresent(userId)) this.#lost.set(userId, deadline);
    }
    this.#heardUntil = heardUntil;
    this.#scheduleGrace();
  }

  /** Whether the log has still to be told that they came. */
  isArriving(userId: UserId): boolean {
    return this.#arrivals?.has(userId) === true;
  }

  /** The arrivals that the log has not been told yet, as one command; they are then the caller's. */
  takeArrivals(): SystemCommand | undefined {
    if (this.#arrivals === undefined) return undefined;
    const members = [...this.#arrivals.values()];
    this.#arrivals = undefined;
    return { type: 'Arrive', members };
  }

  /** The log could not be told of these: `reconcile` tells it again, with what lets them in. */
  keepArrivals(arrivals: readonly Arrival[]): void {
    for (const arrival of arrivals) {
      if (!this.#memberships.has(arrival.userId)) continue;
      this.#arrivals ??= new Map();
      if (!this.#arrivals.has(arrival.userId)) this.#arrivals.set(arrival.userId, arrival);
    }
  }

  /**
   * Makes the log agree with who is connected, where it could not be told: those it lacks arrive again, those it keeps and whom
   * nobody expects back depart.
   * @param hereIds who is in the room by the log
   */
  reconcile(hereIds: readonly UserId[]): void {
    for (const { userId, name } of this.#memberships.values()) {
      if (!this.#deps.isHere(userId) && this.#arrivals?.has(userId) !== true)
        this.#arrive({ userId, name });
    }
    if (this.#arrivals !== undefined) this.#scheduleBatch();
    for (const userId of hereIds) {
      if (this.isPresent(userId) || this.#lost.has(userId)) continue;
      // On another node they may be on their way: what it knows comes by another channel than what the log says.
      if (this.elsewhere === undefined) this.#depart(userId, 'lost');
      else this.#miss(userId);
    }
  }

  /** The log has let these people go. Who is connected came back while the departure was on its way: they arrive again. */
  departed(userIds: readonly UserId[]): void {
    for (const userId of userIds) {
      if (this.#deps.isHere(userId)) continue;
      this.#lost.delete(userId);
      const membership = this.#memberships.get(userId);
      if (membership !== undefined) this.#arrive({ userId, name: membership.name });
    }
  }

  stop(): void {
    this.#cancelBatch?.();
    this.presence.stop();
    this.elsewhere?.stop();
    this.#cancelGrace?.();
  }

  #enteredElsewhere(userId: UserId, name: string): void {
    this.#lost.delete(userId);
    this.#forgetDeparture(userId);
    this.#heardUntil = undefined;
    this.presence.joined(userId, name);
  }

  #leftElsewhere(userId: UserId): void {
    this.presence.left(userId);
    if (this.#deps.isHere(userId)) this.#miss(userId);
  }

  #replacedHere(userId: UserId): void {
    const membership = this.#memberships.get(userId);
    if (membership === undefined) return;
    this.#memberships.delete(userId);
    this.#deps.replaced(membership);
  }

  /** Whoever served them tells the log when their grace has ended. If it has died meanwhile, it is for this node to do. */
  #miss(userId: UserId): void {
    if (this.#lost.has(userId)) return;
    const { clock, presenceGraceMs } = this.#deps;
    this.#lost.set(userId, clock.now() + presenceGraceMs + OTHERS_GRACE_MS);
    this.#scheduleGrace();
  }

  #depart(userId: UserId, reason: DepartureReason): void {
    this.#departures ??= new Map();
    this.#departures.set(userId, reason);
    this.#scheduleBatch();
  }

  #arrive(arrival: Arrival): void {
    this.#arrivals ??= new Map();
    this.#arrivals.set(arrival.userId, arrival);
    this.#scheduleBatch();
  }

  #forgetArrival(userId: UserId): boolean {
    const wasThere = this.#arrivals?.delete(userId) === true;
    if (this.#arrivals?.size === 0) this.#arrivals = undefined;
    return wasThere;
  }

  #forgetDeparture(userId: UserId): void {
    this.#departures?.delete(userId);
    if (this.#departures?.size === 0) this.#departures = undefined;
  }

  #scheduleBatch(): void {
    this.#cancelBatch ??= this.#deps.timers.after(this.#deps.presenceBatchMs, () => {
      this.#cancelBatch = undefined;
      const arrivals = this.takeArrivals();
      if (arrivals !== undefined) this.#deps.submit(arrivals);
      this.#flushDepartures();
    });
  }

  #flushDepartures(): void {
    if (this.#departures === undefined) return;
    const members = [...this.#departures].map(([userId, reason]) => ({ userId, reason }));
    this.#departures = undefined;
    const heardUntil = this.#heardUntil;
    this.#deps.submit({
      type: 'Depart',
      members,
      ...(heardUntil === undefined ? {} : { heardUntil }),
    });
  }

  #scheduleGrace(soonestMs = 0): void {
    if (this.#cancelGrace !== undefined || this.#lost.size === 0) return;
    const earliest = Math.min(...this.#lost.values());
    const delayMs = Math.max(soonestMs, earliest - this.#deps.clock.now());
    this.#cancelGrace = this.#deps.timers.after(delayMs, () => {
      if (this.elsewhere === undefined) {
        this.#endGraces();
        return;
      }
      // Nobody may be let go of whom another node holds, even if its message was lost.
      this.elsewhere.read().then(
        () => this.#endGraces(),
        (error: unknown) => {
          this.#cancelGrace = undefined;
          this.#deps.failed(error);
          this.#scheduleGrace(RETRY_MS);
        },
      );
    });
  }

  #endGraces(): void {
    this.#cancelGrace = undefined;
    const now = this.#deps.clock.now();
    for (const [userId, deadline] of this.#lost) {
      // Timers may fire a little early against hub time: a millisecond is not worth another timer.
      if (deadline > now + 1) continue;
      this.#lost.delete(userId);
      if (!this.#deps.isHere(userId)) continue;
      this.#departures ??= new Map();
      this.#departures.set(userId, 'lost');
    }
    if (this.#departures !== undefined) this.#forgetDead();
    this.#flushDepartures();
    this.#scheduleGrace();
  }

  #forgetDead(): void {
    const { presence } = this.#neighbours ?? {};
    presence?.forgetDead(this.#roomId).catch((error: unknown) => this.#deps.failed(error));
  }
}
