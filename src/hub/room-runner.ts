// The one way in which a room changes: commands are decided as a batch, appended at the expected head, and only then shown.
// Knows the log and the domain; knows no sockets.
import type { RoomId, UserId } from '../../protocol/ids.ts';
import { refuse, type Refusal } from '../../protocol/errors.ts';
import type { JsonObject } from '../../protocol/merge-patch.ts';
import type { Command, DecideContext } from '../domain/command.ts';
import { decide } from '../domain/decide.ts';
import { evolve } from '../domain/evolve.ts';
import type { RoomEvent } from '../domain/room-event.ts';
import type { RoomState } from '../domain/room-state.ts';
import type { Log } from '../ports/log.ts';
import {
  StoreUnavailable,
  type Head,
  type IdempotencyRecord,
  type RoomLog,
} from '../ports/room-log.ts';
import type { Timers } from '../ports/timers.ts';
import type { HubMetrics } from './hub-metrics.ts';

export type CommandOutcome =
  /** Committed, or nothing to do: `events` are those of this command alone. */
  | {
      readonly kind: 'done';
      readonly epoch: number;
      readonly revision: number;
      readonly events: readonly RoomEvent[];
    }
  | { readonly kind: 'refused'; readonly refusal: Refusal }
  /** The key was used before: the first reply again. */
  | { readonly kind: 'repeated'; readonly reply: JsonObject };

/** One committed event with the states on both sides of it. */
export interface Step {
  readonly revision: number;
  readonly event: RoomEvent;
  readonly before: RoomState;
  readonly after: RoomState;
}

export interface CommandOptions {
  /** Absent for the hub's own commands. */
  readonly by?: UserId;
  /** Already scoped to its user. */
  readonly key?: string;
  /** What the key remembers, made from the command's own events. */
  readonly replyOf?: (done: Extract<CommandOutcome, { kind: 'done' }>) => JsonObject;
}

interface Waiting extends CommandOptions {
  readonly command: Command;
  readonly settle: (outcome: CommandOutcome) => void;
}

interface Decided {
  readonly waiting: Waiting;
  readonly outcome: CommandOutcome;
}

export interface RoomRunnerDeps {
  readonly roomLog: RoomLog;
  readonly timers: Timers;
  readonly log: Log;
  readonly metrics: HubMetrics;
  readonly maxBatch: number;
  readonly maxWaitingCommands: number;
  /** The surroundings of a decision, as they are now. */
  context(by: UserId | undefined): DecideContext;
  /** A command that must be decided before any other of the batch: those who have just arrived. */
  takeArrivals(): Command | undefined;
  /** The outcome of `takeArrivals`’ command, once it is known. */
  arrivalsDone(command: Command, outcome: CommandOutcome): void;
  /** The log failed. Whether it did what it was asked is unknown: somebody must ask for `catchUp` when it may be back. */
  failed(): void;
  /** Called for each commit, in order, before the commands are answered. */
  committed(steps: readonly Step[]): void;
  /** The log told another history or had forgotten ours: what was shown before no longer counts. */
  replaced(): void;
}

const UNAVAILABLE: CommandOutcome = {
  kind: 'refused',
  refusal: refuse('unavailable', 'the room’s log cannot be reached for the moment', 1_000),
};
const MAX_ATTEMPTS = 20;

export class RoomRunner {
  readonly roomId: RoomId;
  readonly #deps: RoomRunnerDeps;
  #state: RoomState;
  #head: Head;
  #waiting: Waiting[] = [];
  #isRunning = false;
  /** The outcome of an append is unknown, or somebody else has appended: read before deciding again. */
  #mustCatchUp = false;

  constructor(
    roomId: RoomId,
    loaded: { readonly head: Head; readonly state: RoomState },
    deps: RoomRunnerDeps,
  ) {
    this.roomId = roomId;
    this.#state = loaded.state;
    this.#head = loaded.head;
    this.#deps = deps;
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
      this.#waiting.push({ ...options, command, settle });
      this.#schedule();
    });
  }

  /** Somebody else has appended: read on before the next decision, and show it. */
  catchUp(): void {
    this.#mustCatchUp = true;
    this.#schedule();
  }

  #schedule(): void {
    if (this.#isRunning) return;
    this.#isRunning = true;
    // At the end of the tick, so that all commands that arrived in it are one append.
    this.#deps.timers.atEndOfTick(() => void this.#run());
  }

  async #run(): Promise<void> {
    while (this.#waiting.length > 0 || this.#mustCatchUp) {
      const batch = this.#waiting.splice(0, this.#deps.maxBatch);
      const arrivals = this.#deps.takeArrivals();
      // They come first: whoever commands is in the room by then.
      if (arrivals !== undefined) batch.unshift(this.#arriving(arrivals));
      try {
        await this.#commit(batch);
      } catch (error) {
        this.#fail(batch, error);
        break;
      }
    }
    this.#isRunning = false;
    if (this.#waiting.length > 0) this.#schedule();
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
      if (this.#mustCatchUp) await this.#readOn();
      if (batch.length === 0) return;
      const { steps, decided, keys } = this.#decideAll(batch);
      const last = steps.at(-1);
      if (last === undefined) {
        await this.#settleAll(decided);
        return;
      }
      const events = steps.map((step) => step.event);
      // Until the append has answered, nobody knows what the log holds.
      this.#mustCatchUp = true;
      const result = await this.#deps.roomLog.append(
        this.roomId,
        this.#head,
        events,
        last.after,
        keys,
      );
      this.#mustCatchUp = false;
      switch (result.kind) {
        case 'committed':
          this.#state = last.after;
          this.#head = result.head;
          this.#deps.metrics.appends += 1;
          this.#deps.metrics.eventsAppended += events.length;
          this.#deps.committed(steps);
          await this.#settleAll(decided);
          return;
        case 'conflict':
          this.#deps.metrics.appendConflicts += 1;
          this.#mustCatchUp = true;
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

  #decideAll(batch: readonly Waiting[]): {
    steps: readonly Step[];
    decided: readonly Decided[];
    keys: readonly IdempotencyRecord[];
  } {
    const steps: Step[] = [];
    const decided: Decided[] = [];
    const keys: IdempotencyRecord[] = [];
    /** The log knows the keys of earlier batches; those of this one only we do. */
    const replies = new Map<string, JsonObject>();
    const { epoch } = this.#head;
    let state = this.#state;
    let { revision } = this.#head;
    for (const waiting of batch) {
      const first = waiting.key === undefined ? undefined : replies.get(waiting.key);
      if (first !== undefined) {
        decided.push({ waiting, outcome: { kind: 'repeated', reply: first } });
        continue;
      }
      const outcome = this.#decideOne(waiting, state);
      if (outcome.kind === 'refused') {
        decided.push({ waiting, outcome });
        continue;
      }
      for (const event of outcome.events) {
        const before = state;
        state = evolve(state, event);
        revision += 1;
        steps.push({ revision, event, before, after: state });
      }
      const done = { kind: 'done', epoch, revision, events: outcome.events } as const;
      if (waiting.key !== undefined && outcome.events.length > 0) {
        const reply = waiting.replyOf?.(done) ?? { epoch, revision };
        keys.push({ key: waiting.key, reply });
        replies.set(waiting.key, reply);
      }
      decided.push({ waiting, outcome: done });
    }
    return { steps, decided, keys };
  }

  #decideOne(waiting: Waiting, state: RoomState): ReturnType<typeof decide> {
    this.#deps.metrics.commandsDecided += 1;
    try {
      return decide(waiting.command, state, this.#deps.context(waiting.by));
    } catch (error) {
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
    for (const { waiting, outcome } of decided) {
      const hasNoEffect =
        outcome.kind === 'refused' || (outcome.kind === 'done' && outcome.events.length === 0);
      // A repeated request usually finds its effect already there, and so has none: what it was answered the first time decides.
      if (waiting.key !== undefined && hasNoEffect) {
        waiting.settle(await this.#recalled(waiting.key, outcome));
      } else {
        waiting.settle(outcome);
      }
    }
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

  /** Takes what the log holds beyond our head; where our history is no longer there, takes the log's. */
  async #readOn(): Promise<void> {
    const result = await this.#deps.roomLog.read(this.roomId, this.#head);
    this.#mustCatchUp = false;
    if (result.kind === 'events') {
      const steps: Step[] = [];
      let { revision } = this.#head;
      let state = this.#state;
      for (const event of result.events) {
        const before = state;
        state = evolve(state, event);
        revision += 1;
        steps.push({ revision, event, before, after: state });
      }
      this.#state = state;
      this.#head = result.head;
      if (steps.length > 0) this.#deps.committed(steps);
      return;
    }
    const loaded = await this.#deps.roomLog.load(this.roomId);
    if (loaded === undefined) throw new StoreUnavailable(`the log of room ${this.roomId}`);
    this.#state = loaded.state;
    this.#head = loaded.head;
    this.#deps.replaced();
  }
}
