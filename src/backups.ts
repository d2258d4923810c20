// Backups of the embedded database while it runs: a folder each, whole or not there, the newest few kept. Knows no database.
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import type { BackupConfig } from './backup-config.ts';
import { BackupFailed, type Backup, type BackupMaker } from './ports/backups.ts';
import type { Log } from './ports/log.ts';
import type { Metrics } from './ports/metrics.ts';
import type { Timers } from './ports/timers.ts';

export interface BackupsDeps extends BackupConfig {
  readonly copyTo: (directory: string) => Promise<void>;
  readonly timers: Timers;
  readonly metrics: Metrics;
  readonly log: Log;
  readonly wallNow: () => number;
}

const NAME = /^earshot-(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/;
const PARTIAL = '.partial';
/** The secret that signs tokens is in it. */
const OURS_ALONE = 0o700;
/** A service that has just started has other things to do. */
const SOONEST_MS = 10_000;
const AGAIN_AFTER_FAILURE_MS = 600_000;

export class Backups implements BackupMaker {
  readonly #deps: BackupsDeps;
  #making: Promise<Backup> | undefined;
  #cancel: (() => void) | undefined;
  #isStopped = false;
  #newestAt: number | undefined;
  #made = 0;
  #failed = 0;

  constructor(deps: BackupsDeps) {
    this.#deps = deps;
    const { metrics, everyMs } = deps;
    metrics.total(
      { name: 'earshot_backups_made_total', help: 'Backups of the embedded database.' },
      () => this.#made,
    );
    metrics.total(
      { name: 'earshot_backups_failed_total', help: 'Backups that could not be made.' },
      () => this.#failed,
    );
    // Where they are made only when somebody asks, none is ever late.
    if (everyMs === undefined) return;
    metrics.gauge(
      {
        name: 'earshot_backup_timestamp_seconds',
        help: 'When the newest backup was made, in seconds since 1970; 0 without one.',
      },
      () => (this.#newestAt ?? 0) / 1_000,
    );
  }

  /** Looks at what is there, and makes the next one when it is due. Rejects with `BackupFailed` where the folder cannot be used. */
  async start(): Promise<void> {
    try {
      await mkdir(this.#deps.dir, { recursive: true, mode: OURS_ALONE });
      const all = await this.#all();
      for (const name of await readdir(this.#deps.dir))
        if (name.endsWith(PARTIAL) && NAME.test(name.slice(0, -PARTIAL.length)))
          await rm(this.#at(name), { recursive: true });
      this.#newestAt = takenAt(all.at(-1));
    } catch (error) {
      throw failure(error);
    }
    const { everyMs, wallNow } = this.#deps;
    if (everyMs === undefined) return;
    const dueAt = (this.#newestAt ?? -Infinity) + everyMs;
    this.#arm(Math.max(SOONEST_MS, Math.min(everyMs, dueAt - wallNow())));
  }

  make(): Promise<Backup> {
    this.#making ??= this.#make().finally(() => {
      this.#making = undefined;
    });
    return this.#making;
  }

  /** Resolves when none is being made. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#cancel?.();
    await this.#making?.catch(() => undefined);
  }

  #arm(delayMs: number): void {
    if (this.#isStopped) return;
    this.#cancel = this.#deps.timers.after(delayMs, () => {
      const everyMs = this.#deps.everyMs ?? Infinity;
      this.make().then(
        () => this.#arm(everyMs),
        () => this.#arm(Math.min(everyMs, AGAIN_AFTER_FAILURE_MS)),
      );
    });
  }

  async #make(): Promise<Backup> {
    const { copyTo, wallNow, log } = this.#deps;
    // Names are by the second, and in order also where the clock was set back.
    const at = Math.max(wallNow(), (this.#newestAt ?? -Infinity) + 1_000);
    const name = nameAt(at);
    const partial = this.#at(`${name}${PARTIAL}`);
    try {
      await mkdir(partial, { mode: OURS_ALONE });
      const from = performance.now();
      await copyTo(path.join(partial, 'postgres'));
      const tookMs = performance.now() - from;
      const bytes = await flushed(partial);
      await rename(partial, this.#at(name));
      await flush(this.#deps.dir);
      this.#newestAt = at;
      this.#made += 1;
      const backup: Backup = { name, takenAt: at, tookMs, bytes };
      log.info({ ...backup, dir: this.#deps.dir }, 'a backup was made');
      await this.#prune();
      return backup;
    } catch (error) {
      await rm(partial, { recursive: true, force: true }).catch(() => undefined);
      this.#failed += 1;
      const failed = failure(error);
      log.error({ err: failed, dir: this.#deps.dir }, 'a backup could not be made');
      throw failed;
    }
  }

  /** Never rejects: the newest one is there, whatever becomes of the old. */
  async #prune(): Promise<void> {
    try {
      const old = (await this.#all()).slice(0, -this.#deps.kept);
      for (const name of old) await rm(this.#at(name), { recursive: true });
    } catch (error) {
      this.#deps.log.warn({ err: error, dir: this.#deps.dir }, 'an old backup is still there');
    }
  }

  /** Those that are whole, the oldest first: nothing else in the folder is ever touched. */
  async #all(): Promise<string[]> {
    return (await readdir(this.#deps.dir)).filter((name) => NAME.test(name)).sort();
  }

  #at(name: string): string {
    return path.join(this.#deps.dir, name);
  }
}

function failure(error: unknown): BackupFailed {
  return new BackupFailed(error instanceof Error ? error : new Error(String(error)));
}

function nameAt(ms: number): string {
  return `earshot-${new Date(ms).toISOString().replace(/\.\d+/, '').replaceAll(/[-:]/g, '')}`;
}

function takenAt(name: string | undefined): number | undefined {
  const parts = NAME.exec(name ?? '')
    ?.slice(1)
    .map(Number);
  if (parts === undefined) return undefined;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = parts;
  return Date.UTC(year, month - 1, day, hour, minute, second);
}

/** Waits until all of it is on the disk: what is called whole must be so when the power goes. @returns its bytes */
async function flushed(directory: string): Promise<number> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  let bytes = 0;
  for (const entry of entries) {
    const place = path.join(entry.parentPath, entry.name);
    if (entry.isFile()) bytes += (await stat(place)).size;
    await flush(place);
  }
  await flush(directory);
  return bytes;
}

async function flush(place: string): Promise<void> {
  const file = await open(place, 'r');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}
