// Owns a run from its beginning to its end: starts the threads, lets one phase follow the other, relays what threads must know of each
// other, and hands over what was found. Knows no terminal and no files.
import type { TrackId } from '../protocol/ids.ts';
import type { CrewLink } from './crew-link.ts';
import type {
  CrewOrder,
  CrewReport,
  FeedLatest,
  Identity,
  RoomFurthest,
  RoomPlan,
} from './crew-messages.ts';
import { feedGraph } from './feed-graph.ts';
import { eachOf, type HubRest, type Somebody } from './hub-rest.ts';
import { LastArrivals, TOLD_AFTER_MS } from './last-arrivals.ts';
import { recordAct } from './latency-names.ts';
import { machineNow } from './machine-clock.ts';
import { Phases, phaseAt, type Second } from './phases.ts';
import { roomsAt, seatCount, seatsOf } from './placement.ts';
import type { Phase, Scenario } from './scenario/scenario.ts';
import type { Target } from './wire/lean-socket.ts';

export interface LeadOptions {
  readonly scenario: Scenario;
  readonly mostLoad: number;
  readonly run: number;
  readonly targets: readonly Target[];
  readonly rest: HubRest;
  readonly sourceAddresses: readonly string[];
  readonly identity: Identity;
  /** The id and the token of a person. */
  readonly somebody: (person: number) => Promise<Somebody>;
  readonly tracks: readonly TrackId[];
  /** The threads, each of which reports here. */
  readonly startThreads: (
    onReport: (thread: number, report: CrewReport) => void,
  ) => readonly CrewLink[];
  readonly closeRooms: boolean;
  readonly onSecond: (second: Second, phase: Phase | undefined) => void;
  /** Begins to tell the hubs to drain, spread over so many seconds. */
  readonly drain: (withinSeconds: number) => Promise<void>;
}

const TICK_MS = 1_000;
/** An order is on its way to all threads for less than this. */
const ORDER_MS = 50;

export class Lead {
  readonly phases: Phases;
  readonly #options: LeadOptions;
  readonly #links: readonly CrewLink[];
  readonly #waiting = new Map<CrewReport['kind'], { left: number; resolve: () => void }>();
  readonly #rooms = new Set<string>();
  readonly #furthest: RoomFurthest[] = [];
  readonly #latest: FeedLatest[] = [];
  /** Of rooms with members in several threads. */
  readonly #last = new LastArrivals();
  readonly #ran: Phase[] = [];
  /** When each of them began, by the machine's clock. */
  readonly #beganMs: number[] = [];
  #load = 0;
  #areFriends = false;
  #startedMs = performance.now();
  #timer: ReturnType<typeof setInterval> | undefined;
  #isInterrupted = false;
  #lost: string | undefined;
  readonly #over: Promise<void>;
  #end: () => void = () => undefined;

  constructor(options: LeadOptions) {
    this.#options = options;
    this.#over = new Promise((resolve) => {
      this.#end = resolve;
    });
    this.#links = options.startThreads((thread, report) => this.#onReport(thread, report));
    this.phases = new Phases(this.#links.length);
  }

  /** Whether somebody ended it early. */
  get isInterrupted(): boolean {
    return this.#isInterrupted;
  }

  /** Why it could not go on: a thread or a machine of the generator is gone, or the hub made no rooms. */
  get lost(): string | undefined {
    return this.#lost;
  }

  /** Whether no further phase is run. */
  get isOver(): boolean {
    return this.#isInterrupted || this.#lost !== undefined;
  }

  /** The phases that were begun, under the numbers that their figures are kept by. */
  get ran(): readonly Phase[] {
    return this.#ran;
  }

  /** Ends the phase that runs, and all after it: what was is reported. */
  interrupt(): void {
    this.#isInterrupted = true;
    this.#end();
  }

  /** @throws with words where a thread does not start */
  async start(): Promise<void> {
    const { scenario, mostLoad, run, targets, sourceAddresses, identity, tracks } = this.#options;
    const started = this.#each('started');
    this.#links.forEach((link, thread) => {
      link.send({
        ...{ kind: 'start', scenario, mostLoad, run, targets, sourceAddresses, identity, tracks },
        ...{ thread, threads: this.#links.length },
      });
    });
    await started;
    if (this.#lost !== undefined) throw new Error(this.#lost);
    this.#startedMs = performance.now();
    this.#timer = setInterval(() => {
      this.#recordLast(machineNow());
      const second = this.phases.tick((performance.now() - this.#startedMs) / 1_000);
      this.#options.onSecond(second, this.#ran[second.phase]);
    }, TICK_MS);
  }

  /** Runs one phase to its end, or to that of the run; nothing happens where the run is over. @returns its number in `ran` */
  async phase(phase: Phase): Promise<number> {
    const { scenario, mostLoad, drain } = this.#options;
    const from = phase.from ?? this.#load;
    await this.#provide(Math.max(from, phase.load));
    if (this.isOver) return this.#ran.length;
    const index = this.#ran.push(phase) - 1;
    const coming = seatCount(scenario, mostLoad, phase.load) - seatCount(scenario, mostLoad, from);
    // Nobody can come faster than the scenario allows, however short the ramp.
    const seconds = Math.max(phase.seconds, Math.abs(coming) / scenario.arrivalsPerSecond);
    this.#beganMs.push(machineNow() + ORDER_MS);
    this.#sendAll({
      ...{ kind: 'phase', phase: index, inMs: ORDER_MS, seconds, from, to: phase.load },
      ...(phase.event === 'reconnect' ? { reconnectWithinMs: phase.withinSeconds * 1_000 } : {}),
    });
    this.#load = phase.load;
    const drained = phase.event === 'drain' ? drain(phase.withinSeconds) : undefined;
    await Promise.race([
      Promise.all([this.#pause(ORDER_MS + seconds * 1_000), drained]),
      this.#over,
    ]);
    return index;
  }

  /** The phase goes on until it is known when the last listener got what was done in it so far. */
  async complete(): Promise<void> {
    const untilMs = machineNow();
    await this.#pause(TOLD_AFTER_MS);
    // Of rooms in several threads it is known what is still to come, however late it was answered.
    while (!this.isOver && this.#last.hasBefore(untilMs)) await this.#pause(TICK_MS / 2);
  }

  /** Everything stops, what is on its way arrives, and what everybody holds is compared. Not where a thread is gone. */
  async settle(): Promise<void> {
    const quiet = this.#each('quiet');
    this.#sendAll({ kind: 'quiet' });
    await quiet;
    const judged = this.#each('judged');
    this.#sendAll({ kind: 'judge', furthest: furthestOf(this.#furthest), latest: this.#latest });
    await judged;
    this.#recordLast(Infinity);
  }

  /** Everybody leaves, and the threads end. */
  async end(): Promise<void> {
    clearInterval(this.#timer);
    const ended = this.#each('ended');
    this.#sendAll({ kind: 'end', closeRooms: this.#options.closeRooms });
    await ended;
    await this.stop();
  }

  /** At once, whatever runs. Idempotent. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await Promise.all(this.#links.map((link) => link.stop()));
  }

  #onReport(from: number, report: CrewReport): void {
    switch (report.kind) {
      case 'interval':
        this.phases.add(report);
        break;
      case 'marks':
        for (const mark of report.marks) this.#last.mark(mark, machineNow());
        // Each thread knows its own already.
        this.#links.forEach((link, thread) => {
          if (thread !== from) link.send({ kind: 'marks', marks: report.marks });
        });
        break;
      case 'last':
        for (const seen of report.seen) this.#last.saw(seen);
        break;
      case 'quiet':
        this.#furthest.push(...report.furthest);
        this.#latest.push(...report.latest);
        this.#arrived('quiet');
        break;
      case 'failed':
        this.#lose(report.message);
        break;
      case 'started':
      case 'judged':
      case 'ended':
        this.#arrived(report.kind);
        break;
    }
  }

  /** The first reason is the one that counts: others follow from it. */
  #lose(why: string): void {
    this.#lost ??= why;
    this.#end();
    for (const { resolve } of this.#waiting.values()) resolve();
  }

  #recordLast(nowMs: number): void {
    this.#last.settle(nowMs, (act, afterMs, intendedMs) => {
      const phase = phaseAt(this.#beganMs, intendedMs);
      const record = (name: string, ms: number): void => this.phases.record(phase, name, ms);
      recordAct({ record }, act, 'last', afterMs);
    });
  }

  /** What the people of a phase need. A hub that cannot give it in the midst of a run ends that; what was is reported. */
  async #provide(load: number): Promise<void> {
    try {
      if (!this.isOver) await this.#openRooms(load);
      if (!this.isOver) await this.#befriend();
    } catch (error) {
      if (this.#ran.length === 0) throw error;
      this.#lose(error instanceof Error ? error.message : String(error));
    }
  }

  /** Rooms that somebody may enter at this load exist before anybody comes. */
  async #openRooms(load: number): Promise<void> {
    const { scenario, mostLoad, rest, somebody } = this.#options;
    const wanted = roomsAt(scenario, mostLoad, load).filter(
      ({ group, room }) => !this.#rooms.has(`${group} ${room}`),
    );
    const open = async ({ group, room, host }: (typeof wanted)[number]): Promise<RoomPlan> => {
      const of = scenario.groups[group];
      const preset = of?.kind === 'rooms' ? of.preset : 'friends';
      const name = `Load ${scenario.name} ${room + 1}`;
      const roomId = await rest.createRoom((await somebody(host)).token, name, preset);
      this.#rooms.add(`${group} ${room}`);
      return { group, room, roomId };
    };
    const rooms = await eachOf(wanted, open, () => this.isOver);
    if (rooms.length > 0) this.#sendAll({ kind: 'rooms', rooms });
  }

  /** The people of each feed are friends before anybody comes. */
  async #befriend(): Promise<void> {
    if (this.#areFriends) return;
    this.#areFriends = true;
    const { scenario, mostLoad, rest, somebody } = this.#options;
    for (const [at, group] of scenario.groups.entries()) {
      if (group.kind !== 'feed') continue;
      const people = seatsOf(scenario, mostLoad).filter((seat) => seat.group === at);
      const isOver = (): boolean => this.isOver;
      const who = await eachOf(people, ({ person }) => somebody(person));
      await eachOf(who, (each) => rest.introduce(each), isOver);
      const { pairs } = feedGraph(group, who.length, scenario.seed);
      const meet = async ([a, b]: (typeof pairs)[number]): Promise<void> => {
        const [asks, accepts] = [who[a], who[b]];
        if (asks !== undefined && accepts !== undefined) await rest.befriend(asks, accepts);
      };
      await eachOf(pairs, meet, isOver);
    }
  }

  #sendAll(order: CrewOrder): void {
    for (const link of this.#links) link.send(order);
  }

  /** Ends early where the run does. */
  async #pause(ms: number): Promise<void> {
    if (this.isOver) return;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const passed = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, ms);
    });
    await Promise.race([passed, this.#over]);
    clearTimeout(timer);
  }

  /** Resolves at once where a thread is gone: it would be waited for in vain. */
  async #each(kind: CrewReport['kind']): Promise<void> {
    if (this.#lost !== undefined) return;
    await new Promise<void>((resolve) => {
      this.#waiting.set(kind, { left: this.#links.length, resolve });
    });
  }

  #arrived(kind: CrewReport['kind']): void {
    const waiting = this.#waiting.get(kind);
    if (waiting === undefined) return;
    waiting.left -= 1;
    if (waiting.left === 0) waiting.resolve();
  }
}

/** Of each room, the furthest that anybody got in any thread. */
function furthestOf(all: readonly RoomFurthest[]): RoomFurthest[] {
  const byRoom = new Map<string, RoomFurthest>();
  for (const each of all) {
    const key = `${each.group} ${each.room}`;
    const known = byRoom.get(key);
    if (known === undefined) {
      byRoom.set(key, each);
      continue;
    }
    const isFurther =
      each.epoch > known.epoch || (each.epoch === known.epoch && each.revision > known.revision);
    const isChatFurther =
      each.chat.epoch > known.chat.epoch ||
      (each.chat.epoch === known.chat.epoch && each.chat.seq > known.chat.seq);
    byRoom.set(key, {
      ...(isFurther ? each : known),
      chat: isChatFurther ? each.chat : known.chat,
    });
  }
  return [...byRoom.values()];
}
