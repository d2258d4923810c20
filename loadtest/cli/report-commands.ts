// Owns the commands that need no hub: the page of a report anew, and two reports held against each other.
import { writeFile } from 'node:fs/promises';
import { join, dirname } from 'node:path';
import { InvalidArgumentError, type Command } from 'commander';
import { TOLERANCE, compareReports } from '../report/compare.ts';
import { comparisonHtml } from '../report/comparison-html.ts';
import { comparisonText } from '../report/comparison-text.ts';
import { htmlOf } from '../report/html.ts';
import { readReport } from './report-files.ts';
import type { Terminal } from './terminal.ts';

/** @param onFound called where a comparison found something worse, or where the figures of a run cannot be trusted */
export function addReportCommands(
  program: Command,
  terminal: Terminal,
  onFound: (found: 'worse' | 'invalid') => void,
): void {
  program
    .command('compare')
    .description('says what became better or worse from one report to the next')
    .argument('<before>', 'report.json of the earlier run')
    .argument('<after>', 'report.json of the later run')
    .option('--tolerance <share>', 'up to which a difference is none', share, TOLERANCE)
    .option('--html <file>', 'write it as a page as well')
    .action(async (before: string, after: string, flags: CompareFlags) => {
      const [was, is] = [await readReport(before), await readReport(after)];
      const comparison = compareReports(was, is, flags.tolerance);
      if (typeof comparison === 'string') throw new Error(comparison);
      terminal.say(comparisonText(comparison));
      if (flags.html !== undefined) {
        await writeFile(flags.html, comparisonHtml(comparison, was, is));
        terminal.say(`written to ${flags.html}`);
      }
      // What became of figures that say nothing is not known.
      if ([was, is].some(({ verdict }) => verdict === 'invalid')) onFound('invalid');
      else if (comparison.judgement === 'worse') onFound('worse');
    });

  program
    .command('html')
    .description('writes the page of a report anew')
    .argument('<report>', 'report.json')
    .option('-o, --out <file>', 'default: report.html beside it')
    .action(async (file: string, flags: { readonly out?: string }) => {
      const out = flags.out ?? join(dirname(file), 'report.html');
      await writeFile(out, htmlOf(await readReport(file)));
      terminal.say(`written to ${out}`);
    });
}

interface CompareFlags {
  readonly tolerance: number;
  readonly html?: string;
}

function share(text: string): number {
  const value = Number(text);
  if (text.trim() !== '' && Number.isFinite(value) && value >= 0) return value;
  throw new InvalidArgumentError('It has to be a share such as 0.1.');
}
