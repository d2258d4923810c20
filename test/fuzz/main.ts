#!/usr/bin/env node
// `npm run fuzz`: all targets, or those that are named, for so many minutes together; keeps what brought something new.
import { parseArgs } from 'node:util';
import { lineOf, readCorpus, writeCorpus } from './corpus.ts';
import { fuzz } from './fuzzer.ts';
import { allTargets } from './targets.ts';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '1' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    target: { type: 'string', multiple: true },
  },
});
const say = (line: string): void => void process.stdout.write(`${line}\n`);
const targets = allTargets().filter(({ name }) => values.target?.includes(name) ?? true);
const seed = Number(values.seed);
const eachMs = (Number(values.minutes) * 60_000) / targets.length;
if (targets.length === 0 || !(eachMs > 0) || !Number.isInteger(seed)) {
  say(
    `--minutes N --seed N --target ${allTargets()
      .map(({ name }) => name)
      .join('|')}`,
  );
  process.exit(2);
}
say(`seed ${seed}`);
let found = 0;
for (const target of targets) {
  const before = readCorpus(target.name);
  const until = performance.now() + eachMs;
  const done = await fuzz(target, before, seed, () => performance.now() < until);
  const { executions, corpus, findings } = done;
  const kept = writeCorpus(target.name, corpus);
  found += findings.length;
  say(
    `${target.name}: ${executions} inputs, ${corpus.length} outcomes, ${kept} kept (${before.length} before), ${findings.length} findings`,
  );
  if (kept < corpus.length)
    say(`  the corpus is full: the longest ${corpus.length - kept} inputs are not kept`);
  for (const { input, error } of findings) {
    say(`  ${lineOf(input)}`);
    say(`  ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
    if (error instanceof Error && error.cause !== undefined)
      say(`  ${JSON.stringify(error.cause)}`);
  }
}
process.exitCode = found > 0 ? 1 : 0;
