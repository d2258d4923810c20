// Which backups are made, kept and deleted, and what is said of one that fails; the copy itself is a folder that the test fills.
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Backups, type BackupsDeps } from '../../src/backups.ts';
import { BackupFailed } from '../../src/ports/backups.ts';
import { silentMetrics } from '../support/hub-world.ts';
import { ManualTime } from '../support/manual-time.ts';
import { SILENT } from '../support/postgres-stores.ts';

const NOON = Date.UTC(2026, 0, 31, 12);
const HOUR_MS = 3_600_000;

describe('backups', () => {
  let dir: string;
  let time: ManualTime;
  let copied: string[];
  let fails: Error | undefined;
  let backups: Backups;

  function backupsOf(options: Partial<BackupsDeps> = {}): Backups {
    return new Backups({
      ...{ dir, everyMs: 24 * HOUR_MS, kept: 2, timers: time, metrics: silentMetrics, log: SILENT },
      wallNow: () => NOON + time.now(),
      copyTo: async (directory) => {
        if (fails !== undefined) throw fails;
        copied.push(directory);
        await mkdir(directory);
        await writeFile(path.join(directory, 'PG_VERSION'), '18\n');
      },
      ...options,
    });
  }

  beforeEach(async () => {
    dir = path.join(await mkdtemp(path.join(tmpdir(), 'earshot-backups-')), 'backups');
    time = new ManualTime(0);
    copied = [];
    fails = undefined;
    backups = backupsOf();
  });
  afterEach(async () => {
    await backups.stop();
    await rm(path.dirname(dir), { recursive: true });
  });

  it('are folders by the time at which they were made, whole or not there', async () => {
    await backups.start();
    const made = backups.make();
    expect(await made).toEqual({
      ...{ name: 'earshot-20260131T120000Z', takenAt: NOON, bytes: 3 },
      tookMs: expect.any(Number) as number,
    });
    expect(copied).toEqual([path.join(dir, 'earshot-20260131T120000Z.partial', 'postgres')]);
    expect(await readdir(dir, { recursive: true })).toEqual([
      'earshot-20260131T120000Z',
      'earshot-20260131T120000Z/postgres',
      'earshot-20260131T120000Z/postgres/PG_VERSION',
    ]);
  });

  it('are made when they are due, also where the process was started anew meanwhile', async () => {
    await backups.start();
    await time.advance(9_999);
    expect(copied).toHaveLength(0);
    await time.advance(1);
    await expect.poll(() => readdir(dir)).toEqual(['earshot-20260131T120010Z']);
    await backups.stop();

    backups = backupsOf();
    await backups.start();
    await time.advance(23 * HOUR_MS);
    expect(copied).toHaveLength(1);
    await time.advance(HOUR_MS);
    await expect.poll(() => readdir(dir)).toHaveLength(2);
    await expect.poll(() => time.waiting).toBe(1);
    await time.advance(24 * HOUR_MS);
    await expect.poll(() => copied.length).toBe(3);
  });

  it('are the newest few, and nothing else in the folder is touched', async () => {
    await mkdir(path.join(dir, 'earshot-20250101T000000Z'), { recursive: true });
    await mkdir(path.join(dir, 'earshot-20250102T000000Z.partial'));
    await mkdir(path.join(dir, 'film.partial'));
    await writeFile(path.join(dir, 'notes.txt'), 'mine');
    await backups.start();
    expect(await readdir(dir)).toEqual(['earshot-20250101T000000Z', 'film.partial', 'notes.txt']);
    await backups.make();
    // Within the same second.
    await backups.make();
    expect(await readdir(dir)).toEqual([
      'earshot-20260131T120000Z',
      'earshot-20260131T120001Z',
      'film.partial',
      'notes.txt',
    ]);
  });

  it('are one at a time: whoever asks meanwhile gets that one', async () => {
    await backups.start();
    const [one, other] = await Promise.all([backups.make(), backups.make()]);
    expect(one).toBe(other);
    expect(copied).toHaveLength(1);
  });

  it('that fail leave nothing, are told, and are tried again in ten minutes', async () => {
    await backups.start();
    fails = new Error('no space left on device');
    await expect(backups.make()).rejects.toThrow(BackupFailed);
    await expect(backups.make()).rejects.toThrow(/no space left/);
    expect(await readdir(dir)).toEqual([]);
    await time.advance(10_000);
    // The folder is tidied before it is tried again.
    await expect.poll(() => time.waiting).toBe(1);
    fails = undefined;
    await time.advance(600_000);
    await expect.poll(() => readdir(dir)).toHaveLength(1);
  });

  it('are refused at the start where the folder cannot be used', async () => {
    await writeFile(dir, 'a file');
    await expect(backups.start()).rejects.toThrow(BackupFailed);
  });

  it('are made of themselves only where that is asked for', async () => {
    await backups.stop();
    backups = backupsOf({ everyMs: undefined });
    await backups.start();
    expect(time.waiting).toBe(0);
    await time.advance(400 * HOUR_MS);
    expect(copied).toEqual([]);
    expect((await backups.make()).name).toMatch(/^earshot-2026/);
  });
});
