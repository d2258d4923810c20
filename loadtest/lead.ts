// Owns a run from its beginning to its end: starts the threads, lets one phase follow the other, relays what threads must know of each
// other, and hands over what was found. Knows no terminal and no files.
import type { TrackId } from '../protocol/ids.ts';
import type { CrewLink } from './crew-link.ts';
import type {
  CrewOrder,
  CrewReport,
  FeedLatest,
  Identity,
  LastSeen,
  RoomFurthest,
  RoomPlan,
} from './crew-messages.ts';
import { feedGraph } from './feed-graph.ts';
import { eachOf, type HubRest, type Somebody } from './hub-rest.ts';
import { recordAct } from './latency-names.ts';
import { Phases, type Second } from './phases.ts';
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
  /** Of rooms with members in several threads: when the last one got a thing. */
  readonly #last = new Map<string, LastSeen>();
  readonly #failed: Promise<never>;
  #fail: (error: Error) => void = () => undefined;
  #phase = 0;
  #load = 0;
  #areFriends = false;
  #startedMs = performance.now();
  #timer: ReturnType<typeof setInterval> | undefined;
  #interrupted: (() => void) | undefined;
  #isInterrupted = false;

  constructor(options: LeadOptions) {
    this.#options = options;
    this.#failed = new Promise<never>((_, reject) => {
      this.#fail = reject;
    });
    // Nobody may be waiting when it happens: whoever waits next is told.
    this.#failed.catch(() => undefined);
    this.#links = options.startThreads((thread, report) => this.#onReport(thread, report));
    this.phases = new Phases(this.#links.length);
  }

  /** Whether somebody ended it early. */
  get isInterrupted(): boolean {
    return this.#isInterrupted;
  }

  /** Ends the phase that runs, and all after it: what was is reported. */
  interrupt(): void {
    this.#isInterrupted = true;
    this.#interrupted?.();
  }

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
    this.#startedMs = performance.now();
    this.#timer = setInterval(() => {
      const second = this.phases.tick((performance.now() - this.#startedMs) / 1_000);
      this.#options.onSecond(second, scenario.phases[this.#phase]);
    }, TICK_MS);
  }

  /** Runs one phase to its end. @param index names it in all that is reported */
  async phase(phase: Phase, index: number): Promise<void> {
    if (this.#isInterrupted) return;
    this.#phase = index;
    const { scenario, mostLoad, drain } = this.#options;
    const from = phase.from ?? this.#load;
    await this.#openRooms(Math.max(from, phase.load));
    await this.#befriend();
    const coming = seatCount(scenario, mostLoad, phase.load) - seatCount(scenario, mostLoad, from);
    // Nobody can come faster than the scenario allows, however short the ramp.
    const seconds = Math.max(phase.seconds, Math.abs(coming) / scenario.arrivalsPerSecond);
    this.#sendAll({
      ...{ kind: 'phase', phase: index, inMs: ORDER_MS, seconds, from, to: phase.load },
      ...(phase.event === 'reconnect' ? { reconnectWithinMs: phase.withinSeconds * 1_000 } : {}),
    });
    this.#load = phase.load;
    const drained = phase.event === 'drain' ? drain(phase.withinSeconds) : undefined;
    await this.#pause(ORDER_MS + seconds * 1_000);
    await drained;
  }

  /** Everything stops, what is on its way arrives, and what everybody holds is compared. */
  async settle(): Promise<void> {
    const quiet = this.#each('quiet');
    this.#sendAll({ kind: 'quiet' });
    await quiet;
    const judged = this.#each('judged');
    this.#sendAll({ kind: 'judge', furthest: furthestOf(this.#furthest), latest: this.#latest });
    await judged;
    this.#recordLast();
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
        // Each thread knows its own already.
        this.#links.forEach((link, thread) => {
          if (thread !== from) link.send({ kind: 'marks', marks: report.marks });
        });
        break;
      case 'last':
        for (const seen of report.seen) this.#sawLast(seen);
        break;
      case 'quiet':
        this.#furthest.push(...report.furthest);
        this.#latest.push(...report.latest);
        this.#arrived('quiet');
        break;
      case 'failed':
        this.#fail(new Error(report.message));
        break;
      case 'started':
      case 'judged':
      case 'ended':
        this.#arrived(report.kind);
        break;
    }
  }

  #sawLast(seen: LastSeen): void {
    const key = `${seen.group} ${seen.room} ${seen.stream} ${seen.key}`;
    const known = this.#last.get(key);
    if (known === undefined || seen.afterMs > known.afterMs) this.#last.set(key, seen);
  }

  #recordLast(): void {
    const recorder = {
      record: (name: string, ms: number) => this.phases.record(this.#phase, name, ms),
    };
    for (const { act, afterMs } of this.#last.values()) recordAct(recorder, act, 'last', afterMs);
    this.#last.clear();
  }

  /** Rooms that somebody may enter at this load exist before anybody comes. */
  async #openRooms(load: number): Promise<void> {
    const { scenario, mostLoad, rest, somebody } = this.#options;
    const wanted = roomsAt(scenario, mostLoad, load).filter(
      ({ group, room }) => !this.#rooms.has(`${group} ${room}`),
    );
    const rooms = await eachOf(wanted, async ({ group, room, host }): Promise<RoomPlan> => {
      const of = scenario.groups[group];
      const preset = of?.kind === 'rooms' ? of.preset : 'friends';
      const name = `Load ${scenario.name} ${room + 1}`;
      const roomId = await rest.createRoom((await somebody(host)).token, name, preset);
      this.#rooms.add(`${group} ${room}`);
      return { group, room, roomId };
    });
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
      const who = await eachOf(people, ({ person }) => somebody(person));
      await eachOf(who, (each) => rest.introduce(each));
      await eachOf(feedGraph(group, who.length, scenario.seed).pairs, async ([a, b]) => {
        const [asks, accepts] = [who[a], who[b]];
        if (asks !== undefined && accepts !== undefined) await rest.befriend(asks, accepts);
      });
    }
  }

  #sendAll(order: CrewOrder): void {
    for (const link of this.#links) link.send(order);
  }

  async #pause(ms: number): Promise<void> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const over = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, ms);
      this.#interrupted = resolve;
    });
    await Promise.race([over, this.#failed]);
    clearTimeout(timer);
  }

  async #each(kind: CrewReport['kind']): Promise<void> {
    const all = new Promise<void>((resolve) => {
      this.#waiting.set(kind, { left: this.#links.length, resolve });
    });
    await Promise.race([all, this.#failed]);
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
