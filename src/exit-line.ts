// What is said when the service cannot start or go on, or a command cannot be done: one line that a person can act on, or the whole stack
// where only we can.
import { scrubbed } from './adapters/system/scrubbed.ts';
import { whyOf } from './adapters/system/why.ts';
import { OperationalError } from './ports/operational-error.ts';
import type { StoreUnavailable } from './ports/room-log.ts';

/** Without what opens a door: it ends in the same logs as everything else. */
export function lineFor(error: unknown): string {
  if (!(error instanceof Error)) return scrubbed(String(error));
  return scrubbed(
    error instanceof OperationalError ? error.message : (error.stack ?? error.message),
  );
}

/**
 * For a command, which does not wait for a server that is away.
 * @param variables that say where it is
 */
export function awayLine(error: StoreUnavailable, ...variables: readonly string[]): string {
  const why = error.cause instanceof Error ? ` (${whyOf(error.cause)})` : '';
  const named = `${variables.join(' and ')} ${variables.length === 1 ? 'is' : 'are'}`;
  return scrubbed(`${error.message}${why}: see that ${named} right`);
}
