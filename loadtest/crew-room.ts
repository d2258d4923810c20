// Owns one room's listeners of one thread: who comes and goes when, what they do, and what is compared at the end.
import type { RoomId, TrackId } from '../protocol/ids.ts';
import { planComings } from './comings.ts';
import type { LastSeen, PhaseOrder, RoomFurthest, SpreadMark } from './crew-messages.ts';
import type { ActMark, ArrivalSink } from './ledger/arrivals.ts';
import { RoomBook } from './ledger/room-book.ts';
import type { Ground } from './listener/ground.ts';
import { RoomActs } from './listener/room-acts.ts';
import { RoomListener } from './listener/room-listener.ts';
import { recordAct } from './latency-names.ts';
import { machineNow } from './machine-clock.ts';
import { isSpread, type Seat } from './placement.ts';
import type { RoomsGroup } from './scenario/scenario.ts';

export interface CrewRoomOptions {
  readonly ground: Ground;
  readonly group: RoomsGroup;
  /** The group's number, and the room's in it. */
  readonly at: number;
  readonly room: number;
  readonly roomId: RoomId;
  /** Of this thread. */
  readonly seats: readonly Seat[];
  readonly threads: number;
  readonly mostLoad: number;
  readonly tracks: readonly TrackId[];
  /** Told where other threads have members of the room as well. */
  readonly spreadMark: (mark: SpreadMark) => void;
  readonly spreadLast: (seen: LastSeen) => void;
}

type Stream = 'revisions' | 'chat';

export class CrewRoom {
  readonly book: RoomBook;
  readonly members: readonly RoomListener[];
  readonly #options: CrewRoomOptions;
  readonly #acts: RoomActs;
  readonly #isSpread: boolean;
  /** Who is meant to be there, though perhaps away for a while. */
  readonly #taken = new Set<RoomListener>();
  readonly #away = new Set<RoomListener>();
  #isQuiet = false;
  #isArranged = false;

  constructor(options: CrewRoomOptions) {
    this.#options = options;
    const { ground, group, roomId, seats, tracks, threads, mostLoad } = options;
    this.#isSpread = isSpread(group, mostLoad) && threads > 1;
    this.book = new RoomBook(roomId, ground.faults, {
      revisions: this.#sinkOf('revisions'),
      chat: this.#sinkOf('chat'),
    });
    this.members = seats.map(
      (seat) => new RoomListener(ground, seat, this.book, hasClock(group, seat)),
    );
    this.#acts = new RoomActs({
      ...{ ground, group, members: this.members, tracks },
      share: this.#isSpread ? 1 / threads : 1,
      mark: (stream, key, mark) => this.#onMark(stream, key, mark),
    });
  }

  /** People who are meant to be in the room now. */
  get wanted(): number {
    return this.#taken.size - this.#away.size;
  }

  begin(order: PhaseOrder, startMs: number): void {
    const { group, ground } = this.#options;
    const { from, to } = order;
    const comings = {
      ...{ people: this.members, taken: this.#taken },
      come: (member: RoomListener, intendedMs: number) => this.#come(member, intendedMs),
      leave: (member: RoomListener) => this.#leave(member),
    };
    planComings(ground, comings, order, startMs);
    const isFirst = (this.members[0]?.seat.fromLoad ?? Infinity) <= Math.max(from, to);
    const rate = group.grows === 'acts' ? Math.max(1, to) : 1;
    this.#acts.start(isFirst ? rate : 0, startMs);
  }

  /** Other threads tell what came of an act. */
  mark(stream: Stream, key: string, mark: ActMark): void {
    this.book.acknowledged(stream, key);
    this.book[stream].mark(key, mark, machineNow());
  }

  settle(nowMs: number): void {
    this.book.revisions.settle(nowMs);
    this.book.chat.settle(nowMs);
  }

  quiet(): void {
    this.#isQuiet = true;
    this.#acts.stop();
  }

  furthest(): RoomFurthest | undefined {
    const { at: group, room } = this.#options;
    const { newest, lastChat } = this.book;
    if (newest === undefined) return undefined;
    const { epoch, revision } = newest;
    return { group, room, epoch, revision, hash: this.book.hashOf(newest), chat: lastChat };
  }

  /** @param far the furthest that anybody got, in any thread; undefined where nobody was ever let in */
  judge(far: RoomFurthest | undefined): void {
    this.book.judge(far);
    const { counts } = this.#options.ground;
    for (const member of this.#taken) {
      if (this.#away.has(member)) continue;
      if (!member.isJoined) counts.lost += 1;
      else if (far !== undefined) member.trace.settle(far);
    }
  }

  end(closeRooms: boolean): void {
    const host = this.members.find(({ seat }) => seat.place === 0);
    const { roomId } = this.#options;
    if (closeRooms) host?.request('room.close', { roomId }, () => undefined);
  }

  #come(member: RoomListener, intendedMs: number): void {
    if (this.#isQuiet) return;
    this.#taken.add(member);
    this.#away.delete(member);
    member.come(intendedMs);
    if (member.seat.place === 0 && !this.#isArranged) {
      this.#isArranged = true;
      member.whenJoined(() => this.#arrange(member));
    }
    const { group, ground } = this.#options;
    if (group.staySeconds === undefined || member.seat.place === 0) return;
    const leaveMs = intendedMs + ground.random.wait(group.staySeconds * 1_000);
    ground.agenda.at(leaveMs, () => this.#pauseStay(member, leaveMs), 'arrival');
  }

  #pauseStay(member: RoomListener, leftMs: number): void {
    if (this.#isQuiet || !this.#taken.has(member) || this.#away.has(member)) return;
    this.#away.add(member);
    member.go();
    const { group, ground } = this.#options;
    const backMs = leftMs + ground.random.wait(group.awaySeconds * 1_000);
    ground.agenda.at(
      backMs,
      () => {
        if (this.#taken.has(member)) this.#come(member, backMs);
      },
      'arrival',
    );
  }

  #leave(member: RoomListener): void {
    if (!this.#taken.delete(member)) return;
    if (!this.#away.delete(member)) member.go();
  }

  /** Music for the room, by who made it. */
  #arrange(host: RoomListener): void {
    const { group, tracks, roomId, ground } = this.#options;
    const trackIds = Array.from({ length: group.tracks }, (_, i) => tracks[i % tracks.length]);
    const known = trackIds.filter((id) => id !== undefined);
    if (known.length === 0) return;
    const onRefused =
      (what: string) => (answer: { readonly kind: string; readonly code?: string }) => {
        if (answer.kind === 'refused') ground.counts.addRefusal(`${what} ${answer.code ?? ''}`);
      };
    host.request('queue.add', { roomId, trackIds: known }, onRefused('queue.add'));
    host.request('playback.mode', { roomId, repeat: group.repeat }, onRefused('playback.mode'));
    if (group.playing) host.request('playback.play', { roomId }, onRefused('playback.play'));
  }

  #onMark(stream: Stream, key: string, mark: ActMark): void {
    this.mark(stream, key, mark);
    const { at: group, room, spreadMark } = this.#options;
    if (this.#isSpread) spreadMark({ group, room, stream, key, ...mark });
  }

  #sinkOf(stream: Stream): ArrivalSink {
    const { ground, at: group, room, spreadLast } = this.#options;
    const { latencies } = ground;
    return {
      each: (act, afterMs) => recordAct(latencies, act, 'each', afterMs),
      last: ({ act, intendedMs }, afterMs, key) => {
        if (this.#isSpread) spreadLast({ group, room, stream, key, act, afterMs });
        else recordAct(ground.latenciesAt(intendedMs), act, 'last', afterMs);
      },
    };
  }
}

/** Spread evenly over a room's places, the first one always among them. */
function hasClock({ clockShare }: RoomsGroup, { place }: Seat): boolean {
  return Math.floor((place + 1) * clockShare) > Math.floor(place * clockShare) || place === 0;
}
