// Prints the totals of reports (test-report.mjs) as one plain line, and fails where anything did; a report that is not there is a failure.
// Before it stands what was skipped, what was tried more than once, and what failed and why: who reads only the end of a long log finds
// there what to mend.
import { readFileSync } from 'node:fs';

/** How many slow files are named. */
const MAX_SLOW_FILES = 12;

const [, , ...paths] = process.argv;
const reports = paths.map((path) => {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    const failures = [`no report in ${path}: the run ended before it was written`];
    return { passed: 0, skipped: [], retried: [], failures, files: [] };
  }
});
const all = (of) => reports.flatMap(of);
const slowest = all((report) => report.files)
  .sort((a, b) => b.ms - a.ms)
  .slice(0, MAX_SLOW_FILES)
  .map(({ file, ms }) => `${file} ${Math.round(ms / 1000)} s`);
const skipped = all((report) => report.skipped);
const failures = all((report) => report.failures);
const passed = reports.reduce((sum, report) => sum + report.passed, 0);
const lines = [
  `slowest files: ${slowest.join(', ')}`,
  ...skipped.map((name) => `skipped ${name}`),
  ...all((report) => report.retried).map((name) => `tried more than once: ${name}`),
  ...failures.map((failure) => `FAILED ${failure}`),
  `${passed} passed, ${failures.length} failed, ${skipped.length} skipped`,
];
process.exitCode = failures.length === 0 ? 0 : 1;
process.stdout.write(`${lines.join('\n')}\n`);
