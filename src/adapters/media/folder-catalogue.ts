// The catalogue over a folder of music: scans it, follows its changes, answers from memory. Knows no rooms and no HTTP.
import type { TrackId } from '../../../protocol/ids.ts';
import type { Catalogue, Cover, MediaFile, Track, TrackPage } from '../../ports/catalogue.ts';
import type { Log } from '../../ports/log.ts';
import { readEmbeddedCover, readFolderCover } from './cover-art.ts';
import { CoverCache } from './cover-cache.ts';
import { FolderWatch } from './folder-watch.ts';
import { isInside, isSameStamp, walkAudioFiles } from './folder-walk.ts';
import type { AudioFile } from './folder-walk.ts';
import { LeftOut } from './left-out.ts';
import { openMediaFile } from './open-media-file.ts';
import { Settling } from './settling.ts';
import { TrackCache } from './track-cache.ts';
import { resolveMediaDir } from './unreadable-media-dir.ts';
import { readTrackFile } from './track-file.ts';
import type { TrackTags } from './track-file.ts';
import { TrackIndex } from './track-index.ts';

/** Runs `task` once after `delayMs`; returns what cancels it. */
export type Schedule = (task: () => void, delayMs: number) => () => void;

export interface FolderCatalogueOptions {
  readonly mediaDir: string;
  readonly log: Log;
  /** Where what was read is remembered between starts; without it every start reads every file. */
  readonly cacheFile?: string;
  /** A file is taken once it has been left alone for so long: one that is still being copied is not. */
  readonly settleMs?: number;
  /** How long after a sign of change the folder is scanned: a copy of many files is one scan, not hundreds. */
  readonly debounceMs?: number;
  /** The slow scan that finds what no watch told, as on a network share. */
  readonly rescanMs?: number;
  /** How long opening waits for the first scan; what is found later arrives as changes. */
  readonly firstScanPatienceMs?: number;
  readonly readsAtOnce?: number;
  /** Off, changes are found by the slow scan alone. */
  readonly isWatching?: boolean;
  /** The file system's clock, in Unix ms. */
  readonly nowMs?: () => number;
  readonly schedule?: Schedule;
}

/** The catalogue, and what its owner may ask of it beyond the port. */
export interface FolderCatalogue extends Catalogue {
  /** Scans now, after the scan that may be under way; resolved when it is through. Never rejects. */
  rescan(): Promise<void>;
}

interface Source {
  readonly file: AudioFile;
  readonly tags: TrackTags;
}

const TRACKS_PER_BATCH = 250;

const scheduleTimer: Schedule = (task, delayMs) => {
  const timer = setTimeout(task, delayMs);
  timer.unref();
  return () => clearTimeout(timer);
};

/** Opens the folder and scans it. Rejects with `UnreadableMediaDir` where it cannot be read. */
export async function openFolderCatalogue(
  options: FolderCatalogueOptions,
): Promise<FolderCatalogue> {
  const root = await resolveMediaDir(options.mediaDir);
  const catalogue = new ScannedFolder(root, options, await TrackCache.load(options.cacheFile));
  await catalogue.start();
  return catalogue;
}

class ScannedFolder implements FolderCatalogue {
  readonly #root: string;
  readonly #log: Log;
  readonly #cache: TrackCache;
  readonly #watch: FolderWatch | undefined;
  readonly #schedule: Schedule;
  readonly #nowMs: () => number;
  readonly #settling: Settling;
  readonly #debounceMs: number;
  readonly #rescanMs: number;
  readonly #firstScanPatienceMs: number;
  readonly #readsAtOnce: number;
  readonly #listeners = new Set<() => void>();
  readonly #covers = new CoverCache();

  #index = new TrackIndex([]);
  /** By path: what is in the index. */
  #sources = new Map<string, Source>();
  #sourceById = new Map<TrackId, Source>();
  readonly #leftOut: LeftOut;
  #scanning: Promise<void> = Promise.resolve();
  #lastScanMs = 0;
  #next: { readonly dueMs: number; readonly cancel: () => void } | undefined;
  #isStopped = false;
  #couldNotSave = false;

  constructor(root: string, options: FolderCatalogueOptions, cache: TrackCache) {
    this.#root = root;
    this.#log = options.log;
    this.#cache = cache;
    this.#schedule = options.schedule ?? scheduleTimer;
    this.#nowMs = options.nowMs ?? (() => Date.now());
    this.#leftOut = new LeftOut(options.log);
    this.#settling = new Settling(options.settleMs ?? 2_000);
    this.#debounceMs = options.debounceMs ?? 400;
    this.#rescanMs = options.rescanMs ?? 60_000;
    this.#firstScanPatienceMs = options.firstScanPatienceMs ?? 3_000;
    this.#readsAtOnce = options.readsAtOnce ?? 4;
    if (options.isWatching ?? true) {
      this.#watch = new FolderWatch(
        () => this.#scanWithin(Math.max(this.#debounceMs, 4 * this.#lastScanMs)),
        (error) =>
          this.#log.warn(
            { error, rescanMs: this.#rescanMs },
            'media: a folder cannot be watched; it is scanned now and then instead',
          ),
      );
    }
  }

  async start(): Promise<void> {
    let cancel = (): void => undefined;
    const patience = new Promise<void>((resolve) => {
      cancel = this.#schedule(resolve, this.#firstScanPatienceMs);
    });
    await Promise.race([this.rescan(), patience]);
    cancel();
  }

  get(id: TrackId): Track | undefined {
    return this.#index.get(id);
  }

  search(query: string, page: { readonly offset: number; readonly limit: number }): TrackPage {
    return this.#index.search(query, page);
  }

  async open(id: TrackId): Promise<MediaFile | undefined> {
    const source = this.#sourceById.get(id);
    return source && openMediaFile({ ...source.file, id, mimeType: source.tags.mimeType });
  }

  async cover(id: TrackId): Promise<Cover | undefined> {
    const source = this.#sourceById.get(id);
    if (!source) return undefined;
    try {
      const { path, folderCoverPath } = source.file;
      const embedded = source.tags.hasEmbeddedCover
        ? await this.#covers.get(path, readEmbeddedCover)
        : undefined;
      if (embedded || folderCoverPath === undefined) return embedded;
      return await this.#covers.get(folderCoverPath, readFolderCover);
    } catch (error) {
      this.#log.debug({ error, path: source.file.path }, 'media: a cover cannot be read');
      return undefined;
    }
  }

  onChange(listener: () => void): () => void {
    const own = () => listener(); // The same function may be registered twice.
    this.#listeners.add(own);
    return () => this.#listeners.delete(own);
  }

  rescan(): Promise<void> {
    this.#scanning = this.#scanning.then(async () => {
      if (this.#isStopped) return;
      const startedMs = performance.now();
      try {
        await this.#scan();
      } catch (error) {
        // The folder is away for now (a share unmounted): what is known stays, the next scan decides.
        this.#log.warn({ error, mediaDir: this.#root }, 'media: the folder cannot be scanned');
      }
      this.#lastScanMs = performance.now() - startedMs;
      this.#scanWithin(this.#rescanMs);
    });
    return this.#scanning;
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#watch?.close();
    this.#next?.cancel();
    this.#next = undefined;
    this.#listeners.clear();
    await this.#scanning;
  }

  /** A scan at the latest in `delayMs`. One that is planned for later moves forward; one planned earlier stays, so nothing is put off. */
  #scanWithin(delayMs: number): void {
    if (this.#isStopped) return;
    const dueMs = performance.now() + delayMs;
    if (this.#next && this.#next.dueMs <= dueMs) return;
    this.#next?.cancel();
    const cancel = this.#schedule(() => {
      this.#next = undefined;
      void this.rescan();
    }, delayMs);
    this.#next = { dueMs, cancel };
  }

  async #scan(): Promise<void> {
    const directories = new Set<string>();
    const unreadable = new Map<string, unknown>();
    const files = await walkAudioFiles(this.#root, {
      onDirectory: (directory) => {
        directories.add(directory);
        if (!this.#isStopped) this.#watch?.add(directory);
      },
      onUnreadable: (directory, error) => unreadable.set(directory, error),
    });
    this.#watch?.keepOnly(directories);
    this.#leftOut.setFolders(unreadable);

    const sources = new Map<string, Source>();
    const unread: AudioFile[] = [];
    for (const file of files) {
      const before = this.#sources.get(file.path);
      const known = before && isSameStamp(before.file, file) ? before.tags : this.#cache.get(file);
      if (known) sources.set(file.path, { file, tags: known });
      else if (!this.#leftOut.isDamaged(file) && this.#hasSettled(file)) unread.push(file);
      // A file that is being overwritten keeps its place until it has settled; opening it is refused meanwhile.
      else if (before && !this.#leftOut.has(file.path)) sources.set(file.path, before);
    }
    for (const [path, source] of this.#sources)
      if ([...unreadable.keys()].some((folder) => isInside(folder, path)))
        sources.set(path, source);
    this.#forgetAllBut(files);
    this.#publish(sources);
    if (unread.length > 0) await this.#readAll(unread, sources, files);
  }

  async #readAll(
    unread: readonly AudioFile[],
    sources: Map<string, Source>,
    present: readonly AudioFile[],
  ): Promise<void> {
    const queue = unread.values();
    let read = 0;
    let sinceBatch = 0;
    const reader = async () => {
      for (const file of queue) {
        if (this.#isStopped) return;
        const tags = await this.#read(file);
        if (!tags) continue;
        sources.set(file.path, { file, tags });
        this.#cache.set(file, tags);
        read += 1;
        sinceBatch += 1;
        if (sinceBatch < TRACKS_PER_BATCH) continue;
        sinceBatch = 0;
        this.#publish(sources);
      }
    };
    await Promise.all(Array.from({ length: this.#readsAtOnce }, reader));
    if (read === 0) return;
    this.#publish(sources);
    await this.#save(present);
    this.#log.info({ read, tracks: this.#sourceById.size }, 'media: folder scanned');
  }

  async #read(file: AudioFile): Promise<TrackTags | undefined> {
    try {
      const tags = await readTrackFile(file);
      this.#leftOut.remove(file.path);
      return tags;
    } catch (error) {
      this.#leftOut.add(file, error);
      return undefined;
    }
  }

  #hasSettled(file: AudioFile): boolean {
    const waitMs = this.#settling.waitMs(file, this.#nowMs());
    if (waitMs > 0) this.#scanWithin(waitMs);
    return waitMs <= 0;
  }

  #forgetAllBut(files: readonly AudioFile[]): void {
    const present = new Set(files.map((file) => file.path));
    this.#leftOut.keepOnly(present);
    this.#settling.keepOnly(present);
  }

  /** Puts `sources` in force, and tells the listeners where a client would see a difference. */
  #publish(sources: ReadonlyMap<string, Source>): void {
    const byId = new Map<TrackId, Source>();
    const tracks: Track[] = [];
    // In the order of paths: of two files with the same content the same one is taken, in whatever order they were read.
    for (const path of [...sources.keys()].sort()) {
      const source = sources.get(path);
      if (!source || byId.has(source.tags.id)) continue;
      byId.set(source.tags.id, source);
      tracks.push(asTrack(source));
    }
    const isChanged =
      tracks.length !== this.#sourceById.size ||
      tracks.some((track) => !isSameTrack(track, this.#index.get(track.id)));
    this.#sources = new Map(sources);
    this.#sourceById = byId;
    if (!isChanged) return;
    this.#index = new TrackIndex(tracks);
    for (const listener of [...this.#listeners]) {
      try {
        listener();
      } catch (error) {
        this.#log.error({ error }, 'media: a listener of the catalogue failed');
      }
    }
  }

  async #save(present: readonly AudioFile[]): Promise<void> {
    try {
      await this.#cache.save(present);
    } catch (error) {
      if (!this.#couldNotSave)
        this.#log.warn(
          { error },
          'media: the cache of tags cannot be written; the next start reads every file',
        );
      this.#couldNotSave = true;
    }
  }
}

function asTrack({ file, tags }: Source): Track {
  const { id, title, artist, album, durationMs, mimeType, hasEmbeddedCover, gainDb, peak } = tags;
  const hasCover = hasEmbeddedCover || file.folderCoverPath !== undefined;
  const { sizeBytes } = file;
  return {
    ...{ id, title, artist, durationMs, mimeType, sizeBytes, hasCover },
    ...(album === undefined ? {} : { album }),
    ...(gainDb === undefined ? {} : { gainDb }),
    ...(peak === undefined ? {} : { peak }),
  };
}

function isSameTrack(a: Track, b: Track | undefined): boolean {
  return (
    a.title === b?.title &&
    a.artist === b.artist &&
    a.album === b.album &&
    a.durationMs === b.durationMs &&
    a.hasCover === b.hasCover &&
    a.gainDb === b.gainDb &&
    a.peak === b.peak
  );
}
