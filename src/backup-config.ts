// The keys of the environment that tell where the embedded database is backed up to, and how often.
import path from 'node:path';
import { z } from 'zod';

/** What a timer of Node can wait for, and more than anybody should. */
const MOST_HOURS = 24 * 7;

export const BACKUP_KEYS = {
  BACKUP_DIR: z
    .string()
    .optional()
    .describe(
      'folder for backups of the embedded database, made while it runs; best on another disk; default: none are made',
    ),
  BACKUP_HOURS: z.coerce
    .number()
    .min(0)
    .max(MOST_HOURS)
    .default(24)
    .describe('time between two backups; 0: only when an operator asks for one'),
  BACKUPS_KEPT: z.coerce
    .number()
    .int()
    .min(1)
    .max(1_000)
    .default(7)
    .describe('backups that are kept; older ones are deleted once a newer one is whole'),
};

type BackupEnvironment = z.infer<z.ZodObject<typeof BACKUP_KEYS>>;

export interface BackupConfig {
  readonly dir: string;
  /** Undefined: only when somebody asks. */
  readonly everyMs: number | undefined;
  readonly kept: number;
}

/** What of these keys does not go with the others, one line each. */
export function backupFaults(
  env: BackupEnvironment & {
    readonly DATA_DIR: string;
    readonly POSTGRES_URL?: string | undefined;
  },
): string[] {
  const { BACKUP_DIR: dir, DATA_DIR: dataDir, POSTGRES_URL: server } = env;
  if (dir === undefined) return [];
  if (server !== undefined)
    return [
      'BACKUP_DIR: is for the embedded database alone; a Postgres server has means of its own (docs/operations.md, Backups)',
    ];
  const database = path.resolve(dataDir, 'postgres');
  return `${path.resolve(dir)}${path.sep}`.startsWith(`${database}${path.sep}`)
    ? ['BACKUP_DIR: lies within the database that it is to hold copies of']
    : [];
}

/** Undefined: none are made. */
export function backupOf(env: BackupEnvironment): BackupConfig | undefined {
  const { BACKUP_DIR: dir, BACKUP_HOURS: hours, BACKUPS_KEPT: kept } = env;
  if (dir === undefined) return undefined;
  return { dir: path.resolve(dir), everyMs: hours === 0 ? undefined : hours * 3_600_000, kept };
}
