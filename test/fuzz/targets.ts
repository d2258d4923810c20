// All that is fuzzed.
import type { Target } from './fuzzer.ts';
import { clock, codec, patches } from './pure-targets.ts';
import { hubTarget, restTarget } from './service-targets.ts';

export function allTargets(): readonly Target[] {
  return [codec, clock, patches, hubTarget(), restTarget()];
}
