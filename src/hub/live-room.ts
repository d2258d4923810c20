// A room held in memory by this node: its runner, members, chat and stream, tied together; what a commit means for the sockets.
import { ERROR_CODES } from '../../protocol/errors.ts';
import type { EntryId, InviteCode, RoomId, UserId } from '../../protocol/ids.ts';
import type { Push, User } from '../../protocol/schemas/pushes.ts';
import type { RequestOf } from '../../protocol/schemas/requests.ts';
import { isBanned, may, roleOf } from '../domain/access.ts';
import type { Command, DecideContext, SystemCommand } from '../domain/command.ts';
import type { RoomEvent } from '../domain/room-event.ts';
import type { RoomState } from '../domain/room-state.ts';
import type { ChatRange } from '../ports/chat-log.ts';
import type { Frame } from '../ports/sockets.ts';
import type { LoadedRoom } from '../ports/room-log.ts';
import type { Timers } from '../ports/timers.ts';
import { frameOf, jsonFrame } from './frame.ts';
import type { HubMetrics } from './hub-metrics.ts';
import type { HubOptions } from './hub-options.ts';
import type { HubPorts } from './hub-ports.ts';
import type { Connection, Membership } from './connection.ts';
import type { Outbox } from './outbox.ts';
import { RoomChat } from './room-chat.ts';
import { RoomDue } from './room-due.ts';
import { RoomMembers } from './room-members.ts';
import { RoomReactions } from './room-reactions.ts';
import { RoomRunner, type CommandOptions, type CommandOutcome, type Step } from './room-runner.ts';
import { RoomStream } from './room-stream.ts';
import { leadFor, syncSummary } from './room-sync.ts';
import { waitingAt, youOf } from './you.ts';

export interface LiveRoomDeps {
  readonly ports: HubPorts;
  readonly options: HubOptions;
  readonly metrics: HubMetrics;
  readonly outbox: Outbox;
  /** All connections of one person, in this room or not. */
  connectionsOf(userId: UserId): Iterable<Connection>;
}

const MAX_READY_ENTRIES = 4;
const REPAIR_MS = 1_000;

export class LiveRoom {
  readonly id: RoomId;
  readonly members: RoomMembers;
  readonly chat: RoomChat;
  readonly reactions: RoomReactions;
  readonly #deps: LiveRoomDeps;
  readonly #runner: RoomRunner;
  readonly #stream: RoomStream;
  readonly #due: RoomDue;
  readonly #timers: Timers;
  #isStopped = false;
  #cancelSync: (() => void) | undefined;
  #cancelRepair: (() => void) | undefined;

  private constructor(loaded: LoadedRoom, newestChat: ChatRange, deps: LiveRoomDeps) {
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
    this.#stream = new RoomStream(this.id, metrics);
    this.#runner = new RoomRunner(this.id, loaded, {
      roomLog: ports.roomLog,
      timers: this.#timers,
      log: ports.log,
      metrics,
      maxBatch: options.maxBatch,
      maxWaitingCommands: options.maxWaitingCommands,
      context: (by) => this.#context(by),
      takeArrivals: () => this.members.takeArrivals(),
      arrivalsDone: (command, outcome) => this.#ownDone(command, outcome),
      failed: () => this.#repairLater(),
      committed: (steps) => this.#committed(steps),
      replaced: () => this.#replaced(),
    });
    this.members = new RoomMembers({
      clock: ports.clock,
      timers: this.#timers,
      presenceGraceMs: options.presenceGraceMs,
      presenceBatchMs: options.presenceBatchMs,
      presencePushMs: options.presencePushMs,
      maxNamedMembers: options.maxNamedMembers,
      roleOf: (userId) => roleOf(this.state, userId),
      isHere: (userId) => this.state.members[userId]?.here === true,
      submit: (command) => this.#submitOwn(command),
      push: (push) => this.pushToAll({ type: 'room.presence', roomId: this.id, ...push }),
    });
    this.reactions = new RoomReactions(this.#timers, options.reactionWindowMs, (counts, from) =>
      this.pushToAll({ type: 'room.reactions', roomId: this.id, counts, from }),
    );
    this.chat = new RoomChat(this.id, newestChat, {
      chatLog: ports.chatLog,
      clock: ports.clock,
      keptItems: options.chatInMemory,
      push: (items) => this.pushToAll({ type: 'room.chat', roomId: this.id, items: [...items] }),
      failed: () => this.#repairLater(),
    });
    this.#due = new RoomDue({
      clock: ports.clock,
      timers: this.#timers,
      limits: options.domain,
      state: () => this.state,
      // Until somebody is back after a restart nobody has heard what would be planned, and a plan would hide where they were (RM13).
      isWaiting: () => this.members.isAwaitingReturn,
      submit: (command) => this.#submitOwn(command),
    });
    this.#due.arm();
  }

  /** Brings a room into memory with the newest of its chat. */
  static async open(loaded: LoadedRoom, deps: LiveRoomDeps): Promise<LiveRoom> {
    const { chatLog } = deps.ports;
    const newest = await chatLog.before(
      loaded.state.public.id,
      Number.MAX_SAFE_INTEGER,
      deps.options.chatInMemory,
    );
    return new LiveRoom(loaded, newest, deps);
  }

  get state(): RoomState {
    return this.#runner.state;
  }

  /** Nobody is here, nobody is expected, nothing is under way: it may be dropped from memory. */
  get isDeserted(): boolean {
    return this.members.isDeserted && this.#runner.isIdle;
  }

  submit(command: Command, options?: CommandOptions): Promise<CommandOutcome> {
    return this.#runner.submit(command, options);
  }

  catchUp(): void {
    this.#runner.catchUp();
  }

  /**
   * Makes the connection a member and answers with all that it needs: from here on it gets every revision after those in the reply.
   * @returns the members of the `ok` as JSON text
   */
  join(
    connection: Connection,
    user: User,
    since: RequestOf<'room.join'>['since'],
    invite: InviteCode | undefined,
  ): string {
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
    const earlier = this.members.add(membership, invite);
    if (wasAwaiting) this.#due.arm();
    if (earlier !== undefined && earlier.connection !== connection) this.#replace(earlier);
    return this.#joinedJson(user.id, since);
  }

  /** Ends a membership. Its place in the connection is the caller's to clear. */
  leave(membership: Membership, reason: 'left' | 'lost'): void {
    this.members.remove(membership, reason);
    // The one for whom the others waited may have been this one.
    this.#openGateIfReady();
  }

  setReady(membership: Membership, entryId: EntryId): void {
    if (!membership.ready.includes(entryId)) {
      membership.ready = [...membership.ready, entryId].slice(-MAX_READY_ENTRIES);
    }
    if (this.state.public.playback.gate?.entryId === entryId) this.#openGateIfReady();
  }

  report(membership: Membership, report: RequestOf<'sync.report'>): void {
    const { errorMs, rttMs, outputLatencyMs, state } = report;
    membership.report = { errorMs, rttMs, outputLatencyMs, state };
    this.#cancelSync ??= this.#timers.after(this.#deps.options.syncPushMs, () => {
      this.#cancelSync = undefined;
      const summary = syncSummary(this.members.all());
      if (summary !== undefined) this.pushToAll({ type: 'room.sync', roomId: this.id, ...summary });
    });
  }

  /** A push to all members; one that is behind does without, and is owed a snapshot. */
  pushToAll(push: Push): void {
    this.#toAll(frameOf(push));
  }

  /** A connection that was behind has caught up: the whole room, instead of what it missed. */
  sendOwedSnapshot(membership: Membership): void {
    if (!membership.owesSnapshot) return;
    membership.owesSnapshot = false;
    this.#deps.metrics.snapshotsForBehind += 1;
    this.#sendSnapshot(membership, 'behind');
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
    this.#cancelSync?.();
    this.#cancelRepair?.();
    this.members.stop();
    this.reactions.stop();
  }

  #context(by: UserId | undefined): DecideContext {
    const { ports, options } = this.#deps;
    return {
      ...(by === undefined ? {} : { by }),
      at: ports.clock.now(),
      presentCount: this.members.count,
      isPresent: (userId) => this.members.of(userId) !== undefined,
      readyCount: (entryId) => this.#readyCount(entryId),
      leadMs: leadFor(this.members.all(), options),
      limits: options.domain,
      newEventId: () => ports.random.eventId(),
      newEntryId: () => ports.random.entryId(),
      newSessionId: () => ports.random.sessionId(),
      random: () => ports.random.next(),
    };
  }

  #openGateIfReady(): void {
    const { gate } = this.state.public.playback;
    if (gate === undefined || this.members.count === 0) return;
    if (this.#readyCount(gate.entryId) >= Math.min(gate.needed, this.members.count)) {
      this.#submitOwn({ type: 'OpenGate', entryId: gate.entryId });
    }
  }

  #readyCount(entryId: EntryId): number {
    let count = 0;
    for (const { ready } of this.members.all()) if (ready.includes(entryId)) count += 1;
    return count;
  }

  #joinedJson(userId: UserId, since: RequestOf<'room.join'>['since']): string {
    const { metrics, options } = this.#deps;
    const { head, state } = this.#runner;
    const missing = since === undefined ? undefined : this.#stream.after(since, head);
    if (since !== undefined) {
      if (missing === undefined) metrics.resumesBySnapshot += 1;
      else metrics.resumes += 1;
    }
    const body =
      missing === undefined
        ? `"snapshot":{${this.#stream.snapshotJson(head, state)}}`
        : `"resumed":{"epoch":${head.epoch},"revision":${head.revision},"revisions":${missing}}`;
    const you = JSON.stringify(youOf(this.state, userId, this.#deps.ports.clock.now()));
    const chat = JSON.stringify(this.chat.missing(since?.chat, options.chatOnJoin));
    return `"roomId":"${this.id}",${body},"presence":${this.members.presence.json()},"you":${you},"chat":${chat}`;
  }

  #committed(steps: readonly Step[]): void {
    this.#toAll(this.#stream.publish(this.#runner.head.epoch, steps));
    for (const { event } of steps) this.#act(event);
    const before = steps[0]?.before;
    if (before?.public.roles !== this.state.public.roles) this.members.presence.refreshRoles();
    if (before?.knocks !== this.state.knocks) this.#tellWhoWaits();
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
        const frame = frameOf({
          type: 'room.admitted',
          roomId: this.id,
          accept: event.accept,
        } satisfies Push);
        for (const connection of this.#deps.connectionsOf(event.userId))
          this.#deps.outbox.enqueue(connection, frame);
        break;
      }
    }
  }

  /** Whoever may answer the door sees who waits there, as it changes. */
  #tellWhoWaits(): void {
    const waiting = [...waitingAt(this.state, this.#deps.ports.clock.now())];
    const frame = frameOf({ type: 'room.knocked', roomId: this.id, waiting } satisfies Push);
    for (const { userId, connection } of this.members.all()) {
      if (may(this.state, userId, 'invite')) this.#deps.outbox.enqueue(connection, frame);
    }
  }

  #expel(userId: UserId, reason: 'kicked' | 'banned' | 'closed'): void {
    const membership = this.members.of(userId);
    if (membership === undefined) return;
    this.members.remove(membership, reason === 'closed' ? 'left' : reason);
    this.#tellLeft(membership, reason);
  }

  #replace(earlier: Membership): void {
    this.#tellLeft(earlier, 'replaced');
  }

  #tellLeft(membership: Membership, reason: Extract<Push, { type: 'room.left' }>['reason']): void {
    const { connection } = membership;
    const index = connection.memberships.indexOf(membership);
    if (index >= 0) connection.memberships.splice(index, 1);
    this.#deps.outbox.enqueue(
      connection,
      frameOf({ type: 'room.left', roomId: this.id, reason } satisfies Push),
    );
  }

  #replaced(): void {
    this.#stream.reset();
    this.#repairLater();
    for (const membership of this.members.all()) {
      if (membership.connection.isBehind) membership.owesSnapshot = true;
      else this.#sendSnapshot(membership, 'epoch');
    }
    this.members.presence.refreshRoles();
    this.#due.arm();
  }

  #sendSnapshot(membership: Membership, reason: 'behind' | 'epoch'): void {
    const { outbox } = this.#deps;
    const body = this.#stream.snapshotJson(this.#runner.head, this.state);
    const you = JSON.stringify(youOf(this.state, membership.userId, this.#deps.ports.clock.now()));
    outbox.enqueue(
      membership.connection,
      jsonFrame(
        `{"type":"room.snapshot",${body},"presence":${this.members.presence.json()},"you":${you},"chatSeq":${this.chat.lastSeq},"reason":"${reason}"}`,
      ),
    );
  }

  #toAll(frame: Frame): void {
    const { outbox } = this.#deps;
    for (const membership of this.members.all()) {
      if (!outbox.enqueueStream(membership.connection, frame)) membership.owesSnapshot = true;
    }
  }

  /** A command of the hub's own: nobody waits for its answer, so a failure is mended here. */
  #submitOwn(command: SystemCommand): void {
    void this.#runner.submit(command).then((outcome) => this.#ownDone(command, outcome));
  }

  #ownDone(command: Command, outcome: CommandOutcome): void {
    if (outcome.kind === 'refused' && ERROR_CODES[outcome.refusal.code].retryable) {
      this.#repairLater();
    } else if (command.type === 'Arrive') {
      for (const { userId } of command.members) this.#turnAwayUnlessHere(userId);
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
      this.#runner.catchUp();
      this.chat.catchUp().catch((error: unknown) => {
        this.#deps.ports.log.warn({ roomId: this.id, err: error }, 'the chat could not be read on');
        this.#repairLater();
      });
      this.members.reconcile(this.#hereIds());
      this.#due.arm();
    });
  }

  /** Who is in the room by the log. */
  #hereIds(): UserId[] {
    const { members } = this.state;
    return (Object.keys(members) as UserId[]).filter((id) => members[id]?.here === true);
  }
}
