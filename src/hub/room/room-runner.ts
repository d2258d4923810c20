// The one way in which a room changes: commands are decided as a batch, appended at the expected head, and only then shown.
// Knows the log and the domain; knows no sockets.
import type { RoomId, UserId } from '../../../protocol/ids.ts';
import { refuse } from '../../../protocol/errors.ts';
import type { Command, DecideContext } from '../../domain/command.ts';
import { decide, type Decision } from '../../domain/decide.ts';
import type { RoomEvent } from '../../domain/room-event.ts';
import type { RoomState } from '../../domain/room-state.ts';
import type { Log } from '../../ports/log.ts';
import {
  StoreUnavailable,
  isAfter,
  isSameHead,
  type Head,
  type HeldRoom,
  type LoadedRoom,
  type IdempotencyRecord,
  type Place,
  type RoomLog,
  type ToldAppend,
} from '../../ports/room-log.ts';
import type { Timers } from '../../ports/timers.ts';
import type { Span } from '../../ports/tracer.ts';
import type { HubMetrics } from '../hub-metrics.ts';
import {
  decideBatch,
  stepsOf,
  type CommandOptions,
  type CommandOutcome,
  type Decided,
  type Step,
  type Waiting,
} from './decide-batch.ts';
import { RecentAppends } from './recent-appends.ts';
import { partsOf, timedAppend } from './timed-append.ts';

export interface RoomRunnerDeps {
  readonly roomLog: RoomLog;
  readonly timers: Timers;
  readonly log: Log;
  readonly metrics: HubMetrics;
  /** Hub time, ms. */
  readonly now: () => number;
  readonly maxBatch: number;
  readonly maxWaitingCommands: number;
  /** Whether the log may lose what it acknowledged, so that the newest must be kept here to give it back. */
  readonly mayLose: boolean;
  /** The surroundings of a decision, as they are now. */
  context(by: UserId | undefined): DecideContext;
  /** A command that must be decided before any other of the batch: those who have just arrived. */
  takeArrivals(): Command | undefined;
  /** The outcome of `takeArrivals`’ command, once it is known. */
  arrivalsDone(command: Command, outcome: CommandOutcome): void;
  /** The log failed. Whether it did what it was asked is unknown: somebody must ask for `catchUp` when it may be back. */
  failed(): void;
  /** Called for each commit, in order, before the commands are answered. @param spans to be ended when everybody here was told */
  committed(steps: readonly Step[], spans: readonly Span[]): void;
  /** The log told another history or had forgotten ours: what was shown before no longer counts. */
  replaced(): void;
}

const UNAVAILABLE: CommandOutcome = {
  kind: 'refused',
  refusal: refuse('unavailable', 'the room’s log cannot be reached for the moment', 1_000),
};
const MAX_ATTEMPTS = 20;

function isBeyond(told: Place | undefined, held: Head): boolean {
  return told !== undefined && isAfter(told, held);
}

function refusedBy(decision: Decision): string | undefined {
  return decision.kind === 'refused' ? decision.refusal.code : undefined;
}

export class RoomRunner {
  readonly roomId: RoomId;
  readonly #deps: RoomRunnerDeps;
  #state: RoomState;
  #head: Head;
  #waiting: Waiting[] = [];
  /** A run has begun, or will at the end of this tick. */
  #isRunning = false;
  /** The log is being asked: what others tell meanwhile may be in its answer, or not. */
  #isAsking = false;
  /** The head that was compared with all that the log has, for somebody who claims to have seen more. */
  #vainlyReached: Head | undefined;
  /** Those who wait until what is held has been compared with the log. */
  #reaching: ((isReached: boolean) => void)[] = [];
  /** What is held may not be all that the log has: read before deciding again. */
  #mustCatchUp = false;
  /** The log has answered that it may have lost what others hold: begin a new epoch before deciding again. */
  #mustRestore = false;
  /** The newest head that another node told of while the log was asked. */
  #toldHead: Head | undefined;
  readonly #recent: RecentAppends | undefined;

  constructor(roomId: RoomId, loaded: LoadedRoom, deps: RoomRunnerDeps) {
    this.roomId = roomId;
    this.#state = loaded.state;
    this.#head = loaded.head;
    this.#deps = deps;
    this.#recent = deps.mayLose ? new RecentAppends() : undefined;
    this.#recent?.addLoaded(loaded.recent ?? []);
  }

  get state(): RoomState {
    return this.#state;
  }

  get head(): Head {
    return this.#head;
  }

  get isIdle(): boolean {
    return !this.#isRunning && this.#waiting.length === 0;
  }

  /** Never rejects: a fault of ours is a refusal as well, and is logged. */
  submit(command: Command, options: CommandOptions = {}): Promise<CommandOutcome> {
    if (this.#waiting.length >= this.#deps.maxWaitingCommands) {
      return Promise.resolve({
        kind: 'refused',
        refusal: refuse('unavailable', 'too many commands wait for this room', 1_000),
      });
    }
    return new Promise((settle) => {
      this.#waiting.push({ command, settle, ...options });
      this.#schedule();
    });
  }

  /** Somebody else has appended: read on before the next decision, and show it. */
  catchUp(): void {
    this.#mustCatchUp = true;
    this.#schedule();
  }

  /**
   * Makes sure that what is held is not older than what somebody has seen elsewhere, as far as the log has it.
   * @returns false where the log cannot be reached
   */
  async reach(seen: Place): Promise<boolean> {
    if (!isBeyond(seen, this.#head)) return true;
    if (!(await this.#caughtUp())) return false;
    if (!isBeyond(seen, this.#head) || this.#vainlyReached === this.#head) return true;
    // The log itself has lost it, or never had it: if it is the log's fault, what is shown next must be under a new epoch.
    this.#mustRestore = true;
    if (!(await this.#caughtUp())) return false;
    this.#vainlyReached = this.#head;
    return true;
  }

  #caughtUp(): Promise<boolean> {
    return new Promise((resolve) => {
      this.#reaching.push(resolve);
      this.catchUp();
    });
  }

  /** Another node tells of its append: where it follows on what is held, nothing needs to be read. */
  hear(told: ToldAppend): void {
    if (this.#isAsking) {
      this.#toldHead = told.head;
      return;
    }
    if (!isBeyond(told.head, this.#head)) return;
    const isNext = told.events.length > 0 && isSameHead(told.from, this.#head);
    if (this.#mustCatchUp || !isNext) {
      if (!this.#mustCatchUp) this.#deps.metrics.gapsRepaired += 1;
      this.catchUp();
      return;
    }
    this.#advance(told.events, told.head, told.keys);
  }

  /** Compares with where the log ends: a message that was lost shows here. */
  compare(head: Head): void {
    if (this.#isRunning || isSameHead(head, this.#head)) return;
    this.#deps.metrics.gapsRepaired += 1;
    this.catchUp();
  }

  /** Forgets what the log has surely kept. @param at hub time */
  trim(at: number): void {
    this.#recent?.trim(at);
  }

  #schedule(): void {
    if (this.#isRunning) return;
    this.#isRunning = true;
    // At the end of the tick, so that all commands that arrived in it are one append.
    this.#deps.timers.atEndOfTick(() => void this.#run());
  }

  async #run(): Promise<void> {
    this.#isAsking = true;
    while (this.#waiting.length > 0 || this.#mustCatchUp) {
      this.#toldHead = undefined;
      // This round reads for them, as they have asked for it. Where commands never end, neither does the run: they cannot wait for that.
      const reaching = this.#reaching.splice(0);
      const batch = this.#waiting.splice(0, this.#deps.maxBatch);
      const arrivals = this.#deps.takeArrivals();
      // They come first: whoever commands is in the room by then.
      if (arrivals !== undefined) batch.unshift(this.#arriving(arrivals));
      try {
        await this.#commit(batch);
      } catch (error) {
        this.#fail(batch, error);
        for (const resolve of reaching) resolve(false);
        break;
      }
      for (const resolve of reaching) resolve(true);
      // What was told while the log was asked may have come after what it answered.
      if (isBeyond(this.#toldHead, this.#head)) this.#mustCatchUp = true;
    }
    this.#isAsking = false;
    this.#isRunning = false;
    if (this.#waiting.length > 0 || this.#reaching.length > 0) this.#schedule();
  }

  #arriving(command: Command): Waiting {
    return {
      command,
      settle: (outcome) => this.#deps.arrivalsDone(command, outcome),
    };
  }

  #fail(batch: readonly Waiting[], error: unknown): void {
    this.#mustCatchUp = true;
    this.#deps.metrics.appendFailures += 1;
    const isAway = error instanceof StoreUnavailable;
    this.#deps.log[isAway ? 'warn' : 'error'](
      { roomId: this.roomId, err: error },
      'a batch of commands failed',
    );
    const outcome: CommandOutcome = isAway
      ? UNAVAILABLE
      : {
          kind: 'refused',
          refusal: refuse('internal', 'the hub failed to decide this; it has been logged'),
        };
    for (const waiting of batch) waiting.settle(outcome);
    this.#deps.failed();
  }

  async #commit(waiting: readonly Waiting[]): Promise<void> {
    let batch = waiting;
    for (let attempt = 0; attempt < MAX_ATTEMPTS;) {
      if (this.#mustCatchUp || this.#mustRestore) await this.#readOn();
      if (batch.length === 0) return;
      const { steps, decided, keys } = decideBatch(batch, this.#head, this.#state, (one, state) =>
        this.#decide(one, state),
      );
      const last = steps.at(-1);
      if (last === undefined) {
        await this.#settleAll(decided);
        return;
      }
      const events = steps.map((step) => step.event);
      const spans = partsOf(decided, 'append');
      const call = [this.roomId, this.#head, events, last.after, keys] as const;
      const result = await timedAppend(this.#deps, spans, ...call);
      switch (result.kind) {
        case 'committed':
          this.#state = last.after;
          this.#head = result.head;
          this.#deps.metrics.appends += 1;
          this.#deps.metrics.eventsAppended += events.length;
          this.#recent?.add(result.head, events, keys);
          this.#deps.committed(steps, partsOf(decided, 'fan-out'));
          await this.#settleAll(decided);
          return;
        case 'conflict': {
          this.#deps.metrics.appendConflicts += 1;
          attempt += 1;
          const read = await this.#readOn();
          // A client sends again what was under way when its connection broke: the first time may have taken effect, and others come after.
          if (read.some(({ id }) => id === events[0]?.id)) {
            await this.#settleAll(decided);
            return;
          }
          break;
        }
        case 'moved':
          this.#mustRestore = true;
          attempt += 1;
          break;
        case 'duplicate': {
          const others = batch.filter(({ key }) => key !== result.key);
          for (const { key, settle } of batch) {
            if (key === result.key) settle({ kind: 'repeated', reply: result.reply });
          }
          // One repeated key at a time, and a client that comes back repeats many: only a batch that does not shrink is an attempt.
          if (others.length === batch.length) attempt += 1;
          batch = others;
        }
      }
    }
    for (const { settle } of batch) settle(UNAVAILABLE);
  }

  #decide(waiting: Waiting, state: RoomState): Decision {
    this.#deps.metrics.commandsDecided += 1;
    const span = waiting.span?.child('decide');
    try {
      const decision = decide(waiting.command, state, this.#deps.context(waiting.by));
      span?.end({ 'earshot.command': waiting.command.type }, refusedBy(decision));
      return decision;
    } catch (error) {
      span?.end({ 'earshot.command': waiting.command.type }, 'it threw');
      this.#deps.log.error(
        { roomId: this.roomId, err: error, command: waiting.command.type },
        'a decision threw',
      );
      return {
        kind: 'refused',
        refusal: refuse('internal', 'the hub failed to decide this; it has been logged'),
      };
    }
  }

  async #settleAll(decided: readonly Decided[]): Promise<void> {
    const recalls: Promise<void>[] = [];
    for (const { waiting, outcome } of decided) {
      const hasNoEffect =
        outcome.kind === 'refused' || (outcome.kind === 'done' && outcome.events.length === 0);
      // A repeated request usually finds its effect already there, and so has none: what it was answered the first time decides.
      if (waiting.key !== undefined && hasNoEffect)
        recalls.push(this.#recalled(waiting.key, outcome).then(waiting.settle));
      else waiting.settle(outcome);
    }
    await Promise.all(recalls);
  }

  /** What a key was answered with before, or else `outcome`. A log that is away harms this one request alone. */
  async #recalled(key: string, outcome: CommandOutcome): Promise<CommandOutcome> {
    try {
      const reply = await this.#deps.roomLog.recall(this.roomId, key);
      return reply === undefined ? outcome : { kind: 'repeated', reply };
    } catch (error) {
      this.#deps.log.warn({ roomId: this.roomId, err: error }, 'a key could not be looked up');
      return UNAVAILABLE;
    }
  }

  /**
   * Takes what the log holds beyond our head; where our history is no longer there, gives it what it has lost, and takes the log's.
   * @returns what the log has beyond what was held, as far as it tells, and maybe more
   */
  async #readOn(): Promise<readonly RoomEvent[]> {
    const { roomLog } = this.#deps;
    // Whoever asks for more while the log is being asked is heard: it may have answered before.
    this.#mustCatchUp = false;
    if (!this.#mustRestore) {
      const result = await roomLog.read(this.roomId, this.#head);
      if (result.kind === 'events') {
        this.#advance(result.events, result.head, result.keys ?? []);
        return result.events;
      }
    }
    const before = this.#head;
    const restored = await roomLog.restore(this.roomId, this.#held());
    this.#mustRestore = false;
    this.#state = restored.state;
    this.#head = restored.head;
    if (!isSameHead(before, restored.head)) {
      this.#recent?.addLoaded(restored.recent ?? []);
      this.#deps.metrics.epochsAdopted += 1;
      this.#deps.replaced();
    }
    return (restored.recent ?? []).map(({ event }) => event);
  }

  /** Takes over events that are in the log, and shows them. */
  #advance(events: readonly RoomEvent[], head: Head, keys: readonly IdempotencyRecord[]): void {
    const steps = stepsOf(events, this.#head.revision, this.#state);
    this.#state = steps.at(-1)?.after ?? this.#state;
    this.#head = head;
    this.#recent?.add(head, events, keys);
    if (steps.length > 0) this.#deps.committed(steps, []);
  }

  #held(): HeldRoom {
    const { recent, keys } = this.#recent?.held() ?? { recent: [], keys: [] };
    return { head: this.#head, state: this.#state, recent, keys };
  }
}
