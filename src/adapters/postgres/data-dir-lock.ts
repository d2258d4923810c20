// One process at a time on a data directory. A lock left by a process that died is taken over.
import { createHash, randomUUID } from 'node:crypto';
import {
  existsSync,
  linkSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  utimes,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { OperationalError } from '../../ports/operational-error.ts';

const LOCK_NAME = 'earshot.lock';

/** Another living process works on the data directory. */
export class DataDirInUse extends OperationalError {
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
  /** The system's space of process numbers that `pid` is from: each container has one of its own. Empty where the system does not tell. */
  readonly space: string;
}

export interface LockOptions {
  /** Lets a moment pass (a second by default) before the lock is looked at again. */
  readonly pause?: () => Promise<void>;
}

/** A holder shows itself so often, */
const SIGN_EVERY_MS = 2_000;
/** and has so many pauses to do so before another container takes it for dead. */
const LOOKS = 10;

function aSecond(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 1_000));
}

/**
 * Locks `dataDir`, which is made if need be. Rejects with `DataDirInUse`. Where the lock was left by another container, whose processes
 * cannot be seen from here, it is watched for ten pauses first.
 * @returns the release; idempotent
 */
export async function lockDataDir(
  dataDir: string,
  { pause = aSecond }: LockOptions = {},
): Promise<() => void> {
  mkdirSync(dataDir, { recursive: true });
  const lockFile = path.join(dataDir, LOCK_NAME);
  const own = path.join(dataDir, `${LOCK_NAME}.${randomUUID()}`);
  const self: Holder = { pid: process.pid, born: bornAt(process.pid), space: ownSpace() };
  const content = JSON.stringify({ ...self, id: randomUUID() });
  // Linked into place whole: nobody ever reads a lock that is half written.
  writeFileSync(own, content);
  try {
    await claim(own, lockFile, dataDir, pause);
  } finally {
    rmSync(own, { force: true });
  }
  const sign = setInterval(() => {
    const now = new Date();
    // One sign that could not be given is no reason to end: the next one follows.
    utimes(lockFile, now, now, () => undefined);
  }, SIGN_EVERY_MS);
  sign.unref();
  return () => {
    clearInterval(sign);
    if (contentOf(lockFile) === content) rmSync(lockFile, { force: true });
  };
}

async function claim(
  own: string,
  lockFile: string,
  dataDir: string,
  pause: () => Promise<void>,
): Promise<void> {
  while (!isLinked(own, lockFile)) {
    const content = contentOf(lockFile);
    if (content === undefined) continue;
    const holder = holderOf(content);
    if (holder !== undefined && (await isHeld(holder, lockFile, pause))) {
      throw new DataDirInUse(dataDir, holder.pid);
    }
    await removeDead(own, lockFile, content, pause);
  }
}

/**
 * Removes the lock that says `content`. Only who holds the right to bury that very lock may do so: between another's look and its
 * removal the lock of somebody who lives could have come into its place.
 */
async function removeDead(
  own: string,
  lockFile: string,
  content: string,
  pause: () => Promise<void>,
): Promise<void> {
  const name = createHash('sha256').update(content).digest('hex').slice(0, 16);
  const right = `${lockFile}.${name}`;
  if (!isLinked(own, right)) {
    const other = holderOf(contentOf(right));
    if (other !== undefined && (await isHeld(other, right, pause))) await pause();
    else rmSync(right, { force: true });
    return;
  }
  try {
    if (contentOf(lockFile) === content) rmSync(lockFile, { force: true });
  } finally {
    rmSync(right, { force: true });
  }
}

function isLinked(own: string, file: string): boolean {
  try {
    linkSync(own, file);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  }
}

/** Whether `holder`, who is named by `file`, lives. One that cannot be seen from here lives if the file shows a sign of it. */
async function isHeld(holder: Holder, file: string, pause: () => Promise<void>): Promise<boolean> {
  if (holder.space === ownSpace()) return isAlive(holder);
  const before = signOf(file);
  for (let look = 0; look < LOOKS; look += 1) {
    await pause();
    if (signOf(file) !== before) return existsSync(file);
  }
  return false;
}

function signOf(file: string): number | undefined {
  return statSync(file, { throwIfNoEntry: false })?.mtimeMs;
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
    const { pid, born, space } = parsed as Partial<Holder>;
    if (typeof pid !== 'number' || typeof born !== 'string') return undefined;
    return { pid, born, space: typeof space === 'string' ? space : ownSpace() };
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

function ownSpace(): string {
  try {
    return readlinkSync('/proc/self/ns/pid');
  } catch {
    return '';
  }
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
