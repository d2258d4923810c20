// Owns one thread's share of a run: its listeners, their rooms and what they do, and the figures of each interval. Told what to do by
// messages; knows neither the terminal nor the other threads.
import { Agenda } from './agenda.ts';
import { CrewFeed } from './crew-feed.ts';
import { CrewRoom } from './crew-room.ts';
import type { CrewOrder, CrewReport, CrewStart, PhaseOrder, SpreadMark } from './crew-messages.ts';
import { Latencies } from './latency.ts';
import { Faults } from './ledger/faults.ts';
import { noTally } from './ledger/room-trace.ts';
import { Counts } from './listener/counts.ts';
import type { FeedPerson } from './listener/feed-person.ts';
import type { Ground } from './listener/ground.ts';
import { HubSilence, type Stall } from './listener/hub-silence.ts';
import { compareRoom, provenOffset, type StepCounts } from './listener/in-step.ts';
import { OwnPauses, TURN_EVERY_MS } from './listener/own-pauses.ts';
import type { RoomListener } from './listener/room-listener.ts';
import { LoopWatch } from './loop-watch.ts';
import { machineNow } from './machine-clock.ts';
import { phaseAt } from './phases.ts';
import { personId, personOf, seatsOf, threadOf, type Seat } from './placement.ts';
import { Random, seedOf } from './random.ts';
import { createTokens } from './tokens.ts';

const INTERVAL_MS = 1_000;
/** How late the generator itself was. */
const LATE = { act: 'generator.late', arrival: 'generator.lateArrivals' } as const;
/** Players go on and are compared so often. */
const STEP_MS = 500;

export class Crew {
  readonly #start: CrewStart;
  readonly #report: (report: CrewReport) => void;
  readonly #latencies = new Latencies();
  readonly #faults = new Faults();
  readonly #tally = noTally();
  readonly #counts = new Counts();
  readonly #inStep: StepCounts = {
    ...{ samples: 0, elsewhere: 0, unready: 0, truthWidthMs: 0, contradictions: 0 },
  };
  readonly #stalls: Stall[] = [];
  readonly #loop = new LoopWatch();
  readonly #pauses = new OwnPauses(machineNow());
  readonly #agenda: Agenda;
  readonly #ground: Ground;
  readonly #seatsByRoom = new Map<string, Seat[]>();
  readonly #rooms = new Map<string, CrewRoom>();
  readonly #feeds: readonly CrewFeed[];
  /** By phase: what was meant in one that is over. */
  readonly #earlier = new Map<number, Latencies>();
  /** When each phase began, in the order of their numbers. */
  readonly #begunMs: number[] = [];
  #phase = 0;
  #intervalFromMs = machineNow();
  #marks: SpreadMark[] = [];

  constructor(start: CrewStart, report: (report: CrewReport) => void) {
    this.#start = start;
    this.#report = report;
    const { scenario, thread, threads, mostLoad, run, identity } = start;
    this.#agenda = new Agenda((lateMs, what) => this.#latencies.record(LATE[what], lateMs));
    const signed = identity.kind === 'secret' ? createTokens(identity.secret, run) : undefined;
    this.#ground = {
      ...{ targets: start.targets, sourceAddresses: start.sourceAddresses, agenda: this.#agenda },
      silences: start.targets.map(
        (_, target) => new HubSilence(target, this.#pauses, (stall) => this.#stalls.push(stall)),
      ),
      random: new Random(seedOf(scenario.seed, thread)),
      ...{ faults: this.#faults, tally: this.#tally, counts: this.#counts },
      latencies: this.#latencies,
      latenciesAt: (ms) => this.#latenciesAt(ms),
      tokenOf: (person) => signed?.(person) ?? Promise.resolve(guestToken(start, person)),
    };
    for (const seat of seatsOf(scenario, mostLoad)) {
      if (threadOf(scenario, seat, threads, mostLoad) !== thread) continue;
      const key = roomKey(seat.group, seat.room);
      const held = this.#seatsByRoom.get(key);
      if (held === undefined) this.#seatsByRoom.set(key, [seat]);
      else held.push(seat);
    }
    this.#feeds = this.#startFeeds();
    this.#every(INTERVAL_MS, () => this.#tell());
    this.#every(TURN_EVERY_MS, (nowMs) => this.#pauses.turned(nowMs));
    this.#every(STEP_MS, (nowMs) => this.#compare(nowMs));
  }

  obey(order: Exclude<CrewOrder, CrewStart>): void {
    switch (order.kind) {
      case 'rooms':
        this.#addRooms(order.rooms);
        break;
      case 'phase': {
        const startMs = machineNow() + order.inMs;
        this.#agenda.at(startMs, () => this.#begin(order, startMs), 'arrival');
        break;
      }
      case 'marks':
        for (const mark of order.marks) this.#mark(mark);
        break;
      case 'quiet':
        this.#quiet();
        break;
      case 'judge':
        this.#judge(order);
        break;
      case 'end':
        this.#end(order.closeRooms);
        break;
    }
  }

  #every(ms: number, call: (nowMs: number) => void): void {
    this.#agenda.after(ms, (nowMs) => {
      this.#every(ms, call);
      call(nowMs);
    });
  }

  #addRooms(plans: Extract<CrewOrder, { kind: 'rooms' }>['rooms']): void {
    const { scenario, threads, mostLoad, tracks } = this.#start;
    for (const { group: at, room, roomId } of plans) {
      const group = scenario.groups[at];
      const seats = this.#seatsByRoom.get(roomKey(at, room)) ?? [];
      if (group?.kind !== 'rooms' || seats.length === 0) continue;
      this.#rooms.set(
        roomKey(at, room),
        new CrewRoom({
          ...{ ground: this.#ground, group, at, room, roomId, seats, tracks, threads, mostLoad },
          spreadMark: (mark) => this.#marks.push(mark),
          spreadLast: (seen) => this.#report({ kind: 'last', seen: [seen] }),
        }),
      );
    }
  }

  #begin(order: PhaseOrder, startMs: number): void {
    this.#tell();
    this.#phase = order.phase;
    this.#begunMs.push(startMs);
    for (const each of [...this.#rooms.values(), ...this.#feeds]) each.begin(order, startMs);
  }

  #compare(nowMs: number): void {
    if (this.#marks.length > 0) this.#report({ kind: 'marks', marks: this.#marks });
    this.#marks = [];
    const { lowerMs, upperMs } = provenOffset(this.#listeners(), nowMs);
    if (lowerMs > upperMs) this.#inStep.contradictions += 1;
    // Nodes that disagree a little rule each other's proofs out by as much; the truth is between them.
    const widthMs = Math.abs(upperMs - lowerMs);
    const isKnown = Number.isFinite(widthMs);
    if (isKnown) this.#inStep.truthWidthMs = Math.max(this.#inStep.truthWidthMs, widthMs);
    for (const feed of this.#feeds) feed.settle(nowMs);
    for (const room of this.#rooms.values()) {
      room.settle(nowMs);
      const offsetMs = (lowerMs + upperMs) / 2;
      if (isKnown) compareRoom(room.book, room.members, offsetMs, this.#latencies, this.#inStep);
    }
  }

  *#listeners(): Iterable<RoomListener> {
    for (const room of this.#rooms.values()) yield* room.members;
  }

  *#everybody(): Iterable<RoomListener | FeedPerson> {
    yield* this.#listeners();
    for (const feed of this.#feeds) yield* feed.people;
  }

  #mark({ group, room, stream, key, act, intendedMs, shownOf }: SpreadMark): void {
    if (stream === 'feed') {
      const feed = this.#feeds.find(({ at }) => at === group);
      if (shownOf === undefined) feed?.mark(key, { act, intendedMs });
      else feed?.shown(shownOf, key);
    } else this.#roomOf(group, room)?.mark(stream, key, { act, intendedMs });
  }

  #startFeeds(): CrewFeed[] {
    const { scenario, mostLoad, threads, run, identity } = this.#start;
    const ids = identity.kind === 'guests' ? identity.people.map(({ id }) => id) : undefined;
    const places = ids === undefined ? undefined : new Map(ids.map((id, person) => [id, person]));
    return scenario.groups.flatMap((group, at) => {
      if (group.kind !== 'feed') return [];
      return new CrewFeed({
        ...{ ground: this.#ground, group, at, threads, seed: scenario.seed },
        seats: this.#seatsByRoom.get(roomKey(at, 0)) ?? [],
        people: Math.ceil(group.people * mostLoad),
        userIdOf: (person) => ids?.[person] ?? personId(run, person),
        personOf: (userId) => (places === undefined ? personOf(run, userId) : places.get(userId)),
        spreadMark: (mark) => this.#marks.push(mark),
        spreadLast: (seen) => this.#report({ kind: 'last', seen: [seen] }),
      });
    });
  }

  #tell(): void {
    const toMs = machineNow();
    let [wanted, connected, joined] = [0, 0, 0];
    for (const each of [...this.#rooms.values(), ...this.#feeds]) wanted += each.wanted;
    for (const each of this.#everybody()) {
      if (each.isConnected) connected += 1;
      if (each.isJoined) joined += 1;
    }
    this.#report({
      kind: 'interval',
      ...{ thread: this.#start.thread, phase: this.#phase, fromMs: this.#intervalFromMs, toMs },
      ...{ wanted, connected, joined },
      counts: this.#counts.report(),
      ...{ tally: { ...this.#tally }, inStep: { ...this.#inStep } },
      ...{ faults: this.#faults.list(), stalls: this.#stalls.splice(0) },
      latencies: this.#latencies.take(),
      earlier: [...this.#earlier].map(([phase, of]) => ({ phase, latencies: of.take() })),
      loop: this.#loop.take(),
      rssBytes: process.memoryUsage.rss(),
    });
    this.#intervalFromMs = toMs;
    this.#earlier.clear();
    this.#inStep.truthWidthMs = 0;
  }

  /** Those of the phase that ran at that moment. */
  #latenciesAt(ms: number): Latencies {
    const phase = phaseAt(this.#begunMs, ms);
    if (phase === this.#phase) return this.#latencies;
    let earlier = this.#earlier.get(phase);
    if (earlier === undefined) {
      earlier = new Latencies();
      this.#earlier.set(phase, earlier);
    }
    return earlier;
  }

  #quiet(): void {
    for (const each of [...this.#rooms.values(), ...this.#feeds]) each.quiet();
    this.#agenda.after(this.#start.scenario.settleSeconds * 1_000, () => {
      const furthest = [...this.#rooms.values()].flatMap((room) => room.furthest() ?? []);
      this.#report({
        kind: 'quiet',
        furthest,
        latest: this.#feeds.flatMap((feed) => feed.latest()),
      });
    });
  }

  #judge({ furthest, latest }: Extract<CrewOrder, { kind: 'judge' }>): void {
    const nowMs = machineNow();
    const farOf = new Map(furthest.map((far) => [roomKey(far.group, far.room), far]));
    for (const [key, room] of this.#rooms) room.judge(farOf.get(key));
    for (const silence of this.#ground.silences) silence.end(nowMs);
    for (const feed of this.#feeds) feed.judge(latest);
    for (const each of [...this.#rooms.values(), ...this.#feeds]) each.settle(Infinity);
    for (const each of this.#everybody()) this.#counts.unanswered += each.unanswered;
    this.#tell();
    this.#report({ kind: 'judged' });
  }

  #end(closeRooms: boolean): void {
    for (const room of this.#rooms.values()) room.end(closeRooms);
    // What was just said leaves first.
    this.#agenda.after(200, () => {
      for (const each of this.#everybody()) each.close();
      this.#agenda.after(200, () => {
        this.#agenda.close();
        this.#loop.stop();
        this.#report({ kind: 'ended' });
      });
    });
  }

  #roomOf(group: number, room: number): CrewRoom | undefined {
    return this.#rooms.get(roomKey(group, room));
  }
}

function roomKey(group: number, room: number): string {
  return `${group} ${room}`;
}

function guestToken({ identity }: CrewStart, person: number): string {
  const guest = identity.kind === 'guests' ? identity.people[person] : undefined;
  if (guest === undefined) throw new RangeError(`there is no guest ${person}`);
  return guest.token;
}
