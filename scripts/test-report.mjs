// What a run of vitest came to, as JSON in the file that EARSHOT_TEST_REPORT names: vitest's own reporter of JSON leaves out what no test is
// to blame for, such as a worker that died, and the messages of time limits.
import { writeFileSync } from 'node:fs';
import { stripVTControlCharacters } from 'node:util';

/** How much is told of one failure. */
const MAX_MESSAGE_LINES = 12;

const MAX_FRAMES = 2;

/** Where in the project it was thrown, the innermost first. */
const framesOf = ({ stack = '' }) =>
  stack.split('\n').filter((line) => /^\s*at .*\.ts:/.test(line) && !/node_modules/.test(line));

function told(error) {
  const { name = 'Error', message = '', diff, cause } = error;
  const text = diff === undefined ? message : `${message}\n${stripVTControlCharacters(diff)}`;
  return [
    ...`${name}: ${text}`.split('\n').slice(0, MAX_MESSAGE_LINES),
    ...framesOf(error).slice(0, MAX_FRAMES),
    // Whose name says by itself that it is a cause.
    ...(cause === undefined ? [] : [told(cause)]),
  ].join('\n  ');
}

export default class TestReport {
  onTestRunEnd(modules, unhandledErrors) {
    const report = { passed: 0, skipped: [], retried: [], failures: [], files: [] };
    const fail = (name, errors) => report.failures.push([name, ...errors.map(told)].join('\n  '));
    for (const module of modules) {
      const file = module.relativeModuleId;
      report.files.push({ file, ms: module.diagnostic().duration });
      if (module.errors().length > 0) fail(file, module.errors());
      // A hook that fails has no test that failed for it.
      for (const suite of module.children.allSuites())
        if (suite.errors().length > 0) fail(`${file} > ${suite.fullName}`, suite.errors());
      let unended = 0;
      for (const test of module.children.allTests()) {
        const name = `${file} > ${test.fullName}`;
        const { state, errors } = test.result();
        if (state === 'passed') report.passed += 1;
        else if (state === 'skipped') report.skipped.push(name);
        else if (state === 'failed') fail(name, errors);
        else unended += 1;
        if ((test.diagnostic()?.retryCount ?? 0) > 0) report.retried.push(name);
      }
      if (unended > 0) fail(`${file}: ${unended} of its tests never ended`, []);
    }
    for (const error of unhandledErrors) fail('outside of every test', [error]);
    writeFileSync(process.env.EARSHOT_TEST_REPORT ?? 'test-report.json', JSON.stringify(report));
  }
}
