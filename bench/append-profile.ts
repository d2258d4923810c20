// What a profile of V8 says of a process: which functions took its time themselves. Knows no process.
import type { Profiler, Runtime } from 'node:inspector';

export interface BusyFunction {
  readonly name: string;
  /** `file:line`, from the repository's root; empty for what is native. */
  readonly where: string;
  /** Of the time in which the process was not idle. */
  readonly share: number;
}

/** Waiting, and the profiler's own start. */
const NO_WORK: ReadonlySet<string> = new Set(['(idle)', 'dispatch']);

/** The functions with the most time of their own, that of their callees not counted. */
export function busiest(profile: Profiler.Profile): readonly BusyFunction[] {
  const { nodes, samples = [], timeDeltas = [] } = profile;
  const times = new Map<number, number>();
  samples.forEach((id, i) => times.set(id, (times.get(id) ?? 0) + (timeDeltas[i] ?? 0)));
  const functions = new Map<string, { name: string; where: string; time: number }>();
  let total = 0;
  for (const { id, callFrame } of nodes) {
    const time = times.get(id) ?? 0;
    if (NO_WORK.has(callFrame.functionName) && callFrame.url === '') continue;
    total += time;
    const where = placeOf(callFrame);
    const key = `${callFrame.functionName} ${where}`;
    const known = functions.get(key) ?? {
      name: callFrame.functionName || '(anonymous)',
      where,
      time: 0,
    };
    functions.set(key, { ...known, time: known.time + time });
  }
  return [...functions.values()]
    .sort((a, b) => b.time - a.time)
    .map(({ name, where, time }) => ({ name, where, share: time / total }));
}

function placeOf({ url, lineNumber }: Runtime.CallFrame): string {
  if (url === '') return '';
  const file = url.replace(/^.*\/(?=dist\/|node_modules\/)/, '').replace(/^file:\/\//, '');
  return `${file}:${lineNumber + 1}`;
}
