// Commands that wait for one room, decided as a batch: each on what the ones before it bring about. Knows no log and no sockets.
import type { UserId } from '../../../protocol/ids.ts';
import type { Refusal } from '../../../protocol/errors.ts';
import type { JsonObject } from '../../../protocol/merge-patch.ts';
import type { Command } from '../../domain/command.ts';
import type { Decision } from '../../domain/decide.ts';
import { evolve } from '../../domain/evolve.ts';
import type { RoomEvent } from '../../domain/room-event.ts';
import type { RoomState } from '../../domain/room-state.ts';
import type { Head, IdempotencyRecord } from '../../ports/room-log.ts';
import type { Span } from '../../ports/tracer.ts';

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
  /** Of what brought the command, where that is traced. */
  readonly span?: Span | undefined;
}

export interface Waiting extends CommandOptions {
  readonly command: Command;
  readonly settle: (outcome: CommandOutcome) => void;
}

export interface Decided {
  readonly waiting: Waiting;
  readonly outcome: CommandOutcome;
}

/** The steps by which events lead on from a state. @param revision the number of the last event before them */
export function stepsOf(
  events: readonly RoomEvent[],
  revision: number,
  before: RoomState,
): readonly Step[] {
  const steps: Step[] = [];
  for (const event of events) {
    const last = steps.at(-1)?.after ?? before;
    steps.push({
      revision: revision + steps.length + 1,
      event,
      before: last,
      after: evolve(last, event),
    });
  }
  return steps;
}

/** What a decision has worked out already is not worked out again. @param revision the number of the last event before `steps` */
function addSteps(
  steps: Step[],
  { events, states }: Extract<Decision, { kind: 'events' }>,
  revision: number,
  state: RoomState,
): void {
  let before = state;
  for (const [i, event] of events.entries()) {
    const after = states[i] ?? before;
    steps.push({ revision: revision + steps.length + 1, event, before, after });
    before = after;
  }
}

/**
 * @param head where the log ends
 * @param state at `head`
 * @param decideOne decides a command on the state that the ones before it lead to
 * @returns what is to be appended, the outcome of each command if it is, and what their keys are to remember
 */
export function decideBatch(
  batch: readonly Waiting[],
  head: Head,
  state: RoomState,
  decideOne: (waiting: Waiting, state: RoomState) => Decision,
): {
  readonly steps: readonly Step[];
  readonly decided: readonly Decided[];
  readonly keys: readonly IdempotencyRecord[];
} {
  const steps: Step[] = [];
  const decided: Decided[] = [];
  const keys: IdempotencyRecord[] = [];
  /** The log knows the keys of earlier batches; those of this one only we do. */
  const replies = new Map<string, JsonObject>();
  const { epoch } = head;
  for (const waiting of batch) {
    const first = waiting.key === undefined ? undefined : replies.get(waiting.key);
    if (first !== undefined) {
      decided.push({ waiting, outcome: { kind: 'repeated', reply: first } });
      continue;
    }
    const before = steps.at(-1)?.after ?? state;
    const outcome = decideOne(waiting, before);
    if (outcome.kind === 'refused') {
      decided.push({ waiting, outcome });
      continue;
    }
    addSteps(steps, outcome, head.revision, before);
    const revision = head.revision + steps.length;
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
