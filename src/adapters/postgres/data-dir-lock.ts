// One process at a time on a data directory. A lock left by a process that died is taken over.
import { randomUUID } from 'node:crypto';
import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';

const LOCK_NAME = 'earshot.lock';

/** Another living process works on the data directory. */
export class DataDirInUse extends Error {
  constructor(dataDir: string, pid: number) {
    super(
      `${dataDir} is in use by process ${pid}: stop it first, or give this one another data directory`,
    );
    this.name = 'DataDirInUse';
  }
}

interface Holder {
  readonly pid: number;
  /** When the process began, as the system counts it; tells a process apart from a later one of the same number. */
  readonly born: string;
}

/**
 * Locks `dataDir`, which is made if need be. Throws `DataDirInUse`.
 * @returns the release; idempotent
 */
export function lockDataDir(dataDir: string): () => void {
  mkdirSync(dataDir, { recursive: true });
  const lockFile = path.join(dataDir, LOCK_NAME);
  const own = path.join(dataDir, `${LOCK_NAME}.${randomUUID()}`);
  const content = JSON.stringify({ pid: process.pid, born: bornAt(process.pid) });
  // Linked into place whole: nobody ever reads a lock that is half written.
  writeFileSync(own, content);
  try {
    claim(own, lockFile, dataDir);
  } finally {
    rmSync(own, { force: true });
  }
  return () => {
    if (contentOf(lockFile) === content) rmSync(lockFile, { force: true });
  };
}

function claim(own: string, lockFile: string, dataDir: string): void {
  for (;;) {
    try {
      linkSync(own, lockFile);
      return;
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
    }
    const holder = holderOf(contentOf(lockFile));
    if (holder !== undefined && isAlive(holder)) throw new DataDirInUse(dataDir, holder.pid);
    rmSync(lockFile, { force: true });
  }
}

function contentOf(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    // Gone between two looks: its holder has just released it.
    return undefined;
  }
}

function holderOf(content: string | undefined): Holder | undefined {
  try {
    const parsed: unknown = JSON.parse(content ?? '');
    if (typeof parsed !== 'object' || parsed === null) return undefined;
    const { pid, born } = parsed as Partial<Holder>;
    return typeof pid === 'number' && typeof born === 'string' ? { pid, born } : undefined;
  } catch {
    // Not one of ours, or cut off by a full disk: it protects nobody.
    return undefined;
  }
}

function isAlive({ pid, born }: Holder): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    // EPERM: it lives and belongs to somebody else.
    if (!(error instanceof Error && 'code' in error && error.code === 'EPERM')) return false;
  }
  // In a container every start has the same small pid: only the time of birth tells the dead from the living.
  return bornAt(pid) === born;
}

/** Empty where the system does not tell, and then the pid alone decides; `dead` for one that only waits to be buried. */
function bornAt(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const [state = ''] = fields;
    return 'ZX'.includes(state) ? 'dead' : `${boot} ${fields[19] ?? ''}`;
  } catch {
    return '';
  }
}
