// What scripts/test-report.mjs and test-totals.mjs tell of a run of vitest in which all goes wrong that can: of a real one.
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const REPORTER = path.resolve('scripts/test-report.mjs');
const SUITES: Readonly<Record<string, string>> = {
  // Vitest begins with the largest.
  wrong: `
    it('passes', () => undefined);
    it.skip('waits', () => undefined);
    it('differs', () => { expect({ a: 1 }).toEqual({ a: 2 }); });
    it('hangs', () => new Promise(() => undefined), 50);
    let tries = 0;
    it('is a race', { retry: 1 }, () => { tries += 1; expect(tries).toBe(2); });
    it('throws no error', () => { throw new Error('why', { cause: 'a text' }); });
    describe('behind a hook', () => {
      beforeAll(() => { throw new Error('no server'); });
      it('is not run', () => undefined);
    });`,
  dies: `
    it('is left', () => undefined);
    it('dies', () => { process.kill(process.pid, 'SIGKILL'); return new Promise(() => undefined); });
    it('comes after', () => undefined);`,
  after: `it('would pass', () => undefined);`,
};

/** Within the checkout, where vitest is found. */
let scratch: string;
let reportPath: string;
let status: number | null;
let output: string;

beforeAll(() => {
  mkdirSync('.cache', { recursive: true });
  scratch = mkdtempSync(path.resolve('.cache', 'report-'));
  reportPath = path.join(scratch, 'report.json');
  for (const [name, body] of Object.entries(SUITES)) {
    const imports = `import { beforeAll, describe, expect, it } from 'vitest';`;
    writeFileSync(path.join(scratch, `${name}.test.ts`), `${imports}${body}\n`);
  }
  const config = path.join(scratch, 'vitest.config.mjs');
  const test = { reporters: [REPORTER], include: ['*.test.ts'], isolate: false, maxWorkers: 1 };
  writeFileSync(config, `export default ${JSON.stringify({ test })};\n`);
  const vitest = path.resolve('node_modules/vitest/vitest.mjs');
  const run = spawnSync(process.execPath, [vitest, 'run', '--root', scratch, '--config', config], {
    env: { ...process.env, EARSHOT_TEST_REPORT: reportPath },
    encoding: 'utf8',
  });
  status = run.status;
  output = run.stdout;
}, 120_000);

afterAll(() => rmSync(scratch, { recursive: true, force: true }));

function totals(...runs: readonly string[]): { readonly status: number | null; lines: string[] } {
  const script = path.resolve('scripts/test-totals.mjs');
  const run = spawnSync(process.execPath, [script, ...runs], { encoding: 'utf8' });
  return { status: run.status, lines: run.stdout.trimEnd().split('\n') };
}

describe('the report of a run', () => {
  it('counts as a failure what no test is to blame for, and names all of it with why', () => {
    expect(status).toBe(1);
    const { status: ended, lines } = totals(`1:${reportPath}`);
    expect(ended).toBe(1);
    const text = lines.join('\n');
    for (const failure of [
      /FAILED \S+ wrong\.test\.ts > differs\n {2}AssertionError: .*\n(.*\n)*? {2}- {3}"a": 2,\n/,
      /FAILED \S+ wrong\.test\.ts > hangs\n {2}Error: Test timed out in 50ms/,
      /FAILED \S+ wrong\.test\.ts > throws no error\n {2}Error: why\n(.*\n)? {2}Caused by: .*a text/,
      /FAILED \S+ wrong\.test\.ts > behind a hook\n {2}Error: no server/,
      /FAILED \S+ dies\.test\.ts: \d of its tests never ended/,
      /FAILED \S+ \S+after\.test\.ts: it was never run/,
      /FAILED \S+ outside of every test\n(.*\n)*? {2}Caused by: Error: Worker exited unexpectedly/,
    ])
      expect(text).toMatch(failure);
    expect(lines.filter((line) => line.startsWith('FAILED '))).toHaveLength(7);
    expect(lines.at(-1)).toMatch(/^[23] passed, 7 failed, 2 skipped$/);
  });

  it('names what passed only when it was tried again, with what it failed of, at once and at the end', () => {
    const named =
      /passed when it was tried again: .*wrong\.test\.ts > is a race\n {2}AssertionError/;
    expect(output).toMatch(named);
    expect(totals(`1:${reportPath}`).lines.join('\n')).toMatch(named);
  });

  it('is a failure where it is missing, or where the run failed and it does not say why', () => {
    const missing = totals(`137:${path.join(scratch, 'none.json')}`);
    expect(missing).toMatchObject({ status: 1 });
    expect(missing.lines.at(-1)).toBe('0 passed, 1 failed, 0 skipped');
    const sound = path.join(scratch, 'sound.json');
    const report = JSON.parse(readFileSync(reportPath, 'utf8')) as object;
    writeFileSync(sound, JSON.stringify({ ...report, failures: [], skipped: [], passed: 5 }));
    expect(totals(`0:${sound}`)).toMatchObject({ status: 0 });
    const unsaid = totals(`0:${sound}`, `3:${sound}`);
    expect(unsaid.status).toBe(1);
    expect(unsaid.lines.at(-1)).toBe('10 passed, 1 failed, 0 skipped');
  });
});
