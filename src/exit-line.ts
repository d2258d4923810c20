// What is said when the service cannot start, or not go on: one line that a person can act on, or the whole stack where only we can.
import { scrubbed } from './adapters/system/scrubbed.ts';
import { OperationalError } from './ports/operational-error.ts';

/** Without what opens a door: it ends in the same logs as everything else. */
export function lineFor(error: unknown): string {
  if (!(error instanceof Error)) return scrubbed(String(error));
  return scrubbed(
    error instanceof OperationalError ? error.message : (error.stack ?? error.message),
  );
}
