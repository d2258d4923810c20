// Who may work on a data directory when a lock lies there: of a process here, of one in another container, of one that is being buried.
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DataDirInUse, lockDataDir } from '../../../src/adapters/postgres/data-dir-lock.ts';

let dataDir: string;
beforeEach(() => {
  dataDir = mkdtempSync(path.join(tmpdir(), 'earshot-lock-'));
});
afterEach(() => rmSync(dataDir, { recursive: true, force: true }));

const lockFile = (): string => path.join(dataDir, 'earshot.lock');
const ELSEWHERE = JSON.stringify({ pid: 1, born: 'x 1', space: 'pid:[another container]' });
const DEAD = JSON.stringify({ pid: process.pid, born: 'before the last boot' });

describe('the lock of a data directory', () => {
  it('is refused while its holder lives, and free after its release', async () => {
    const unlock = await lockDataDir(dataDir);
    await expect(lockDataDir(dataDir)).rejects.toThrow(DataDirInUse);
    unlock();
    unlock();
    expect(readdirSync(dataDir)).toEqual([]);
    (await lockDataDir(dataDir))();
  });

  it('of another container is refused when it shows a sign of life, whatever lives under its number here', async () => {
    writeFileSync(lockFile(), ELSEWHERE);
    let looks = 0;
    const pause = (): Promise<void> => {
      looks += 1;
      if (looks === 3) utimesSync(lockFile(), looks, looks);
      return Promise.resolve();
    };
    await expect(lockDataDir(dataDir, { pause })).rejects.toThrow(DataDirInUse);
    expect(readFileSync(lockFile(), 'utf8')).toBe(ELSEWHERE);
    expect(readdirSync(dataDir)).toEqual(['earshot.lock']);
  });

  it('of another container is taken over when it shows none for long', async () => {
    writeFileSync(lockFile(), ELSEWHERE);
    let looks = 0;
    const pause = (): Promise<void> => {
      looks += 1;
      return Promise.resolve();
    };
    const unlock = await lockDataDir(dataDir, { pause });
    expect(looks).toBe(10);
    expect(JSON.parse(readFileSync(lockFile(), 'utf8'))).toMatchObject({ pid: process.pid });
    unlock();
    expect(readdirSync(dataDir)).toEqual([]);
  });

  it('of the dead is left to who buries it already, and the one that follows is respected', async () => {
    writeFileSync(lockFile(), DEAD);
    const living = path.join(dataDir, 'living');
    const unlockOther = await lockDataDir(living);
    const other = readFileSync(path.join(living, 'earshot.lock'), 'utf8');
    const name = createHash('sha256').update(DEAD).digest('hex').slice(0, 16);
    const right = `${lockFile()}.${name}`;
    writeFileSync(right, other);
    const pause = (): Promise<void> => {
      // The other one is through: the lock is its own now.
      expect(readFileSync(lockFile(), 'utf8')).toBe(DEAD);
      writeFileSync(lockFile(), other);
      rmSync(right);
      return Promise.resolve();
    };
    await expect(lockDataDir(dataDir, { pause })).rejects.toThrow(DataDirInUse);
    expect(readFileSync(lockFile(), 'utf8')).toBe(other);
    unlockOther();
  });
});
