// Owns the way from the one who leads to one thread that carries a part of the run: here in this process.
import { Worker } from 'node:worker_threads';
import type { CrewOrder, CrewReport } from './crew-messages.ts';

/** A thread of the generator, wherever it runs. */
export interface CrewLink {
  send(order: CrewOrder): void;
  /** Lets go of it at once. */
  stop(): Promise<void>;
}

/** @param onReport called with `failed` where the thread dies */
export function startThread(onReport: (report: CrewReport) => void): CrewLink {
  const worker = new Worker(new URL('./crew-thread.js', import.meta.url), {
    resourceLimits: { maxOldGenerationSizeMb: 8_192 },
  });
  let isStopping = false;
  worker.on('message', (report: CrewReport) => {
    if (report.kind === 'ended') isStopping = true;
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
      await worker.terminate();
    },
  };
}
