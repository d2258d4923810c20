// `npm run torture`: the long run, with its report. Exit code 1 where a rule was broken, 2 where the run itself failed.
import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { FAULT_NAMES, type FaultName } from './faults.ts';
import { run, type Report } from './run.ts';
import type { RedisKind } from './stage.ts';

const USAGE = `usage: npm run torture -- [--minutes 10] [--seed N] [--redis single|sentinel|both] [--faults a,b] [--nodes 3] [--people 8] [--rooms 4] [--report file.json]
faults: ${FAULT_NAMES.join(', ')}`;

class BadUsage extends Error {}

function numberOf(name: string, text: string): number {
  const number = Number(text);
  if (!(number > 0)) throw new BadUsage(`--${name}: "${text}" is no number above 0`);
  return number;
}

function faultNames(text: string | undefined): readonly FaultName[] | undefined {
  if (text === undefined) return undefined;
  const names = text.split(',');
  const wrong = names.find((name) => !(FAULT_NAMES as readonly string[]).includes(name));
  if (wrong !== undefined) throw new BadUsage(`--faults: there is no "${wrong}"`);
  return names as readonly FaultName[];
}

function kindsOf(text: string): readonly RedisKind[] {
  if (text === 'both') return ['single', 'sentinel'];
  if (text !== 'single' && text !== 'sentinel')
    throw new BadUsage(`--redis: "${text}" is neither single nor sentinel nor both`);
  return [text];
}

function tell(report: Report): void {
  const { seed, redis, faults, counts, rules, violations, troubles } = report;
  const struck = new Map<string, number>();
  for (const { fault } of faults) struck.set(fault, (struck.get(fault) ?? 0) + 1);
  console.log(`\nseed ${seed}, Redis ${redis}, ${Math.round(report.lastedMs / 1_000)} s`);
  console.table([...struck].map(([fault, times]) => ({ fault, times })));
  console.table(Object.entries(counts).map(([what, count]) => ({ what, count })));
  console.log('what the nodes said of it:', troubles);
  for (const { rule, what, roomId, evidence } of violations.slice(0, 20))
    console.log(
      `VIOLATION ${rule}: ${what} (room ${roomId})`,
      JSON.stringify(evidence).slice(0, 600),
    );
  const broken = Object.entries(rules).filter(([, count]) => count > 0);
  console.log(
    broken.length === 0
      ? `all ${Object.keys(rules).length} rules hold`
      : `broken: ${broken.map(([rule, count]) => `${rule} (${count})`).join(', ')}`,
  );
}

/** A run in which nothing failed, or nothing was acknowledged or shown, breaks no rule and proves nothing. */
function provesNothing({ faults, counts }: Report): boolean {
  const shown = counts['revisions shown'] ?? 0;
  return faults.length === 0 || (counts['acknowledged'] ?? 0) === 0 || shown === 0;
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      minutes: { type: 'string', default: '10' },
      seed: { type: 'string', default: String(1 + Math.floor(Math.random() * 1e6)) },
      redis: { type: 'string', default: 'both' },
      faults: { type: 'string' },
      nodes: { type: 'string', default: '3' },
      people: { type: 'string', default: '8' },
      rooms: { type: 'string', default: '4' },
      report: { type: 'string', default: '.cache/torture-report.json' },
    },
  });
  const kinds = kindsOf(values.redis);
  const faults = faultNames(values.faults);
  const seed = numberOf('seed', values.seed);
  const lastsMs = (numberOf('minutes', values.minutes) * 60_000) / kinds.length;
  const reports: Report[] = [];
  for (const redis of kinds) {
    console.log(`seed ${seed}, Redis ${redis}`);
    const report = await run({
      seed,
      redis,
      lastsMs,
      faults,
      nodes: numberOf('nodes', values.nodes),
      people: numberOf('people', values.people),
      rooms: numberOf('rooms', values.rooms),
      isShort: lastsMs < 120_000,
      say: (line) => console.log(line),
    });
    tell(report);
    reports.push(report);
    // After each: what one run has found must not be lost where the next one fails.
    await writeFile(values.report, `${JSON.stringify(reports, undefined, 2)}\n`);
  }
  console.log(`the whole report: ${values.report}`);
  if (reports.some(({ violations }) => violations.length > 0)) return 1;
  if (!reports.some(provesNothing)) return 0;
  console.error('nothing failed, or nothing was done: this run proves nothing');
  return 2;
}

try {
  process.exitCode = await main();
} catch (error) {
  const isUsage = error instanceof BadUsage || (error instanceof TypeError && 'code' in error);
  console.error(isUsage ? `${error.message}\n${USAGE}` : error);
  process.exitCode = 2;
}
// A server that will not end must not keep the run's result.
const { exitCode } = process;
setTimeout(() => process.exit(exitCode), 5_000).unref();
