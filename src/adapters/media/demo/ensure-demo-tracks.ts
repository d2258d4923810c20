// Sees to it that the demo tracks exist in a folder. Knows which are missing, not how they sound.
import { mkdir, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { Log } from '../../../ports/log.ts';
import { DEMO_TRACKS, DEMO_VERSION } from './demo-tracks.ts';
import { writeDemoTracks } from './write-demo-tracks.ts';
import type { WriteOrder } from './write-demo-tracks.ts';

const VERSION_FILE = '.demo-version';

export interface DemoOptions {
  readonly dir: string;
  readonly log: Log;
  /** Ends the work early, as when the process stops; what is missing is made at the next start. */
  readonly signal?: AbortSignal;
}

/**
 * Makes what is missing in `dir`, in a worker thread: some ten to twenty seconds of one core and 72 MB at the first start, nothing after.
 * Each file appears whole, the first after about two seconds. Tracks of an older version are made anew; other files are not touched.
 * Rejects where `dir` cannot be written.
 */
export async function ensureDemoTracks({ dir, log, signal }: DemoOptions): Promise<void> {
  await mkdir(dir, { recursive: true });
  const present = new Set(await readdir(dir));
  const isCurrent = (await readVersion(dir)) === String(DEMO_VERSION);
  if (!isCurrent) {
    await Promise.all(DEMO_TRACKS.map(({ fileName }) => rm(join(dir, fileName), { force: true })));
    const part = join(dir, `${VERSION_FILE}.${process.pid}.part`);
    await writeFile(part, String(DEMO_VERSION));
    await rename(part, join(dir, VERSION_FILE));
  }
  const names = DEMO_TRACKS.map(({ fileName }) => fileName);
  const fileNames = isCurrent ? names.filter((name) => !present.has(name)) : names;
  if (fileNames.length === 0) return;
  const startedMs = performance.now();
  log.info(
    { dir, tracks: fileNames.length },
    'media: no folder of music given; making the demo tracks',
  );
  await runInWorker({ dir, fileNames }, signal);
  if (signal?.aborted === true) return;
  log.info(
    { dir, tookMs: Math.round(performance.now() - startedMs) },
    'media: the demo tracks are made',
  );
}

async function readVersion(dir: string): Promise<string | undefined> {
  try {
    return await readFile(join(dir, VERSION_FILE), 'utf8');
  } catch {
    return undefined; // None were made here yet.
  }
}

async function runInWorker(order: WriteOrder, signal: AbortSignal | undefined): Promise<void> {
  // Run from its TypeScript source, as tests do, there is no worker file that Node could load.
  if (import.meta.url.endsWith('.ts')) return writeDemoTracks(order);
  // Without the process's own flags, of which some make a worker fail.
  const options = { workerData: order, execArgv: [] };
  const worker = new Worker(new URL('./synth-worker.js', import.meta.url), options);
  const stop = () => void worker.terminate();
  signal?.addEventListener('abort', stop);
  try {
    await new Promise<void>((resolve, reject) => {
      worker.once('error', reject);
      worker.once('exit', (code) => {
        if (code === 0 || signal?.aborted === true) resolve();
        else reject(new Error(`the worker that makes the demo tracks ended with code ${code}`));
      });
    });
  } finally {
    signal?.removeEventListener('abort', stop);
  }
}
