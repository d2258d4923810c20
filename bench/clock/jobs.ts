// Owns the work of a clock bench in pieces that a thread takes one at a time, and the threads that take them.

import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import type { LinkReport } from '../../test/clock/support/link-report.ts';
import type { EventName } from '../../test/clock/support/sim-events.ts';
import type { LinkName } from '../../test/clock/support/sim-links.ts';
import type { EventReport } from '../../test/clock/support/event-report.ts';
import type { SubjectName } from './subjects.ts';

export type Job =
  | {
      readonly kind: 'link';
      readonly subject: SubjectName;
      readonly link: LinkName;
      readonly seeds: readonly number[];
      readonly durationMs: number;
    }
  | {
      readonly kind: 'event';
      readonly event: EventName;
      readonly link: LinkName;
      readonly seeds: readonly number[];
    };

export type JobResult =
  | { readonly kind: 'link'; readonly subject: SubjectName; readonly report: LinkReport }
  | { readonly kind: 'event'; readonly report: EventReport };

/** Two are plenty, and leave a machine of four its owner. */
const threadsMost = 2;

/** Runs all jobs; results come in the order of the jobs. */
export async function runJobs(jobs: readonly Job[]): Promise<JobResult[]> {
  const results = new Map<number, JobResult>();
  let next = 0;
  const take = async (): Promise<void> => {
    const worker = new Worker(new URL('./job-thread.js', import.meta.url));
    try {
      while (next < jobs.length) {
        const index = next;
        next += 1;
        results.set(index, await ask(worker, jobs[index]!));
      }
    } finally {
      await worker.terminate();
    }
  };
  const threads = Math.min(threadsMost, availableParallelism(), jobs.length);
  await Promise.all(Array.from({ length: threads }, take));
  return jobs.map((_, index) => results.get(index)!);
}

function ask(worker: Worker, job: Job): Promise<JobResult> {
  return new Promise((resolve, reject) => {
    const fail = (error: Error): void => reject(error);
    worker.once('error', fail);
    worker.once('message', (result: JobResult) => {
      worker.off('error', fail);
      resolve(result);
    });
    worker.postMessage(job);
  });
}
