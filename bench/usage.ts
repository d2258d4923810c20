// What processes have used of the processor and of memory: as they tell it themselves, or read from outside where they are not of Node.
import { readFile } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';

export interface Usage {
  readonly userUs: number;
  readonly systemUs: number;
  readonly rssBytes: number;
}

/** What a process of a bench answers when it is asked for either; `memory` with its garbage collected. */
export type UsageReport =
  ({ readonly kind: 'usage' } & Usage) | ({ readonly kind: 'memory' } & Usage);

/** The kernel counts a process's time in hundredths of a second, whatever its own clock. */
const TICK_US = 10_000;
/** Behind the name, which may have spaces: the fields of `/proc/<pid>/stat` from the third on. */
const [USER_FIELD, SYSTEM_FIELD] = [11, 12];
const COLLECTIONS = 3;
const BETWEEN_COLLECTIONS_MS = 300;

export function ownUsage(): Usage {
  const { user, system } = process.cpuUsage();
  return { userUs: user, systemUs: system, rssBytes: process.memoryUsage().rss };
}

/** The same with the garbage collected first, where the process runs with `--expose-gc`. */
export async function ownUsageCollected(): Promise<Usage> {
  for (let i = 0; i < COLLECTIONS; i += 1) {
    globalThis.gc?.();
    await pause(BETWEEN_COLLECTIONS_MS);
  }
  return ownUsage();
}

/** Of any process of a Linux. Rejects where there is none of that id. */
export async function usageOf(pid: number): Promise<Usage> {
  const [stat, status] = await Promise.all([
    readFile(`/proc/${pid}/stat`, 'utf8'),
    readFile(`/proc/${pid}/status`, 'utf8'),
  ]);
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return {
    userUs: Number(fields[USER_FIELD]) * TICK_US,
    systemUs: Number(fields[SYSTEM_FIELD]) * TICK_US,
    rssBytes: Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) * 1_024,
  };
}

export function sumOf(usages: readonly Usage[]): Usage {
  const of = (pick: (usage: Usage) => number): number =>
    usages.reduce((sum, usage) => sum + pick(usage), 0);
  return {
    userUs: of(({ userUs }) => userUs),
    systemUs: of(({ systemUs }) => systemUs),
    rssBytes: of(({ rssBytes }) => rssBytes),
  };
}

/** From `before` to `after`. */
export function rise(before: Usage, after: Usage): Usage {
  return {
    userUs: after.userUs - before.userUs,
    systemUs: after.systemUs - before.systemUs,
    rssBytes: after.rssBytes - before.rssBytes,
  };
}

export function cpuOf({ userUs, systemUs }: Pick<Usage, 'userUs' | 'systemUs'>): number {
  return userUs + systemUs;
}
