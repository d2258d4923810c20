// Tells a file that is still being written from one that is done. Knows stamps and times, reads nothing.
import { isSameStamp } from './folder-walk.ts';
import type { AudioFile, FileStamp } from './folder-walk.ts';

export class Settling {
  readonly #settleMs: number;
  /** By path: files that were changing when last seen, and since when they have looked like this. */
  readonly #unsettled = new Map<string, { readonly stamp: FileStamp; readonly sinceMs: number }>();

  constructor(settleMs: number) {
    this.#settleMs = settleMs;
  }

  /**
   * How long to wait before `file` may be taken; 0 when it may be now. It is old enough by its own time of change, or was seen
   * unchanged for as long: a copy may keep the time of its original, or one in the future.
   */
  waitMs(file: AudioFile, nowMs: number): number {
    const seen = this.#unsettled.get(file.path);
    const isUnchanged = seen !== undefined && isSameStamp(seen.stamp, file);
    const restMs = isUnchanged ? nowMs - seen.sinceMs : 0;
    const isOld = seen === undefined && nowMs - file.modifiedMs >= this.#settleMs;
    if (isOld || restMs >= this.#settleMs) {
      this.#unsettled.delete(file.path);
      return 0;
    }
    if (!isUnchanged) this.#unsettled.set(file.path, { stamp: file, sinceMs: nowMs });
    return this.#settleMs - restMs;
  }

  keepOnly(paths: ReadonlySet<string>): void {
    for (const path of this.#unsettled.keys()) if (!paths.has(path)) this.#unsettled.delete(path);
  }
}
