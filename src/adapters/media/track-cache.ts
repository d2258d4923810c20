// Remembers on disk what was read from each file, so that a restart with 10,000 files reads none of them again.
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { z } from 'zod';
import type { TrackId } from '../../../protocol/ids.ts';
import type { AudioFile } from './folder-walk.ts';
import type { TrackTags } from './track-file.ts';

// Raise it when the reading of tags changes: an older file is then read as an empty one.
const CACHE_VERSION = 2;

const CachedTrackSchema = z.object({
  sizeBytes: z.number(),
  modifiedMs: z.number(),
  tags: z.object({
    id: z.string().transform((id) => id as TrackId),
    title: z.string(),
    artist: z.string(),
    album: z.string().optional(),
    durationMs: z.number(),
    mimeType: z.string(),
    hasEmbeddedCover: z.boolean(),
    gainDb: z.number().optional(),
    peak: z.number().optional(),
  }),
});
const CacheSchema = z.object({
  version: z.literal(CACHE_VERSION),
  files: z.record(z.string(), CachedTrackSchema),
});

type CachedTrack = z.infer<typeof CachedTrackSchema>;

/** Keyed by path below the media folder, size and time of change. A missing or damaged cache is an empty one. */
export class TrackCache {
  readonly #path: string | undefined;
  readonly #files: Map<string, CachedTrack>;

  private constructor(path: string | undefined, files: Map<string, CachedTrack>) {
    this.#path = path;
    this.#files = files;
  }

  /** Without a path it remembers nothing beyond the process. */
  static async load(path: string | undefined): Promise<TrackCache> {
    if (path === undefined) return new TrackCache(undefined, new Map());
    try {
      const cache = CacheSchema.parse(JSON.parse(await readFile(path, 'utf8')));
      return new TrackCache(path, new Map(Object.entries(cache.files)));
    } catch {
      return new TrackCache(path, new Map()); // It is only a memory of what the files say: they are read again.
    }
  }

  get(file: AudioFile): TrackTags | undefined {
    const cached = this.#files.get(file.relativePath);
    const isCurrent = cached?.sizeBytes === file.sizeBytes && cached.modifiedMs === file.modifiedMs;
    return isCurrent ? cached.tags : undefined;
  }

  set(file: AudioFile, tags: TrackTags): void {
    const { sizeBytes, modifiedMs } = file;
    this.#files.set(file.relativePath, { sizeBytes, modifiedMs, tags });
  }

  /** Replaces the file on disk, whole or not at all, by what is remembered of `present`. Rejects where it cannot be written. */
  async save(present: readonly AudioFile[]): Promise<void> {
    const kept = new Set(present.map((file) => file.relativePath));
    for (const path of this.#files.keys()) if (!kept.has(path)) this.#files.delete(path);
    if (this.#path === undefined) return;
    const temporary = `${this.#path}.${process.pid}.tmp`;
    await mkdir(dirname(this.#path), { recursive: true });
    try {
      const cache = { version: CACHE_VERSION, files: Object.fromEntries(this.#files) };
      await writeFile(temporary, JSON.stringify(cache));
      await rename(temporary, this.#path);
    } finally {
      await rm(temporary, { force: true });
    }
  }
}
