// Owns one thread of the clock bench: does a job and answers with its result.

import { parentPort } from 'node:worker_threads';
import { reportLink } from '../../test/clock/support/link-report.ts';
import { reportEvent } from '../../test/clock/support/event-report.ts';
import type { Job, JobResult } from './jobs.ts';
import { subjects } from './subjects.ts';

parentPort?.on('message', (job: Job) => parentPort?.postMessage(resultOf(job)));

function resultOf(job: Job): JobResult {
  switch (job.kind) {
    case 'link': {
      const { subject, link, seeds, durationMs } = job;
      return {
        kind: 'link',
        subject,
        report: reportLink(link, seeds, durationMs, subjects[subject]),
      };
    }
    case 'event':
      return { kind: 'event', report: reportEvent(job.event, job.link, job.seeds) };
  }
}
