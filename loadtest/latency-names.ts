// Owns the names under which the latencies of an act are kept: its own, and one that all commands share.
import { COMMANDS, type Act } from './scenario/scenario.ts';

/** To the answer, to each listener, to the last of them. */
export type Stage = 'ack' | 'each' | 'last';

/** Whatever keeps latencies by name. */
interface Recorder {
  record(name: string, ms: number): void;
}

export function recordAct(recorder: Recorder, act: string, stage: Stage, ms: number): void {
  recorder.record(`${act}.${stage}`, ms);
  if (COMMANDS.includes(act as Act)) recorder.record(`command.${stage}`, ms);
}
