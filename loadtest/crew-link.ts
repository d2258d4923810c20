// Owns the way from the one who leads to one thread that carries a part of the run: here in this process.
import { setTimeout as pause } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import type { CrewOrder, CrewReport } from './crew-messages.ts';

const LEAVES_WITHIN_MS = 5_000;

/** A thread of the generator, wherever it runs. */
export interface CrewLink {
  send(order: CrewOrder): void;
  /** Lets go of it: at once, unless it has ended. Resolves even where it hangs. */
  stop(): Promise<void>;
}

/** @param onReport called with `failed` where the thread dies */
export function startThread(onReport: (report: CrewReport) => void): CrewLink {
  const worker = new Worker(new URL('./crew-thread.js', import.meta.url), {
    resourceLimits: { maxOldGenerationSizeMb: 8_192 },
  });
  const exited = new Promise<void>((resolve) => worker.once('exit', () => resolve()));
  let isStopping = false;
  let hasEnded = false;
  worker.on('message', (report: CrewReport) => {
    if (report.kind === 'ended') isStopping = hasEnded = true;
    onReport(report);
  });
  worker.on('error', (error) => onReport({ kind: 'failed', message: String(error) }));
  worker.on('exit', (code) => {
    if (!isStopping)
      onReport({ kind: 'failed', message: `a thread of the generator ended with ${code}` });
  });
  return {
    send: (order) => worker.postMessage(order),
    stop: async () => {
      isStopping = true;
      const left = (): Promise<void> =>
        Promise.race([exited, pause(LEAVES_WITHIN_MS, undefined, { ref: false })]);
      // One that has ended leaves by itself, with whatever Node still writes of it.
      if (hasEnded) await left();
      void worker.terminate();
      await left();
      worker.unref();
    },
  };
}
