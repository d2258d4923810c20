// When a process that was spawned is no more, or never was.
import type { ChildProcess } from 'node:child_process';

/** Resolves when it has ended, and where it could not be started. To be called at once after the spawn. */
export function endOf(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    child.once('exit', () => resolve());
    child.once('error', () => resolve());
  });
}
