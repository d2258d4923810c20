// The embedded Postgres: PGlite on a thread of its own, behind a socket that speaks Postgres' protocol, its data on disk.
import { lstatSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { setFlagsFromString } from 'node:v8';
import { Worker } from 'node:worker_threads';
import { OperationalError } from '../../ports/operational-error.ts';
import { lockDataDir } from './data-dir-lock.ts';

export interface PgliteServer {
  /** What a Postgres client connects to: a host (a directory for a unix socket) and a port. */
  readonly host: string;
  readonly port: number;
  /** For the log, such as `PostgreSQL 18.6 (PGlite 0.5.14)`. */
  readonly version: string;
  /**
   * Copies all of the database into `directory`, which is made and must not exist: as a killed process would have left it, which opens
   * like any other, and says that it is a copy. Nothing is written meanwhile, so whoever waits for the database waits for the copy, too.
   * Rejects with what the file system says; nothing is left of it then.
   */
  copyTo(directory: string): Promise<void>;
  /** When this was copied from another, which may have gone on; ms on the wall. Undefined for one that is no copy. */
  readonly copiedAt: number | undefined;
  /** It is no copy any more. */
  forgetCopy(): void;
  /** Called when the server has died by itself; whoever is connected has lost the connection then. Returns the remover. */
  onFailure(listener: (error: Error) => void): () => void;
  /** Ends it after what is under way, and unlocks the directory. Idempotent. */
  stop(): Promise<void>;
}

/** The data directory cannot be opened as a database. Nothing in it was changed by saying so. */
export class DataDirDamaged extends OperationalError {
  /** @param reason what the database said, of which the first line is told */
  constructor(directory: string, reason: string) {
    super(
      `the database in ${directory} cannot be opened (${firstLine(reason)}): restore it from a backup, or move ${directory} away to start with an empty one`,
    );
    this.name = 'DataDirDamaged';
  }
}

/** There is no database yet, and none can be made: no place on the disk, or no right to write there. */
export class DatabaseNotMade extends OperationalError {
  /** @param reason what the database said, of which the first line is told */
  constructor(directory: string, reason: string) {
    super(
      `a database cannot be made in ${directory} (${firstLine(reason)}): see that there is place on the disk and that this process may write there`,
    );
    this.name = 'DatabaseNotMade';
  }
}

/** Without the advice to developers that the runtime of PGlite adds. */
function firstLine(text: string): string {
  return (text.trim().split('\n')[0] ?? '').replace(/ Build with .*$/, '');
}

const SOCKET_NAME = '.s.PGSQL.5432';
const SOCKET_PORT = 5_432;
/** In the folder of a copy that was never opened; holds when it was made, ms on the wall. */
const COPY_MARK = 'earshot-copied-at';

// Source text and not a file: a worker cannot load TypeScript on Node 20, and a JavaScript file beside the sources would be the one that
// the compiler does not carry to `dist`. It decides nothing: it makes, opens, serves and closes what it is told. A database is made
// beside its place and moved there whole: one that a killed first start has left is never taken for one that holds something.
const WORKER = `
const { parentPort, workerData } = require('node:worker_threads');
(async () => {
  const { cpSync, existsSync, realpathSync, renameSync, rmSync, rmdirSync, statSync, writeFileSync } = require('node:fs');
  const { PGlite } = await import(workerData.pglite);
  const { PGLiteSocketServer } = await import(workerData.pgliteSocket);
  if (workerData.isNew) {
    const making = workerData.directory + '.new';
    rmSync(making, { recursive: true, force: true });
    await (await PGlite.create({ dataDir: making })).close();
    if (workerData.isThere) rmdirSync(workerData.directory);
    renameSync(making, workerData.directory);
  }
  const db = await PGlite.create({ dataDir: workerData.directory });
  const { rows } = await db.query('select version()');
  const at = workerData.socketPath === undefined
    ? { host: '127.0.0.1', port: 0 }
    : { path: workerData.socketPath };
  // The pool holds one connection, as PGlite is one backend. The second place is that of what migrates while the pool rests, and of the
  // next one while the last is being closed.
  const server = new PGLiteSocketServer({ db, maxConnections: 2, ...at });
  await server.start();
  const stop = async () => {
    await server.stop();
    await db.close();
    parentPort.postMessage({ kind: 'stopped' });
    parentPort.close();
  };
  // On the thread that alone writes these files, and in one piece: between two of the steps of the database.
  const copy = (to) => {
    const fail = (error) => parentPort.postMessage({ kind: 'not copied', to, message: String(error?.message ?? error) });
    if (existsSync(to)) return fail(to + ' is there already');
    try {
      // The folder may be a link, and so may what lies in it.
      cpSync(realpathSync(workerData.directory), to, { recursive: true, dereference: true });
      if (!statSync(to + '/PG_VERSION').isFile()) throw new Error('it is no database');
      writeFileSync(to + '/' + workerData.copyMark, String(Date.now()));
      parentPort.postMessage({ kind: 'copied', to });
    } catch (error) {
      // The disk that fails is not that of the database, which must not die of it.
      try { rmSync(to, { recursive: true, force: true }); } catch {}
      fail(error);
    }
  };
  parentPort.on('message', (message) => {
    if (message.kind === 'copy') copy(message.to);
    else void stop();
  });
  parentPort.postMessage({ kind: 'started', address: server.getServerConn(), version: rows[0].version });
})().catch((error) => {
  parentPort.postMessage({ kind: 'failed', message: String(error?.message ?? error) });
  parentPort.close();
});
`;

type WorkerMessage =
  | { readonly kind: 'started'; readonly address: string; readonly version: string }
  | { readonly kind: 'stopped' }
  | { readonly kind: 'copied'; readonly to: string }
  | { readonly kind: 'not copied'; readonly to: string; readonly message: string }
  | { readonly kind: 'failed'; readonly message: string };

/**
 * Opens the database in `<dataDir>/postgres`, making it where there is none (some seconds; under one where it is there).
 * What was committed survives the death of the process. PGlite never flushes to the disk (its `fsync` is off, and its file system has
 * none): the death of the machine may cost the last moments or, where pages reached the disk in another order, the database.
 * Rejects with `DataDirInUse`, `DataDirDamaged` or `DatabaseNotMade`.
 */
export async function startPgliteServer(dataDir: string): Promise<PgliteServer> {
  const unlock = await lockDataDir(dataDir);
  const socketDir = mkdtempSync(path.join(tmpdir(), 'earshot-'));
  const cleanUp = (): void => {
    rmSync(socketDir, { recursive: true, force: true });
    unlock();
  };
  try {
    return await start(path.join(dataDir, 'postgres'), socketDir, cleanUp);
  } catch (error) {
    cleanUp();
    throw error;
  }
}

async function start(
  directory: string,
  socketDir: string,
  cleanUp: () => void,
): Promise<PgliteServer> {
  const present = entriesOf(directory);
  const isNew = present === undefined || present.length === 0;
  // Without this file PGlite would make a new database over what is there.
  if (!isNew && !present.includes('PG_VERSION')) {
    throw new DataDirDamaged(directory, 'PG_VERSION is missing');
  }
  const copiedAt = present?.includes(COPY_MARK) === true ? copiedAtOf(directory) : undefined;
  keepWasmCode();
  const { resolve } = createRequire(import.meta.url);
  const worker = new Worker(WORKER, {
    eval: true,
    // PGlite writes its start-up chatter to stdout and stderr, where the service has its log.
    stdout: true,
    stderr: true,
    workerData: {
      directory,
      isNew,
      isThere: present !== undefined,
      copyMark: COPY_MARK,
      pglite: pathToFileURL(resolve('@electric-sql/pglite')).href,
      pgliteSocket: pathToFileURL(resolve('@electric-sql/pglite-socket')).href,
      // A unix socket is open to this user alone. Not in the data directory: such a path may be longer than the system allows.
      socketPath: process.platform === 'win32' ? undefined : path.join(socketDir, SOCKET_NAME),
    },
  });
  // Left unread it would grow in memory.
  for (const output of [worker.stdout, worker.stderr]) output.resume();
  const listeners = new Set<(error: Error) => void>();
  let isStopping = false;
  const ended = new Promise<void>((done) => worker.once('exit', () => done()));
  const first = await new Promise<WorkerMessage | Error>((done) => {
    worker.once('message', done);
    worker.once('error', done);
    worker.once('exit', (code) => done(new Error(`the thread of PGlite ended with ${code}`)));
  });
  if (first instanceof Error || first.kind !== 'started') {
    await worker.terminate();
    const message =
      first instanceof Error ? first.message : first.kind === 'failed' ? first.message : '';
    if (!isNew) throw new DataDirDamaged(directory, message);
    rmSync(`${directory}.new`, { recursive: true, force: true });
    throw new DatabaseNotMade(directory, message);
  }
  worker.on('error', (error) => {
    for (const listener of listeners) listener(error);
  });
  void ended.then(() => {
    cleanUp();
    if (isStopping) return;
    for (const listener of listeners) listener(new Error('the embedded database has ended'));
  });
  return {
    ...endpointOf(first.address, socketDir),
    version: /^PostgreSQL \S+ \([^)]*\)/.exec(first.version)?.[0] ?? first.version,
    onFailure(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    copyTo: (to) => copied(worker, to, ended),
    copiedAt,
    forgetCopy: () => rmSync(path.join(directory, COPY_MARK), { force: true }),
    async stop() {
      if (!isStopping) worker.postMessage({ kind: 'stop' });
      isStopping = true;
      await ended;
    },
  };
}

/**
 * V8 of Node 24 may free the code by which WebAssembly calls JavaScript twice where threads share it, which ends the process (`Check
 * failed: jit_page.has_value()`): that was seen twice in some thousand databases that were opened and closed. Without this collector no
 * single piece is freed. Code stays that was replaced by faster, which is not to be seen in the memory that is taken.
 */
function keepWasmCode(): void {
  setFlagsFromString('--no-wasm-code-gc');
}

/** Long ago where nothing can be read in the mark: it is a copy all the same. */
function copiedAtOf(directory: string): number {
  const at = Number(readFileSync(path.join(directory, COPY_MARK), 'utf8'));
  return Number.isFinite(at) ? at : 0;
}

function copied(worker: Worker, to: string, ended: Promise<void>): Promise<void> {
  return new Promise((resolve, reject) => {
    const hear = (message: WorkerMessage): void => {
      if (!('to' in message) || message.to !== to) return;
      worker.off('message', hear);
      if (message.kind === 'copied') resolve();
      else reject(new Error(message.message));
    };
    worker.on('message', hear);
    void ended.then(() => reject(new Error('the embedded database has ended')));
    worker.postMessage({ kind: 'copy', to });
  });
}

/** Undefined where there is nothing. A link to nowhere is no place for a new database: its disk may be away. */
function entriesOf(directory: string): readonly string[] | undefined {
  if (lstatSync(directory, { throwIfNoEntry: false }) === undefined) return undefined;
  try {
    return readdirSync(directory);
  } catch (error) {
    throw new DataDirDamaged(directory, error instanceof Error ? error.message : String(error));
  }
}

function endpointOf(address: string, socketDir: string): { host: string; port: number } {
  if (address.startsWith(socketDir)) return { host: socketDir, port: SOCKET_PORT };
  const colon = address.lastIndexOf(':');
  return { host: address.slice(0, colon), port: Number(address.slice(colon + 1)) };
}
