// Prints the totals of vitest's JSON reports as one plain line; fails where one is not there.
import { readFileSync } from 'node:fs';

const [, , ...files] = process.argv;
const totals = { passed: 0, failed: 0, skipped: 0 };
for (const file of files) {
  try {
    const report = JSON.parse(readFileSync(file, 'utf8'));
    const { numPassedTests, numFailedTests, numFailedTestSuites, success } = report;
    totals.passed += numPassedTests;
    totals.skipped += report.numPendingTests + report.numTodoTests;
    // A file that fails to load has no failed test, and must not pass for it.
    totals.failed +=
      numFailedTests > 0 || success ? numFailedTests : Math.max(1, numFailedTestSuites);
  } catch {
    totals.failed += 1;
    process.exitCode = 1;
  }
}
process.stdout.write(
  `${totals.passed} passed, ${totals.failed} failed, ${totals.skipped} skipped\n`,
);
