// Tells that something changed in a set of folders. Knows nothing of what: a scan finds that out.
import { watch } from 'node:fs';
import type { FSWatcher } from 'node:fs';

/**
 * One watch a folder: Node 20 implements `recursive` on Linux by a watch on every single file, which a library of 10,000 exhausts.
 * A folder that cannot be watched is reported once through `onFailure`; the periodic scan still finds its changes.
 */
export class FolderWatch {
  readonly #watchers = new Map<string, FSWatcher>();
  readonly #onChange: () => void;
  readonly #onFailure: (error: unknown) => void;
  #hasFailed = false;

  constructor(onChange: () => void, onFailure: (error: unknown) => void) {
    this.#onChange = onChange;
    this.#onFailure = onFailure;
  }

  add(directory: string): void {
    if (this.#watchers.has(directory)) return;
    try {
      const watcher = watch(directory, { persistent: false }, () => this.#onChange());
      watcher.on('error', (error) => {
        this.#drop(directory);
        this.#fail(error);
      });
      this.#watchers.set(directory, watcher);
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Watches these folders alone from now on. */
  keepOnly(directories: ReadonlySet<string>): void {
    for (const watched of this.#watchers.keys()) if (!directories.has(watched)) this.#drop(watched);
  }

  close(): void {
    this.keepOnly(new Set());
  }

  #drop(directory: string): void {
    this.#watchers.get(directory)?.close();
    this.#watchers.delete(directory);
  }

  #fail(error: unknown): void {
    if (this.#hasFailed) return;
    this.#hasFailed = true;
    this.#onFailure(error);
  }
}
