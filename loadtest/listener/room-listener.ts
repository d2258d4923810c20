// Owns one virtual listener of a room: comes, joins, keeps account of all it is sent, acts when told, and knows what it would hear.
import type { RoomId } from '../../protocol/ids.ts';
import type { Joined } from '../../protocol/schemas/pushes.ts';
import type { RequestBody, RequestType } from '../../protocol/schemas/requests.ts';
import type { RoomBook } from '../ledger/room-book.ts';
import { RoomTrace, type TraceOwner } from '../ledger/room-trace.ts';
import { machineNow } from '../machine-clock.ts';
import type { Seat } from '../placement.ts';
import type { Ground } from './ground.ts';
import { ListenerClock } from './listener-clock.ts';
import type { Answer } from './requests.ts';
import { pushOf } from './push-of.ts';
import { Session, unreadable, type SessionOwner } from './session.ts';
import { VirtualPlayer, type Sounding } from './virtual-player.ts';

const ROOM_PUSH = Buffer.from('{"type":"room.');

export class RoomListener implements SessionOwner, TraceOwner {
  readonly seat: Seat;
  readonly book: RoomBook;
  readonly clock: ListenerClock | undefined;
  readonly #ground: Ground;
  readonly #session: Session;
  readonly #trace: RoomTrace;
  readonly #player: VirtualPlayer | undefined;
  #isJoined = false;
  #isJoining = false;
  #hasLeft = false;
  #isLeaving = false;
  #cameMs = 0;
  #onJoined: (() => void) | undefined;

  constructor(ground: Ground, seat: Seat, book: RoomBook, hasClock: boolean) {
    this.seat = seat;
    this.book = book;
    this.#ground = ground;
    const { agenda, random, latencies, faults, tally } = ground;
    const onProbe = (rttMs: number): void => latencies.record('probe', rttMs);
    this.clock = hasClock ? new ListenerClock({ agenda, random, onProbe }) : undefined;
    this.#player = hasClock ? new VirtualPlayer() : undefined;
    this.#session = new Session(ground, this);
    this.#trace = new RoomTrace(this, { book, faults, tally });
  }

  get person(): number {
    return this.seat.person;
  }

  get label(): string {
    return `listener ${this.seat.person}`;
  }

  get roomId(): RoomId {
    return this.book.roomId;
  }

  /** In the room, as far as it knows. */
  get isJoined(): boolean {
    return this.#isJoined;
  }

  get isConnected(): boolean {
    return this.#session.isReady;
  }

  /** Calls once it is in the room for the first time. */
  whenJoined(call: () => void): void {
    this.#onJoined = call;
  }

  get trace(): RoomTrace {
    return this.#trace;
  }

  /** What would be heard now; undefined while silent. To be called a few times a second. */
  hear(nowMs: number): Sounding | undefined {
    const version = this.#trace.version;
    if (this.clock === undefined || version === undefined) return undefined;
    return this.#player?.step(nowMs, version.room.playback, this.clock.corridor);
  }

  /** Hub time now, as far as it knows; 0 where it knows nothing. */
  hubTime(): number {
    return this.clock?.corridor.hubTimeAt(machineNow()) ?? this.#session.roughHubTime(machineNow());
  }

  /** Comes, also back after `go`, whether or not the hub has answered that. */
  come(intendedMs: number): void {
    this.#hasLeft = false;
    this.#cameMs = intendedMs;
    this.#session.come(intendedMs);
  }

  /** Leaves the room and the hub. */
  go(): void {
    if (!this.#session.isThere) return;
    this.#hasLeft = true;
    this.#isJoined = false;
    this.#ground.counts.left += 1;
    if (this.#isLeaving) return;
    this.#isLeaving = true;
    this.#trace.leaving();
    const { roomId } = this;
    const isSent = this.#session.request('room.leave', { roomId }, ({ kind }) => {
      this.#isLeaving = false;
      if (this.#hasLeft) this.#session.go();
      else if (kind !== 'broken') this.#comeBack();
    });
    if (isSent) return;
    this.#isLeaving = false;
    this.#session.go();
  }

  cut(intendedMs: number): void {
    this.#session.cut(intendedMs);
  }

  /** The socket is closed, and the place in the room left to its grace. */
  close(): void {
    this.#session.go();
  }

  get unanswered(): number {
    return this.#session.unanswered;
  }

  /** @returns whether it could be sent */
  request<T extends RequestType>(
    type: T,
    body: RequestBody<T>,
    done: (answer: Answer, nowMs: number) => void,
  ): boolean {
    return this.#session.request(type, body, done);
  }

  // What the session tells.

  ready(intendedMs: number, isBack: boolean): void {
    this.#join(intendedMs, isBack);
  }

  push(payload: Buffer, nowMs: number): void {
    if (isRoomPush(payload)) {
      this.#trace.receive(this.book.read(payload), nowMs);
      return;
    }
    const { faults } = this.#ground;
    const push = pushOf(payload);
    if (push === undefined) faults.add(unreadable(payload, this.person));
    else if (push.type === 'hub.draining') this.#session.drain(push.reconnectWithinMs);
    else if (push.type === 'feed.items' || push.type === 'feed.snapshot') {
      const detail = `${push.type} to ${this.label}, who looks at no feed`;
      faults.add({ kind: 'leaked', stream: 'feed', count: 1, detail });
    }
  }

  lost(): void {
    this.#isJoined = false;
    this.#isJoining = false;
    this.#trace.disconnected();
  }

  // What the account of the room asks for.

  repair(): void {
    this.#join(machineNow(), undefined);
  }

  after(ms: number, call: (nowMs: number) => void): void {
    this.#ground.agenda.after(ms, call);
  }

  left(reason: string): void {
    this.#isJoined = false;
    if (!this.#hasLeft) this.#ground.counts.addEnd(`room.left ${reason}`);
  }

  /** Was about to leave, and has been let out of the room: joins anew, over the same connection. */
  #comeBack(): void {
    this.#isJoined = false;
    this.#join(this.#cameMs, false);
  }

  /** @param isBack undefined where only something was missing */
  #join(intendedMs: number, isBack: boolean | undefined): void {
    if (this.#isJoining || this.#hasLeft) return;
    this.#isJoining = true;
    const since = this.#trace.since;
    const body = { roomId: this.roomId, ...(since === undefined ? {} : { since }) };
    const isSent = this.#session.request('room.join', body, (answer, nowMs) => {
      this.#isJoining = false;
      if (answer.kind === 'ok') {
        this.#isJoined = true;
        const { latencies, counts } = this.#ground;
        counts.joined += 1;
        if (isBack === false) latencies.record('join', nowMs - intendedMs);
        if (isBack === true) latencies.record('resume', nowMs - intendedMs);
        this.#trace.joined(answer.body as unknown as Joined, since !== undefined, nowMs);
        this.#onJoined?.();
        this.#onJoined = undefined;
      } else if (answer.kind === 'refused') {
        this.#ground.counts.addRefusal(`room.join ${answer.code}`);
        const inMs = Math.max(500, answer.retryAfterMs);
        this.after(inMs, () => {
          if (!this.#isJoined) this.#join(intendedMs, isBack);
        });
      }
    });
    // The next connection begins with a join of its own.
    if (!isSent) this.#isJoining = false;
  }
}

/** The hub writes the type first, which tells at a glance. From its end on, where the bytes of pushes differ. */
function isRoomPush(payload: Buffer): boolean {
  for (let at = ROOM_PUSH.length - 1; at >= 0; at -= 1) {
    if (payload[at] !== ROOM_PUSH[at]) return false;
  }
  return true;
}
