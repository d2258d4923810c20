// Owns what the people of one room do: at a rate that no answer slows (open), or one after the other with a pause to think (closed).
// Knows the room by what its listeners hold.
import type { TrackId } from '../../protocol/ids.ts';
import { headEntryId, isPlaying } from '../../protocol/timeline-head.ts';
import type { RequestBody, RequestType } from '../../protocol/schemas/requests.ts';
import { anchorAt, hasTrack } from '../../protocol/schemas/playback.ts';
import { playOrder, type PublicRoom } from '../../protocol/schemas/room.ts';
import { chatMark } from '../ledger/room-trace.ts';
import type { ActMark } from '../ledger/arrivals.ts';
import { keyOf } from '../ledger/room-book.ts';
import { recordAct } from '../latency-names.ts';
import { machineNow } from '../machine-clock.ts';
import { ACTS, type Act, type RoomsGroup } from '../scenario/scenario.ts';
import type { Ground } from './ground.ts';
import type { Answer } from './requests.ts';
import type { RoomListener } from './room-listener.ts';

export interface RoomActsOptions {
  readonly ground: Ground;
  readonly group: RoomsGroup;
  /** Of this thread, the one who made the room first where it is here. */
  readonly members: readonly RoomListener[];
  /** Of all members of the room, those who are in this thread. */
  readonly share: number;
  readonly tracks: readonly TrackId[];
  /** What came of an act: those who got it, here and in other threads, are measured against it. */
  readonly mark: (stream: 'revisions' | 'chat', key: string, mark: ActMark) => void;
}

/** What an act asks for; undefined where there is no occasion. */
interface Wanted<T extends RequestType = RequestType> {
  readonly type: T;
  readonly body: RequestBody<T>;
}

/** An act that is under way. */
interface Sent {
  readonly act: Act;
  readonly type: RequestType;
  readonly member: RoomListener;
  /** Of what the member had when it was sent. */
  readonly epoch: number;
  readonly intendedMs: number;
}

const MINUTE_MS = 60_000;
/** A pause is taken back after this long, as most are. */
const PAUSE_MS = 2_000;
const EMOJI = ['👍', '🔥', '😂', '❤️', '🎉'];
/** What only those do who may control the room or its queue. */
const OF_THE_HOST: readonly Act[] = ['play', 'pause', 'seek', 'skip', 'queue'];
const NOT_REFUSED = ['stale'];

export class RoomActs {
  readonly #options: RoomActsOptions;
  #isOn = false;
  #round = 0;
  #rate = 1;

  constructor(options: RoomActsOptions) {
    this.#options = options;
  }

  /** @param rate what multiplies the rates of the group, from now on */
  start(rate: number, nowMs: number): void {
    this.stop();
    this.#isOn = rate > 0;
    this.#rate = rate;
    if (!this.#isOn) return;
    const { group } = this.#options;
    for (const act of ACTS) {
      if (group.model === 'open') this.#scheduleOpen(act, nowMs);
    }
    if (group.model === 'closed') {
      for (const member of this.#options.members) this.#scheduleClosed(member, nowMs);
    }
  }

  stop(): void {
    this.#isOn = false;
    this.#round += 1;
  }

  /** Acts of one kind in this thread, a minute. */
  #perMinute(act: Act): number {
    const { group, share, members } = this.#options;
    const wanted = group.acts[act] * this.#rate;
    if (!this.#isOfHost(act)) return wanted * share;
    return members[0]?.seat.place === 0 ? wanted : 0;
  }

  #isOfHost(act: Act): boolean {
    return this.#options.group.preset !== 'friends' && OF_THE_HOST.includes(act);
  }

  #scheduleOpen(act: Act, afterMs: number): void {
    const perMinute = this.#perMinute(act);
    if (perMinute <= 0) return;
    const { agenda, random } = this.#options.ground;
    const round = this.#round;
    const intendedMs = afterMs + random.wait(MINUTE_MS / perMinute);
    agenda.at(intendedMs, () => {
      if (!this.#isOn || round !== this.#round) return;
      this.#scheduleOpen(act, intendedMs);
      this.#act(act, this.#whoMay(act), intendedMs, () => undefined);
    });
  }

  #scheduleClosed(member: RoomListener, afterMs: number): void {
    const { ground, group } = this.#options;
    const round = this.#round;
    const intendedMs = afterMs + ground.random.wait(group.thinkSeconds * 1_000);
    ground.agenda.at(intendedMs, () => {
      if (!this.#isOn || round !== this.#round) return;
      const act = this.#drawn(member);
      if (act === undefined || !member.isJoined) this.#scheduleClosed(member, machineNow());
      else this.#act(act, member, intendedMs, (nowMs) => this.#scheduleClosed(member, nowMs));
    });
  }

  /** An act that this member may do, by the rates. */
  #drawn(member: RoomListener): Act | undefined {
    const { group, ground } = this.#options;
    const open = ACTS.filter((act) => member.seat.place === 0 || !this.#isOfHost(act));
    let left = ground.random.next() * open.reduce((sum, act) => sum + group.acts[act], 0);
    return open.find((act) => (left -= group.acts[act]) < 0);
  }

  #whoMay(act: Act): RoomListener | undefined {
    const { members, ground } = this.#options;
    if (this.#isOfHost(act)) return members[0]?.isJoined === true ? members[0] : undefined;
    const first = ground.random.int(Math.max(1, members.length));
    for (let i = 0; i < members.length; i += 1) {
      const member = members[(first + i) % members.length];
      if (member?.isJoined === true) return member;
    }
    return undefined;
  }

  #act(
    act: Act,
    member: RoomListener | undefined,
    intendedMs: number,
    done: (nowMs: number) => void,
  ): void {
    const { counts } = this.#options.ground;
    const version = member?.trace.version;
    if (member === undefined || version === undefined) {
      counts.unsent += 1;
      done(machineNow());
      return;
    }
    const wanted = this.#wanted(act, member, version.room);
    if (wanted === undefined) {
      counts.idle += 1;
      done(machineNow());
      return;
    }
    const sent = { act, type: wanted.type, member, epoch: version.epoch, intendedMs };
    const isSent = member.request(wanted.type, wanted.body, (answer, nowMs) => {
      this.#onAnswer(sent, answer, nowMs);
      if (act === 'pause') this.#playAgain(member);
      done(nowMs);
    });
    if (isSent) return;
    counts.unsent += 1;
    done(machineNow());
  }

  #playAgain(member: RoomListener): void {
    const { agenda } = this.#options.ground;
    const intendedMs = machineNow() + PAUSE_MS;
    agenda.at(intendedMs, () => this.#act('play', member, intendedMs, () => undefined));
  }

  #onAnswer({ act, type, member, epoch, intendedMs }: Sent, answer: Answer, nowMs: number): void {
    const { ground, mark } = this.#options;
    if (answer.kind === 'broken') return;
    recordAct(ground.latencies, act, 'ack', nowMs - intendedMs);
    if (answer.kind === 'refused') {
      if (NOT_REFUSED.includes(answer.code)) ground.counts.stale += 1;
      else ground.counts.addRefusal(`${type} ${answer.code}`);
      return;
    }
    // Who has left meanwhile is not told what came of it, and may have been the last: that nobody has it would be no fault.
    if (!member.isJoined) return;
    const { epoch: newEpoch, revision, seq } = answer.body;
    if (typeof revision === 'number' && typeof newEpoch === 'number') {
      mark('revisions', keyOf(newEpoch, revision), { act, intendedMs });
    } else if (typeof seq === 'number') {
      mark('chat', keyOf(epoch, seq), { act, intendedMs });
    }
  }

  #wanted(act: Act, member: RoomListener, room: PublicRoom): Wanted | undefined {
    const { tracks, group, ground } = this.#options;
    const { random } = ground;
    const { roomId } = member;
    const hubMs = member.hubTime();
    const anchor = anchorAt(room.playback.timeline, hubMs);
    const entryId = headEntryId(room, hubMs);
    switch (act) {
      case 'play':
        return isPlaying(anchor) ? undefined : wanted('playback.play', { roomId });
      case 'pause':
        if (!isPlaying(anchor) || entryId === undefined) return undefined;
        return wanted('playback.pause', { roomId, entryId });
      case 'seek': {
        if (entryId === undefined || !hasTrack(anchor)) return undefined;
        const positionMs = Math.floor(random.next() * anchor.durationMs * 0.8);
        return wanted('playback.seek', { roomId, entryId, positionMs });
      }
      case 'skip':
        return entryId === undefined ? undefined : wanted('playback.skip', { roomId, entryId });
      case 'queue': {
        const trackId = random.pick(tracks);
        if (trackId === undefined) return undefined;
        return wanted('queue.add', { roomId, trackIds: [trackId] });
      }
      case 'vote': {
        const voted = random.pick(playOrder(room));
        if (voted === undefined || voted === entryId) return undefined;
        return wanted('vote.entry', { roomId, entryId: voted, value: 1 });
      }
      case 'chat': {
        const text = chatMark(roomId).padEnd(group.chatBytes, 'la ').trimEnd();
        return wanted('chat.send', { roomId, text });
      }
      case 'reaction': {
        const emoji = random.pick(EMOJI) ?? '👍';
        return wanted('reaction.send', { roomId, emoji });
      }
    }
  }
}

function wanted<T extends RequestType>(type: T, body: RequestBody<T>): Wanted<T> {
  return { type, body };
}
