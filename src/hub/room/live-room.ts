// A room held in memory by this node: its runner, members, chat and stream, tied together; what a commit means for the sockets.
import { ERROR_CODES } from '../../../protocol/errors.ts';
import type { EntryId, RoomId, UserId } from '../../../protocol/ids.ts';
import type { ChatItem, User } from '../../../protocol/schemas/pushes.ts';
import type { RequestOf } from '../../../protocol/schemas/requests.ts';
import { isBanned, roleOf } from '../../domain/access.ts';
import type { Command, DecideContext, SystemCommand } from '../../domain/command.ts';
import type { RoomEvent } from '../../domain/room-event.ts';
import type { RoomState } from '../../domain/room-state.ts';
import type { ChatRange } from '../../ports/chat-log.ts';
import type { BusMessage, NodeId } from '../../ports/bus.ts';
import type { PresenceChange, PresentPeople } from '../../ports/presence.ts';
import type { Head, LoadedRoom, ToldAppend } from '../../ports/room-log.ts';
import type { Timers } from '../../ports/timers.ts';
import type { Span } from '../../ports/tracer.ts';
import type { HubMetrics } from '../hub-metrics.ts';
import type { HubOptions } from '../hub-options.ts';
import type { HubPorts } from '../hub-ports.ts';
import type { Connection, Membership } from '../connection.ts';
import type { Outbox } from '../outbox.ts';
import { RoomBroadcast } from './room-broadcast.ts';
import { RoomChat } from './room-chat.ts';
import { RoomDue } from './room-due.ts';
import type { RoomListener } from '../listening/room-listening.ts';
import {
  RoomMembers,
  type RoomMembersDeps,
  type RoomNeighbours,
  type WayIn,
} from './room-members.ts';
import { RoomReactions } from './room-reactions.ts';
import { RoomReadiness } from './room-readiness.ts';
import type { CommandOptions, CommandOutcome, Step } from './decide-batch.ts';
import { RoomRunner } from './room-runner.ts';
import { rendezvousWeight } from './rendezvous.ts';

export interface LiveRoomDeps {
  readonly ports: HubPorts;
  readonly options: HubOptions;
  readonly metrics: HubMetrics;
  readonly outbox: Outbox;
  /** All connections of one person, in this room or not. */
  connectionsOf(userId: UserId): Iterable<Connection>;
  /** Undefined where nobody is told what people listen to. */
  readonly listener?: RoomListener | undefined;
}

const REPAIR_MS = 1_000;
/** What is due is done by the first of the nodes with people in the room; each further one waits this much longer, ms. */
const BEHIND_NODE_MS = 150;

export class LiveRoom {
  readonly id: RoomId;
  readonly members: RoomMembers;
  readonly chat: RoomChat;
  readonly reactions: RoomReactions;
  readonly readiness: RoomReadiness;
  readonly #deps: LiveRoomDeps;
  readonly #runner: RoomRunner;
  readonly #broadcast: RoomBroadcast;
  readonly #due: RoomDue;
  readonly #timers: Timers;
  #isStopped = false;
  #cancelRepair: (() => void) | undefined;

  private constructor(
    loaded: LoadedRoom,
    newestChat: ChatRange,
    elsewhere: PresentPeople | undefined,
    deps: LiveRoomDeps,
  ) {
    const { ports, options, metrics } = deps;
    this.id = loaded.state.public.id;
    this.#deps = deps;
    // The log may answer after the stop: what it says must set no timer any more.
    this.#timers = {
      after: (delayMs, callback) =>
        this.#isStopped ? () => undefined : ports.timers.after(delayMs, callback),
      every: (periodMs, callback) => ports.timers.every(periodMs, callback),
      atEndOfTick: (callback) => ports.timers.atEndOfTick(callback),
    };
    this.#runner = new RoomRunner(this.id, loaded, {
      roomLog: ports.roomLog,
      timers: this.#timers,
      log: ports.log,
      metrics,
      now: () => ports.clock.now(),
      maxBatch: options.maxBatch,
      maxWaitingCommands: options.maxWaitingCommands,
      mayLose: ports.nodes !== undefined,
      context: (by) => this.#context(by),
      takeArrivals: () => this.members.takeArrivals(),
      arrivalsDone: (command, outcome) => this.#ownDone(command, outcome),
      failed: () => this.#repairLater(),
      committed: (steps, spans) => this.#committed(steps, spans),
      replaced: () => this.#replaced(),
    });
    const neighbours: RoomNeighbours | undefined =
      ports.nodes === undefined || elsewhere === undefined
        ? undefined
        : {
            nodeId: ports.nodes.bus.nodeId,
            presence: ports.nodes.presence,
            initial: elsewhere,
          };
    const membersDeps: RoomMembersDeps = {
      clock: ports.clock,
      timers: this.#timers,
      presenceGraceMs: options.presenceGraceMs,
      presenceBatchMs: options.presenceBatchMs,
      presencePushMs: options.presencePushMs,
      maxNamedMembers: options.maxNamedMembers,
      roleOf: (userId) => roleOf(this.state, userId),
      isHere: (userId) => this.state.members[userId]?.here === true,
      submit: (command) => this.#submitOwn(command),
      push: (push) => this.#broadcast.push({ type: 'room.presence', roomId: this.id, ...push }),
      replaced: (membership) => {
        deps.listener?.left(this, membership.userId, 'replaced');
        this.#broadcast.left(membership, 'replaced');
      },
      changedElsewhere: () => this.#changedElsewhere(),
      failed: (error) => {
        ports.log.warn({ roomId: this.id, err: error }, 'the presence could not be shared');
      },
    };
    this.members = new RoomMembers(this.id, membersDeps, neighbours);
    this.readiness = new RoomReadiness(this.id, {
      bus: ports.nodes?.bus,
      timers: this.#timers,
      members: this.members,
      syncPushMs: options.syncPushMs,
      push: (summary) => this.#broadcast.push({ type: 'room.sync', roomId: this.id, ...summary }),
      readyElsewhere: () => this.#openGateIfReady(),
    });
    this.reactions = new RoomReactions(this.#timers, options.reactionWindowMs, (counts, from) => {
      this.#broadcast.push({ type: 'room.reactions', roomId: this.id, counts, from });
      if (this.members.countElsewhere > 0)
        ports.nodes?.bus.publish(this.id, { type: 'reactions', counts, from });
    });
    this.chat = new RoomChat(this.id, newestChat, {
      chatLog: ports.chatLog,
      clock: ports.clock,
      keptItems: options.chatInMemory,
      push: (items) => this.#broadcast.chatItems(items),
      replaced: () => this.#broadcast.anew(),
      failed: () => this.#repairLater(),
    });
    this.#broadcast = new RoomBroadcast({
      roomId: this.id,
      clock: ports.clock,
      metrics,
      outbox: deps.outbox,
      timers: this.#timers,
      gatherMs: options.gatherMs,
      chatOnJoin: options.chatOnJoin,
      members: this.members,
      chat: this.chat,
      room: () => this.#runner,
    });
    this.#due = new RoomDue({
      clock: ports.clock,
      timers: this.#timers,
      limits: options.domain,
      state: () => this.state,
      // Until somebody is back after a restart nobody has heard what would be planned, and a plan would hide where they were (RM13).
      isWaiting: () => this.members.isAwaitingReturn,
      waitBehindMs: () => this.#placeAmongNodes() * BEHIND_NODE_MS,
      submit: (command) => this.#submitOwn(command),
    });
    this.#due.arm();
    if (neighbours !== undefined) this.members.reconcile(this.#hereIds());
  }

  /** Brings a room into memory with the newest of its chat. */
  static async open(loaded: LoadedRoom, deps: LiveRoomDeps): Promise<LiveRoom> {
    const { chatLog, nodes } = deps.ports;
    const roomId = loaded.state.public.id;
    const [newest, elsewhere] = await Promise.all([
      chatLog.before(roomId, Number.MAX_SAFE_INTEGER, deps.options.chatInMemory),
      nodes?.presence.read(roomId),
    ]);
    return new LiveRoom(loaded, newest, elsewhere, deps);
  }

  get state(): RoomState {
    return this.#runner.state;
  }

  get head(): Head {
    return this.#runner.head;
  }

  /** Nobody is here, nobody is expected, nothing is under way: it may be dropped from memory. */
  get isDeserted(): boolean {
    return this.members.isDeserted && this.#runner.isIdle && !this.#isKnockedAtHere();
  }

  submit(command: Command, options?: CommandOptions): Promise<CommandOutcome> {
    return this.#runner.submit(command, options);
  }

  /** @returns false where somebody has seen more than this node can learn at the moment */
  async reach(seen: NonNullable<RequestOf<'room.join'>['since']>): Promise<boolean> {
    return (await this.#runner.reach(seen)) && this.chat.reach(seen.chat ?? 0);
  }

  /** Another node has appended. */
  hear(told: ToldAppend): void {
    this.#runner.hear(told);
  }

  /** Another node tells of something fleeting. */
  hearBus(node: NodeId, message: BusMessage): void {
    if (message.type === 'members') this.readiness.hear(node, message);
    else {
      const { counts, from } = message;
      this.#broadcast.push({ type: 'room.reactions', roomId: this.id, counts, from: [...from] });
    }
  }

  hearPresence(change: PresenceChange): void {
    this.members.elsewhere?.hear(change);
  }

  /**
   * Compares what is held with what the stores have: messages that were lost show here.
   * @param head undefined where it says nothing about what is held now
   */
  compare(head: Head | undefined, newestChat: ChatItem | undefined, presenceVersion: number): void {
    if (head !== undefined) this.#runner.compare(head);
    this.#runner.trim(this.#deps.ports.clock.now());
    this.chat.compare(newestChat).catch((error: unknown) => this.#chatFailed(error));
    this.members.elsewhere?.compare(presenceVersion);
    this.members.reconcile(this.#hereIds());
  }

  /**
   * Makes the connection a member and answers with all that it needs: from here on it gets every revision after those in the reply.
   * @returns the members of the `ok` as JSON text
   */
  join(
    connection: Connection,
    user: User,
    since: RequestOf<'room.join'>['since'],
    way: WayIn = {},
  ): string {
    this.#broadcast.flush();
    const again = connection.membershipIn(this.id);
    if (again !== undefined)
      connection.memberships.splice(connection.memberships.indexOf(again), 1);
    const membership: Membership = {
      roomId: this.id,
      userId: user.id,
      name: user.name,
      connection,
      generation: this.members.nextGeneration(),
      owesSnapshot: false,
      report: undefined,
      ready: [],
    };
    connection.memberships.push(membership);
    const wasAwaiting = this.members.isAwaitingReturn;
    const earlier = this.members.add(membership, way);
    if (wasAwaiting) this.#due.arm();
    if (earlier !== undefined && earlier.connection !== connection)
      this.#broadcast.left(earlier, 'replaced');
    return this.#broadcast.joinedJson(user.id, since);
  }

  /** Ends a membership. Its place in the connection is the caller's to clear. */
  leave(membership: Membership, reason: 'left' | 'lost'): void {
    if (this.members.remove(membership, reason))
      this.#deps.listener?.left(this, membership.userId, reason);
    this.readiness.forgetLead();
    // The one for whom the others waited may have been this one.
    this.#openGateIfReady();
  }

  /** A member tells how well in step they are. */
  report(membership: Membership, report: RequestOf<'sync.report'>): void {
    if (report.state === 'following') this.#deps.metrics.syncReported(report.errorMs);
    this.readiness.report(membership, report);
    this.#deps.listener?.reported(this, membership.userId, report.state);
  }

  /** Whether this person is connected to the room, on any node. */
  isPresent(userId: UserId): boolean {
    return this.members.isPresent(userId);
  }

  setReady(membership: Membership, entryId: EntryId): void {
    this.readiness.setReady(membership, entryId);
    if (this.state.public.playback.gate?.entryId === entryId) this.#openGateIfReady();
  }

  /** A connection that was behind has caught up: the whole room, instead of what it missed. */
  sendOwedSnapshot(membership: Membership): void {
    this.#broadcast.owedSnapshot(membership);
  }

  /**
   * The log says that people are here, and no socket of theirs is: the service has just started. They have the grace to come back.
   * @param heardUntil hub time at which the room was last known to be heard
   */
  awaitReturn(heardUntil: number): void {
    this.members.expect(this.#hereIds(), heardUntil);
    this.#due.arm();
  }

  /** The hub stops: timers end, nothing more is sent. */
  stop(): void {
    this.#isStopped = true;
    this.#due.stop();
    this.#cancelRepair?.();
    this.members.stop();
    this.readiness.stop();
    this.reactions.stop();
  }

  #context(by: UserId | undefined): DecideContext {
    const { ports, options } = this.#deps;
    return {
      at: ports.clock.now(),
      presentCount: this.members.count,
      isPresent: (userId) => this.members.isPresent(userId),
      readyCount: (entryId) => this.readiness.readyCount(entryId),
      leadMs: this.readiness.leadMs(options, this.state.public.settings.gateMs),
      limits: options.domain,
      newEventId: () => ports.random.eventId(),
      newEntryId: () => ports.random.entryId(),
      newSessionId: () => ports.random.sessionId(),
      random: () => ports.random.next(),
      // Last, as it is made for each command: members that are added after a spread cost Node a hundred times as much.
      ...(by === undefined ? {} : { by }),
    };
  }

  #openGateIfReady(): void {
    const { gate } = this.state.public.playback;
    if (gate === undefined || this.members.count === 0) return;
    if (this.readiness.readyCount(gate.entryId) >= Math.min(gate.needed, this.members.count)) {
      this.#submitOwn({ type: 'OpenGate', entryId: gate.entryId });
    }
  }

  #changedElsewhere(): void {
    this.readiness.setNodes(new Set(this.members.elsewhere?.nodes()));
    this.#openGateIfReady();
    // The one for whom the others waited may have been among them, and what is due may be ours to do now.
    this.#due.arm();
  }

  /** 0 for the node that does what is due first. Of nodes with nobody in the room none does, as long as another has. */
  #placeAmongNodes(): number {
    const others = [...(this.members.elsewhere?.nodes() ?? [])];
    const own = this.#deps.ports.nodes?.bus.nodeId;
    if (own === undefined || others.length === 0) return 0;
    const weight = rendezvousWeight(own, this.id);
    const before = others.filter((node) => rendezvousWeight(node, this.id) > weight).length;
    return this.members.countHere === 0 ? others.length : before;
  }

  /** Somebody connected here waits at the door: the answer must find this room in memory. */
  #isKnockedAtHere(): boolean {
    return (Object.keys(this.state.knocks) as UserId[]).some(
      (userId) => [...this.#deps.connectionsOf(userId)].length > 0,
    );
  }

  #committed(steps: readonly Step[], spans: readonly Span[]): void {
    this.#broadcast.revisions(steps, spans);
    this.#deps.listener?.changed(this);
    for (const { event } of steps) this.#act(event);
    const before = steps[0]?.before;
    if (before?.public.roles !== this.state.public.roles) this.members.presence.refreshRoles();
    if (before?.knocks !== this.state.knocks) this.#broadcast.whoWaits();
    // After those who were sent away have gone: who is still connected has come back.
    for (const { event } of steps) {
      if (event.type === 'MembersDeparted')
        this.members.departed(event.members.map(({ userId }) => userId));
    }
    this.#due.arm();
  }

  /** What an event means for sockets, beside the revision itself. */
  #act(event: RoomEvent): void {
    // The other events are for the members' eyes alone.
    // eslint-disable-next-line @typescript-eslint/switch-exhaustiveness-check -- most events ask nothing of a socket
    switch (event.type) {
      case 'MemberKicked':
        this.#expel(event.userId, 'kicked');
        break;
      case 'MemberBanned':
        this.#expel(event.userId, 'banned');
        break;
      case 'RoomClosed':
        for (const membership of [...this.members.all()]) this.#expel(membership.userId, 'closed');
        break;
      case 'KnockAnswered': {
        this.#broadcast.admitted(this.#deps.connectionsOf(event.userId), event.accept);
        break;
      }
    }
  }

  #expel(userId: UserId, reason: 'kicked' | 'banned' | 'closed'): void {
    const membership = this.members.of(userId);
    if (membership === undefined) return;
    this.members.remove(membership, reason === 'closed' ? 'left' : reason);
    this.#deps.listener?.left(this, userId, 'left');
    this.#broadcast.left(membership, reason);
  }

  /** The log has another epoch, and the chat other items: what is held is read anew. Rejects with `StoreUnavailable`. */
  async readAnew(): Promise<void> {
    await this.chat.refresh();
    this.#runner.catchUp();
  }

  #replaced(): void {
    this.chat.refresh().catch((error: unknown) => this.#chatFailed(error));
    this.#repairLater();
    this.#deps.listener?.changed(this);
    this.#broadcast.anew();
    this.members.presence.refreshRoles();
    this.#due.arm();
  }

  /** A command of the hub's own: nobody waits for its answer, so a failure is mended here. */
  #submitOwn(command: SystemCommand): void {
    void this.#runner.submit(command).then((outcome) => this.#ownDone(command, outcome));
  }

  #ownDone(command: Command, outcome: CommandOutcome): void {
    if (outcome.kind === 'refused' && ERROR_CODES[outcome.refusal.code].retryable) {
      if (command.type === 'Arrive') this.members.keepArrivals(command.members);
      this.#repairLater();
    } else if (command.type === 'Arrive') {
      const admitted = admittedBy(outcome);
      for (const { userId } of command.members) {
        // Who has gone again meanwhile, and perhaps come back, waits for what is decided of that.
        if (!admitted.has(userId) && !this.members.isArriving(userId))
          this.#turnAwayUnlessHere(userId);
      }
    } else if (outcome.kind === 'done' && outcome.events.length === 0) {
      // A timer fired a moment before hub time got there: nothing else would bring what is due.
      if (!this.#due.isArmed) this.#due.arm(REPAIR_MS);
    }
  }

  /** The log did not let them in: a ban came first, or others used up the invite. */
  #turnAwayUnlessHere(userId: UserId): void {
    if (this.state.members[userId]?.here === true) return;
    const isClosed = this.state.public.closed !== undefined;
    const isOut = isBanned(this.state, userId, this.#deps.ports.clock.now());
    this.#expel(userId, isClosed ? 'closed' : isOut ? 'banned' : 'kicked');
  }

  /** A log was away: what it did unheard is read, and what the hub had to tell it and is still true is told again. */
  #repairLater(): void {
    this.#cancelRepair ??= this.#timers.after(REPAIR_MS, () => {
      this.#cancelRepair = undefined;
      this.#deps.metrics.roomsRepaired += 1;
      this.#runner.catchUp();
      this.chat.catchUp().catch((error: unknown) => this.#chatFailed(error));
      this.members.reconcile(this.#hereIds());
      this.#due.arm();
    });
  }

  #chatFailed(error: unknown): void {
    this.#deps.ports.log.warn({ roomId: this.id, err: error }, 'the chat could not be read on');
    this.#repairLater();
  }

  /** Who is in the room by the log. */
  #hereIds(): UserId[] {
    const { members } = this.state;
    return (Object.keys(members) as UserId[]).filter((id) => members[id]?.here === true);
  }
}

/** Whom the log let in. */
function admittedBy(outcome: CommandOutcome): ReadonlySet<UserId> {
  const events = outcome.kind === 'done' ? outcome.events : [];
  return new Set(
    events.flatMap((event) =>
      event.type === 'MembersArrived' ? event.members.map(({ userId }) => userId) : [],
    ),
  );
}
