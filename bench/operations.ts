// `npm run bench:operations`: what matters to whoever runs a node. How soon it is ready and how it goes, what it weighs, what metrics and TLS
// cost, and whether it takes more and more over time.
import { loadavg } from 'node:os';
import { aside, endWith, listFlag } from './append-child.ts';
import {
  OPERATION_NAMES,
  readOperations,
  toldOperations,
  type OperationName,
  type OperationParts,
  type Ran,
} from './operations-report.ts';
import { measureDrain } from './drain.ts';
import { measureIdle } from './idle.ts';
import { measureImage } from './image.ts';
import { writeReport } from './report.ts';
import { measureRestart } from './restart.ts';
import { measureScrape } from './scrape.ts';
import { measureSoak } from './soak.ts';
import { measureTls } from './tls.ts';

type Measures = {
  readonly [K in OperationName]: () => Promise<Omit<NonNullable<OperationParts[K]>, keyof Ran>>;
};
const MEASURES: Measures = {
  restart: measureRestart,
  idle: measureIdle,
  image: measureImage,
  drain: measureDrain,
  metrics: measureScrape,
  tls: measureTls,
  soak: measureSoak,
};

function chosen(): readonly OperationName[] {
  const only = listFlag('only');
  const unknown = only?.filter((name) => !OPERATION_NAMES.some((known) => known === name)) ?? [];
  if (unknown.length > 0)
    throw new Error(
      `no part is called ${unknown.join(' or ')}; there are ${OPERATION_NAMES.join(', ')}`,
    );
  return OPERATION_NAMES.filter((name) => only?.includes(name) ?? true);
}

/** With when it ran, and beside what. */
async function ran<T extends object>(measure: () => Promise<T>): Promise<Ran & T> {
  const [at, loadBefore, startedAt] = [new Date().toISOString(), loadavg(), performance.now()];
  const figures = await measure();
  const tookSeconds = Math.round((performance.now() - startedAt) / 1_000);
  return { at, tookSeconds, loadBefore, loadAfter: loadavg(), ...figures };
}

async function main(): Promise<void> {
  const names = chosen();
  // A run of some leaves what is there of the others.
  const before = names.length === OPERATION_NAMES.length ? undefined : await readOperations();
  let parts: OperationParts = before?.parts ?? {};
  const leftOut = (before?.leftOut ?? []).filter(
    (line) => !names.some((name) => line.startsWith(`left out: ${name}:`)),
  );
  const earlier = leftOut.length;
  for (const name of names) {
    aside(`\n${name}, ${new Date().toISOString()}`);
    try {
      parts = { ...parts, [name]: await ran<object>(MEASURES[name]) };
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      leftOut.push(`left out: ${name}: ${reason}`);
      aside(leftOut.at(-1) ?? '');
      const { [name]: _, ...others } = parts;
      parts = others;
      continue;
    }
    const told = toldOperations(parts)[name];
    for (const line of ['', told?.title ?? '', told?.about ?? '', '', ...(told?.lines ?? [])])
      aside(line);
    // The last may be half an hour away.
    await writeReport('operations', { parts, leftOut });
  }
  if (leftOut.length > earlier) await writeReport('operations', { parts, leftOut });
  endWith(leftOut.length === earlier ? 0 : 1);
}

await main();
