// Prints the totals of a vitest JSON report as one plain line; fails where there is none.
import { readFileSync } from 'node:fs';

const [, , file] = process.argv;
try {
  const report = JSON.parse(readFileSync(file, 'utf8'));
  const {
    numPassedTests,
    numFailedTests,
    numFailedTestSuites,
    numPendingTests,
    numTodoTests,
    success,
  } = report;
  // A file that fails to load has no failed test, and must not pass for it.
  const failed = numFailedTests > 0 || success ? numFailedTests : Math.max(1, numFailedTestSuites);
  process.stdout.write(
    `${numPassedTests} passed, ${failed} failed, ${numPendingTests + numTodoTests} skipped\n`,
  );
} catch {
  process.stdout.write('0 passed, 1 failed, 0 skipped\n');
  process.exit(1);
}
