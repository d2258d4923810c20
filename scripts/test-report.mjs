// What a run of vitest came to: its own reporter of JSON leaves out what no test is to blame for, such as a worker that died, and the
// default one what passed when it was tried again. The latter is printed, and all of it goes as JSON into the file that
// EARSHOT_TEST_REPORT names, if it does; test-totals.mjs reads it.
import { writeFileSync } from 'node:fs';
import { stripVTControlCharacters } from 'node:util';

/** How much is told of one failure. */
const MAX_MESSAGE_LINES = 12;
const MAX_FRAMES = 2;
const MAX_CAUSES = 3;

/** Where in the project it was thrown, the innermost first. */
const framesOf = (stack) =>
  stack.split('\n').filter((line) => /^\s*at .*\.ts:/.test(line) && !/node_modules/.test(line));

function told(error, causes = MAX_CAUSES) {
  if (typeof error !== 'object' || error === null) return String(error);
  const { name = 'Error', message = '', stack = '', diff, cause } = error;
  // The default reporter writes so before the name of a cause.
  const text = `${String(name).replace(/^Caused by: /, '')}: ${message}`;
  const lines = typeof diff === 'string' ? `${text}\n${stripVTControlCharacters(diff)}` : text;
  return [
    ...lines.split('\n').slice(0, MAX_MESSAGE_LINES),
    ...framesOf(String(stack)).slice(0, MAX_FRAMES),
    ...(cause === undefined || causes === 0 ? [] : [`Caused by: ${told(cause, causes - 1)}`]),
  ].join('\n  ');
}

const named = (name, errors) => [name, ...errors.map((error) => told(error))].join('\n  ');

// Vitest takes a reporter by the default export of its file.
export default class TestReport {
  #files = [];

  onTestRunStart(specifications) {
    this.#files = specifications.map((specification) => specification.moduleId);
  }

  onTestRunEnd(modules, unhandledErrors, reason) {
    const report = {
      node: process.version,
      passed: 0,
      skipped: [],
      retried: [],
      failures: [],
      files: [],
    };
    const fail = (name, errors = []) => report.failures.push(named(name, errors));
    const begun = new Set();
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
        if (state === 'passed' && test.diagnostic()?.retryCount > 0)
          report.retried.push(named(name, errors ?? []));
      }
      if (unended > 0) fail(`${file}: ${unended} of its tests never ended`);
      if (!['queued', 'pending'].includes(module.state()) || unended > 0)
        begun.add(module.moduleId);
    }
    for (const file of this.#files) if (!begun.has(file)) fail(`${file}: it was never run`);
    for (const error of unhandledErrors) fail('outside of every test', [error]);
    if (reason !== 'passed' && report.failures.length === 0) fail(`the run as a whole: ${reason}`);
    for (const name of report.retried)
      process.stdout.write(`passed when it was tried again: ${name}\n`);
    const { EARSHOT_TEST_REPORT: path } = process.env;
    if (path !== undefined) writeFileSync(path, JSON.stringify(report));
  }
}
