// Owns the names under which the latencies of an act are kept: its own, and one that all commands share.
import { COMMANDS, type Act } from './scenario/scenario.ts';

/** To the answer, to each listener, to the last of them. */
export type Stage = 'ack' | 'each' | 'last';

/** Whatever keeps latencies by name. */
interface Recorder {
  record(name: string, ms: number): void;
}

const names: Record<Stage, Map<string, readonly string[]>> = {
  ack: new Map(),
  each: new Map(),
  last: new Map(),
};

/** Called for each frame that anybody receives: its names are made once. */
export function recordAct(recorder: Recorder, act: string, stage: Stage, ms: number): void {
  let known = names[stage].get(act);
  if (known === undefined) {
    const isCommand = COMMANDS.includes(act as Act);
    known = [`${act}.${stage}`, ...(isCommand ? [`command.${stage}`] : [])];
    names[stage].set(act, known);
  }
  for (const name of known) recorder.record(name, ms);
}
