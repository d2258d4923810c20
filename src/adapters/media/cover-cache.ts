// The covers that were asked for last, so that asking again costs a look at the file. Knows paths and stamps, nothing of tracks or images.
import { stat } from 'node:fs/promises';
import type { Cover } from '../../ports/catalogue.ts';
import { stampOf } from './folder-walk.ts';

const MAX_BYTES = 32 * 1024 * 1024;
/** What is kept of a file beside its image, also where there is none in it. */
const ENTRY_BYTES = 1024;
const READS_AT_ONCE = 4;

export type ReadCover = (path: string) => Promise<Cover | undefined>;

export class CoverCache {
  readonly #maxBytes: number;
  /** By path and stamp; the one that was asked for last is the last. */
  readonly #kept = new Map<string, Cover | undefined>();
  readonly #reads = new Map<string, Promise<Cover | undefined>>();
  readonly #waiting: (() => void)[] = [];
  #keptBytes = 0;
  #readsUnderWay = 0;

  constructor(maxBytes = MAX_BYTES) {
    this.#maxBytes = maxBytes;
  }

  /** What `read` gives for the file at `path` as it is now; those who ask meanwhile wait for the same read. Rejects where it cannot be read. */
  async get(path: string, read: ReadCover): Promise<Cover | undefined> {
    const { sizeBytes, modifiedMs, inode } = stampOf(await stat(path));
    const key = [path, sizeBytes, modifiedMs, inode].join('\0');
    if (this.#kept.has(key)) {
      const cover = this.#kept.get(key);
      this.#kept.delete(key);
      this.#kept.set(key, cover);
      return cover;
    }
    let reading = this.#reads.get(key);
    if (reading === undefined) {
      reading = this.#read(key, path, read).finally(() => this.#reads.delete(key));
      this.#reads.set(key, reading);
    }
    return reading;
  }

  async #read(key: string, path: string, read: ReadCover): Promise<Cover | undefined> {
    // Each has all the tags of its file in memory.
    while (this.#readsUnderWay >= READS_AT_ONCE)
      await new Promise<void>((go) => this.#waiting.push(go));
    this.#readsUnderWay += 1;
    try {
      const cover = await read(path);
      this.#keep(key, cover);
      return cover;
    } finally {
      this.#readsUnderWay -= 1;
      this.#waiting.shift()?.();
    }
  }

  #keep(key: string, cover: Cover | undefined): void {
    this.#kept.set(key, cover);
    this.#keptBytes += sizeOf(cover);
    for (const [oldKey, old] of this.#kept) {
      if (this.#keptBytes <= this.#maxBytes) return;
      this.#kept.delete(oldKey);
      this.#keptBytes -= sizeOf(old);
    }
  }
}

function sizeOf(cover: Cover | undefined): number {
  return ENTRY_BYTES + (cover?.bytes.length ?? 0);
}
