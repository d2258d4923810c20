// Prints the totals of reports (test-report.mjs) as one plain line, and fails where anything did. Before it stands what was skipped, what
// passed only when it was tried again, and what failed and why: who reads only the end of a long log finds there what to mend.
// Each report is given as `<status>:<path>`, the status being that with which its run ended.
import { readFileSync } from 'node:fs';

/** How many slow files are named. */
const MAX_SLOW_FILES = 12;

const [, , ...runs] = process.argv;
const reports = runs.map((run) => {
  const [, status, path] = /^(\d+):(.+)$/.exec(run);
  try {
    const report = JSON.parse(readFileSync(path, 'utf8'));
    if (status !== '0' && report.failures.length === 0)
      report.failures.push(`the run ended with ${status}, and its report names no reason`);
    return report;
  } catch {
    const failures = [`no report in ${path}: the run ended with ${status} before it was written`];
    return { node: '', passed: 0, skipped: [], retried: [], failures, files: [] };
  }
});
const lines = (what, of) =>
  reports.flatMap((report) => of(report).map((each) => `${what} ${report.node} ${each}`));
const slowest = reports
  .flatMap((report) => report.files)
  .sort((a, b) => b.ms - a.ms)
  .slice(0, MAX_SLOW_FILES)
  .map(({ file, ms }) => `${file} ${Math.round(ms / 1000)} s`);
const failed = lines('FAILED', (report) => report.failures);
const skipped = lines('skipped', (report) => report.skipped);
const passed = reports.reduce((sum, report) => sum + report.passed, 0);
const told = [
  `slowest files: ${slowest.join(', ')}`,
  ...skipped,
  ...lines('passed when it was tried again:', (report) => report.retried),
  ...failed,
  `${passed} passed, ${failed.length} failed, ${skipped.length} skipped`,
];
process.stdout.write(`${told.join('\n')}\n`);
process.exitCode = failed.length === 0 ? 0 : 1;
