// What leaves a room for the sockets of its members: revisions, snapshots, pushes; together, where there is much of it. Decides nothing.
import type { RoomId, UserId } from '../../../protocol/ids.ts';
import type { ChatItem, Push } from '../../../protocol/schemas/pushes.ts';
import type { RequestOf } from '../../../protocol/schemas/requests.ts';
import { may } from '../../domain/access.ts';
import type { RoomState } from '../../domain/room-state.ts';
import type { HubClock } from '../../ports/hub-clock.ts';
import type { Head } from '../../ports/room-log.ts';
import type { Frame } from '../../ports/sockets.ts';
import type { Timers } from '../../ports/timers.ts';
import type { Span } from '../../ports/tracer.ts';
import type { Connection, Membership } from '../connection.ts';
import { frameOf, jsonFrame } from '../frame.ts';
import type { HubMetrics } from '../hub-metrics.ts';
import type { Outbox } from '../outbox.ts';
import type { RoomChat } from './room-chat.ts';
import type { RoomMembers } from './room-members.ts';
import type { Step } from './decide-batch.ts';
import { RoomPace } from './room-pace.ts';
import { RoomStream } from './room-stream.ts';
import { waitingAt, youOf } from './you.ts';

export interface RoomBroadcastDeps {
  readonly roomId: RoomId;
  readonly clock: HubClock;
  readonly metrics: HubMetrics;
  readonly outbox: Outbox;
  readonly timers: Timers;
  /** The longest that news of a busy room waits for more, ms. */
  readonly gatherMs: number;
  /** Chat items a join brings along. */
  readonly chatOnJoin: number;
  readonly members: RoomMembers;
  readonly chat: RoomChat;
  /** The room as it is now. */
  room(): { readonly head: Head; readonly state: RoomState };
}

export class RoomBroadcast {
  readonly #deps: RoomBroadcastDeps;
  readonly #stream: RoomStream;
  readonly #pace: RoomPace;
  /** Committed, and not yet told. */
  #steps: Step[] = [];
  #chatItems: ChatItem[] = [];
  /** Of what is committed, and not yet told. */
  #spans: Span[] = [];
  #cancelWait: (() => void) | undefined;

  constructor(deps: RoomBroadcastDeps) {
    this.#deps = deps;
    this.#pace = new RoomPace(deps.gatherMs);
    this.#stream = new RoomStream(deps.roomId, deps.metrics);
  }

  /**
   * What was committed, to everybody. Playback waits for nobody: it has to be everywhere before its lead has passed.
   * @param spans ended when it has been handed to their sockets
   */
  revisions(steps: readonly Step[], spans: readonly Span[]): void {
    this.#steps.push(...steps);
    if (spans.length > 0) this.#spans.push(...spans);
    const isOfPlayback = steps.some(
      ({ before, after }) => before.public.playback !== after.public.playback,
    );
    this.#gather(steps.length, isOfPlayback);
  }

  /** New items of the chat, in order. */
  chatItems(items: readonly ChatItem[]): void {
    this.#chatItems.push(...items);
    this.#gather(items.length, false);
  }

  /** A push to all members; one that is behind does without, and is owed a snapshot. */
  push(push: Push): void {
    this.#toAll(frameOf(push));
  }

  /** Whatever waits leaves now. Before somebody joins: they have all that was committed, and must get only what comes after. */
  flush(): void {
    this.#cancelFlush();
    const { roomId } = this.#deps;
    if (this.#steps.length > 0) {
      const steps = this.#steps;
      this.#steps = [];
      this.#toAll(this.#stream.publish(this.#deps.room().head.epoch, steps));
      this.#endSpans();
    }
    if (this.#chatItems.length > 0) {
      const items = this.#chatItems;
      this.#chatItems = [];
      this.push({ type: 'room.chat', roomId, items });
    }
  }

  /** Another history: everybody starts over from a snapshot, which stands for whatever was still to be told. */
  anew(): void {
    this.#steps = [];
    this.#chatItems = [];
    this.#cancelFlush();
    this.#stream.reset();
    for (const membership of this.#deps.members.all()) {
      if (membership.connection.isBehind) membership.owesSnapshot = true;
      else this.#snapshot(membership, 'epoch');
    }
    this.#endSpans();
  }

  /** A connection that was behind has caught up: the whole room, instead of what it missed. */
  owedSnapshot(membership: Membership): void {
    if (!membership.owesSnapshot) return;
    this.flush();
    membership.owesSnapshot = false;
    this.#deps.metrics.snapshotsForBehind += 1;
    this.#snapshot(membership, 'behind');
  }

  /** The members of the `ok` to a join as JSON text. */
  joinedJson(userId: UserId, since: RequestOf<'room.join'>['since']): string {
    const { metrics, chat, members, clock, chatOnJoin, roomId } = this.#deps;
    const { head, state } = this.#deps.room();
    const missing = since === undefined ? undefined : this.#stream.after(since, head);
    if (since !== undefined) {
      if (missing === undefined) metrics.resumesBySnapshot += 1;
      else metrics.resumes += 1;
    }
    const body =
      missing === undefined
        ? `"snapshot":{${this.#stream.snapshotJson(head, state)}}`
        : `"resumed":{"epoch":${head.epoch},"revision":${head.revision},"revisions":${missing}}`;
    const you = JSON.stringify(youOf(state, userId, clock.now()));
    // Numbers of another epoch may have been given to other items.
    const sinceChat = since?.epoch === head.epoch ? since.chat : undefined;
    const page = JSON.stringify(chat.missing(sinceChat, chatOnJoin));
    return `"roomId":"${roomId}",${body},"presence":${members.presence.json()},"you":${you},"chat":${page}`;
  }

  /** Whoever may answer the door sees who waits there, as it changes. */
  whoWaits(): void {
    const { roomId, clock, members, outbox } = this.#deps;
    const { state } = this.#deps.room();
    const waiting = [...waitingAt(state, clock.now())];
    const frame = frameOf({ type: 'room.knocked', roomId, waiting } satisfies Push);
    for (const { userId, connection } of members.all()) {
      if (may(state, userId, 'invite')) outbox.enqueue(connection, frame);
    }
  }

  /** The answer to a knock, to all connections of the one who knocked. */
  admitted(connections: Iterable<Connection>, accept: boolean): void {
    const { roomId, outbox } = this.#deps;
    const frame = frameOf({ type: 'room.admitted', roomId, accept } satisfies Push);
    for (const connection of connections) outbox.enqueue(connection, frame);
  }

  /** Tells a connection that it is no member any more, and unties it. */
  left(membership: Membership, reason: Extract<Push, { type: 'room.left' }>['reason']): void {
    this.flush();
    const { connection } = membership;
    const index = connection.memberships.indexOf(membership);
    if (index >= 0) connection.memberships.splice(index, 1);
    const { roomId, outbox } = this.#deps;
    outbox.enqueue(connection, frameOf({ type: 'room.left', roomId, reason } satisfies Push));
  }

  /** @param isUrgent whether what came must leave now, and all that waits with it */
  #gather(events: number, isUrgent: boolean): void {
    const { clock, timers } = this.#deps;
    const waitMs = this.#pace.came(events, clock.now());
    if (isUrgent || waitMs === 0) this.flush();
    else this.#cancelWait ??= timers.after(waitMs, () => this.flush());
  }

  #endSpans(): void {
    if (this.#spans.length === 0) return;
    const spans = this.#spans;
    this.#spans = [];
    const { outbox, members } = this.#deps;
    const sockets = members.countHere;
    outbox.whenSent(() => {
      for (const span of spans) span.end({ 'earshot.fan_out.sockets': sockets });
    });
  }

  #cancelFlush(): void {
    this.#cancelWait?.();
    this.#cancelWait = undefined;
  }

  #snapshot(membership: Membership, reason: 'behind' | 'epoch'): void {
    const { outbox, chat, members, clock } = this.#deps;
    const { head, state } = this.#deps.room();
    const body = this.#stream.snapshotJson(head, state);
    const you = JSON.stringify(youOf(state, membership.userId, clock.now()));
    outbox.enqueue(
      membership.connection,
      jsonFrame(
        `{"type":"room.snapshot",${body},"presence":${members.presence.json()},"you":${you},"chatSeq":${chat.lastSeq},"reason":"${reason}"}`,
      ),
    );
  }

  #toAll(frame: Frame): void {
    const { outbox, members, metrics } = this.#deps;
    for (const membership of members.all()) {
      // A snapshot that is owed has this in it.
      if (membership.owesSnapshot) metrics.framesWithheld += 1;
      else if (!outbox.enqueueStream(membership.connection, frame)) membership.owesSnapshot = true;
    }
  }
}
