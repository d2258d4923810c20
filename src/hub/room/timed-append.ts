// One call of a room's log, timed, and traced as a part of each command that it carries. Knows nothing of who commands.
import type { RoomLog, AppendResult } from '../../ports/room-log.ts';
import type { Span } from '../../ports/tracer.ts';
import type { Decided } from './decide-batch.ts';
import type { AppendOutcome, HubMetrics } from '../hub-metrics.ts';

const UNTRACED: readonly Span[] = [];

/** A part of each traced command that changed something; where none is traced nothing is made. */
export function partsOf(decided: readonly Decided[], name: string): readonly Span[] {
  let spans: Span[] | undefined;
  for (const { waiting, outcome } of decided) {
    if (waiting.span === undefined || outcome.kind !== 'done' || outcome.events.length === 0)
      continue;
    (spans ??= []).push(waiting.span.child(name));
  }
  return spans ?? UNTRACED;
}

/** @param spans ended when the log has answered, or failed. Rejects as the log does. */
export async function timedAppend(
  { roomLog, metrics, now }: { roomLog: RoomLog; metrics: HubMetrics; now: () => number },
  spans: readonly Span[],
  ...call: Parameters<RoomLog['append']>
): Promise<AppendResult> {
  const from = now();
  let outcome: AppendOutcome = 'failed';
  try {
    const result = await roomLog.append(...call);
    outcome = result.kind;
    return result;
  } finally {
    metrics.appended(now() - from, outcome);
    const [, , events] = call;
    const fields = { 'earshot.append.outcome': outcome, 'earshot.append.events': events.length };
    for (const span of spans) span.end(fields, outcome === 'failed' ? 'the log failed' : undefined);
  }
}
