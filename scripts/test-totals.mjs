// Prints the totals of vitest's JSON reports as one plain line; fails where one is not there. Before it stands what failed, with the
// first lines of why, and the files that took longest: who reads only the end of a long log finds there what to mend.
import { readFileSync } from 'node:fs';
import { relative } from 'node:path';

/** How much is told of one failure, and how many slow files are named. */
const MAX_MESSAGE_LINES = 12;
const MAX_SLOW_FILES = 12;

const [, , ...files] = process.argv;
const totals = { passed: 0, failed: 0, skipped: 0 };
const failures = [];
const skipped = [];
const durations = [];

/** What vitest leaves of the message of a test or hook that takes too long. */
const TIMED_OUT = 'Error: STACK_TRACE_ERROR';

const shortened = (message) =>
  message
    .replace(TIMED_OUT, 'Error: it took longer than its time limit')
    .split('\n')
    .slice(0, MAX_MESSAGE_LINES)
    .join('\n  ');

for (const file of files) {
  try {
    const report = JSON.parse(readFileSync(file, 'utf8'));
    const { numPassedTests, numFailedTests, numFailedTestSuites, success } = report;
    totals.passed += numPassedTests;
    totals.skipped += report.numPendingTests + report.numTodoTests;
    // A file that fails to load has no failed test, and must not pass for it.
    totals.failed +=
      numFailedTests > 0 || success ? numFailedTests : Math.max(1, numFailedTestSuites);
    for (const suite of report.testResults) {
      const name = relative('.', suite.name);
      durations.push({ name, ms: suite.endTime - suite.startTime });
      if (suite.message !== '') failures.push(`${name}\n  ${shortened(suite.message)}`);
      for (const test of suite.assertionResults) {
        if (['skipped', 'pending', 'todo'].includes(test.status))
          skipped.push(`${name} > ${test.fullName}`);
        if (test.status !== 'failed') continue;
        failures.push(
          [`${name} > ${test.fullName}`, ...test.failureMessages.map(shortened)].join('\n  '),
        );
      }
    }
  } catch {
    totals.failed += 1;
    process.exitCode = 1;
  }
}
durations.sort((a, b) => b.ms - a.ms);
const slowest = durations
  .slice(0, MAX_SLOW_FILES)
  .map(({ name, ms }) => `${name} ${Math.round(ms / 1000)} s`);
process.stdout.write(`slowest files: ${slowest.join(', ')}\n`);
for (const test of skipped) process.stdout.write(`skipped ${test}\n`);
for (const failure of failures) process.stdout.write(`FAILED ${failure}\n`);
process.stdout.write(
  `${totals.passed} passed, ${totals.failed} failed, ${totals.skipped} skipped\n`,
);
