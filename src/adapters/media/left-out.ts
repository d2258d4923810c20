// What the catalogue leaves out because it cannot be read: what is worth another try, and what was told of it already.
import type { Log } from '../../ports/log.ts';
import { isSameStamp } from './folder-walk.ts';
import type { AudioFile, FileStamp } from './folder-walk.ts';
import { DamagedTrack } from './track-file.ts';

interface LeftOutFile {
  readonly stamp: FileStamp;
  /** Reading it again would find the same. Otherwise it was the file system that failed, which may pass. */
  readonly isDamaged: boolean;
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

export class LeftOut {
  readonly #log: Log;
  /** By path: files, as they were when they could not be read. */
  readonly #files = new Map<string, LeftOutFile>();
  #folders: ReadonlySet<string> = new Set();

  constructor(log: Log) {
    this.#log = log;
  }

  has(path: string): boolean {
    return this.#files.has(path);
  }

  /** Whether `file`, as it is now, was found to be damaged. */
  isDamaged(file: AudioFile): boolean {
    const known = this.#files.get(file.path);
    return known?.isDamaged === true && isSameStamp(known.stamp, file);
  }

  /** Tells of it, once for each state of the file. */
  add(file: AudioFile, error: unknown): void {
    const known = this.#files.get(file.path);
    this.#files.set(file.path, { stamp: file, isDamaged: error instanceof DamagedTrack });
    if (known !== undefined && isSameStamp(known.stamp, file)) return;
    this.#log.warn(
      { path: file.path, reason: reasonOf(error) },
      'media: a file cannot be read as music and is left out',
    );
  }

  remove(path: string): void {
    this.#files.delete(path);
  }

  keepOnly(paths: ReadonlySet<string>): void {
    for (const path of this.#files.keys()) if (!paths.has(path)) this.#files.delete(path);
  }

  /** Takes the folders that a scan could not read, and tells of those that the one before could. */
  setFolders(unreadable: ReadonlyMap<string, unknown>): void {
    for (const [path, error] of unreadable) {
      if (this.#folders.has(path)) continue;
      this.#log.warn(
        { path, reason: reasonOf(error) },
        'media: a folder cannot be read; what is known of it stays',
      );
    }
    this.#folders = new Set(unreadable.keys());
  }
}
