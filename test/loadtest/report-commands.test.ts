// The commands for reports that exist: what they write, and the one line that they say where a file is no report.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Command } from 'commander';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { addReportCommands } from '../../loadtest/cli/report-commands.ts';
import { makeFolder, readReport, writeReport } from '../../loadtest/cli/report-files.ts';
import { Terminal } from '../../loadtest/cli/terminal.ts';
import { badReport, loadReport } from '../support/load-report.ts';

let dir: string;
let said: string;
let found: string[];

beforeEach(async () => {
  dir = await mkdtemp(path.join(tmpdir(), 'earshot-reports-'));
  said = '';
  found = [];
});
afterEach(() => rm(dir, { recursive: true }));

function run(...args: readonly string[]): Promise<unknown> {
  const out = { isTTY: false, write: (text: string) => (said += text) };
  const program = new Command().exitOverride().configureOutput({ writeErr: () => undefined });
  addReportCommands(program, new Terminal(out as unknown as NodeJS.WriteStream), (what) =>
    found.push(what),
  );
  return program.parseAsync(['node', 'earshot-loadtest', ...args]);
}

async function written(name: string, content: unknown): Promise<string> {
  const file = path.join(dir, name);
  await writeFile(file, typeof content === 'string' ? content : JSON.stringify(content));
  return file;
}

describe('the files of a report', () => {
  it('are JSON that is read as it was, a page, and JUnit XML', async () => {
    const out = path.join(dir, 'new', 'folder');
    await writeReport(out, badReport());
    expect(await readReport(path.join(out, 'report.json'))).toEqual(badReport());
    expect(await readFile(path.join(out, 'report.html'), 'utf8')).toMatch(/^<!doctype html>/);
    expect(await readFile(path.join(out, 'junit.xml'), 'utf8')).toMatch(/^<\?xml/);
  });
});

describe('the folder of a report', () => {
  it('is made before anything is measured, or it is said why not', async () => {
    const made = path.join(dir, 'made', 'of', 'several');
    await makeFolder(made);
    await writeReport(made, loadReport());
    const file = await written('file', 'x');
    await expect(makeFolder(path.join(file, 'folder'))).rejects.toThrow(
      /nothing can be written to .*folder: ENOTDIR/,
    );
  });
});

describe('compare', () => {
  it('tells the difference, and that something is worse', async () => {
    const [good, bad] = [
      await written('a.json', loadReport()),
      await written('b.json', badReport()),
    ];
    await run('compare', good, bad);
    expect(said).toContain('party: WORSE');
    expect(found).toEqual(['worse']);
    await run('compare', bad, good);
    expect(said).toContain('party: BETTER');
    expect(found).toEqual(['worse']);
  });

  it('tells of a run whose figures say nothing, whatever they are', async () => {
    const reasons = ['the generator was late'];
    const good = await written('a.json', loadReport());
    const invalid = await written('b.json', badReport({ verdict: 'invalid', reasons }));
    await run('compare', good, invalid);
    await run('compare', invalid, good);
    expect(found).toEqual(['invalid', 'invalid']);
    expect(said).toContain('mind: the later run is invalid: the generator was late');
  });

  it('takes a tolerance, and writes a page', async () => {
    const report = await written('a.json', loadReport());
    const page = path.join(dir, 'page.html');
    await run('compare', report, report, '--tolerance', '0.25', '--html', page);
    expect(said).toContain('up to 25 %');
    expect(await readFile(page, 'utf8')).toContain('The same');
    await expect(run('compare', report, report, '--tolerance', 'some')).rejects.toThrow('share');
    await expect(run('compare', report, report, '--tolerance', '-1')).rejects.toThrow('share');
  });

  it('refuses what cannot be compared', async () => {
    const one = await written('a.json', loadReport());
    const scenario = { name: 'storm', description: '', seed: 1 };
    const other = await written('b.json', loadReport({ scenario }));
    await expect(run('compare', one, other)).rejects.toThrow('party and storm');
  });
});

describe('html', () => {
  it('writes the page anew, beside the report or where it is told to', async () => {
    const report = await written('report.json', loadReport());
    await run('html', report);
    await run('html', report, '--out', path.join(dir, 'other.html'));
    const [page, other] = await Promise.all(
      ['report.html', 'other.html'].map((name) => readFile(path.join(dir, name), 'utf8')),
    );
    expect(page).toMatch(/^<!doctype html>/);
    expect(other).toBe(page);
  });

  it.each([
    ['absent.json', undefined, /^there is no file .*absent\.json$/],
    ['text.json', 'no JSON', /text\.json is no report of a load test: it is not JSON$/],
    ['number.json', '7', /number\.json is no report of a load test: .+$/],
    ['other.json', { version: 1, scenario: 'x' }, /is no report of a load test: scenario: .+$/],
    ['newer.json', { version: 2 }, /is a report of version 2; this reads version 1$/],
  ])('says in one line what is wrong with %s', async (name, content, message) => {
    const file = content === undefined ? path.join(dir, name) : await written(name, content);
    const error: unknown = await run('html', file).catch((reason: unknown) => reason);
    expect((error as Error).message).toMatch(message);
    expect((error as Error).message).not.toContain('\n');
  });

  it('says so where a folder is named', async () => {
    await expect(run('html', dir)).rejects.toThrow(/cannot be read: EISDIR$/);
  });
});
