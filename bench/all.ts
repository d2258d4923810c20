// `npm run bench`: every bench, each in its turn and by itself, and then docs/results.md of what they have left. Measures nothing.
import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { aside, endWith, isQuick, listFlag } from './append-child.ts';
import { writeResults } from './results.ts';

const PREFIX = 'bench:';
/** What most is asked of comes first; the others follow as they stand in package.json. */
const FIRST = ['curves', 'limits'];

/** The benches that package.json has. */
async function benches(): Promise<string[]> {
  const { scripts } = JSON.parse(await readFile('package.json', 'utf8')) as {
    scripts: Record<string, string>;
  };
  const names = Object.keys(scripts).flatMap((name) =>
    name.startsWith(PREFIX) ? name.slice(PREFIX.length) : [],
  );
  return [...FIRST, ...names.filter((name) => !FIRST.includes(name))];
}

/** @returns why it failed; undefined where it did not */
async function run(bench: string): Promise<string | undefined> {
  const args = ['run', `${PREFIX}${bench}`, '--', ...(isQuick ? ['--quick'] : [])];
  aside(`\n${PREFIX}${bench}, ${new Date().toISOString()}`);
  const npm = spawn('npm', args, { stdio: ['ignore', 'inherit', 'inherit'] });
  return new Promise((resolve) => {
    npm.once('error', (error) => resolve(error.message));
    npm.once('exit', (code, signal) =>
      resolve(code === 0 ? undefined : `it ended with ${code ?? signal}`),
    );
  });
}

async function main(): Promise<void> {
  const all = await benches();
  const chosen = process.argv.includes('--write-only') ? [] : (listFlag('only') ?? all);
  const unknown = chosen.filter((bench) => !all.includes(bench));
  if (unknown.length > 0)
    throw new Error(`no bench is called ${unknown.join(' or ')}; there are ${all.join(', ')}`);
  const failures: string[] = [];
  for (const bench of chosen) {
    const reason = await run(bench);
    if (reason !== undefined) failures.push(`failed: ${bench}: ${reason}`);
  }
  // What was quick is not to be believed, and leaves the page as it was.
  if (!isQuick) await writeResults();
  for (const failure of failures) aside(failure);
  endWith(failures.length === 0 ? 0 : 1);
}

await main();
