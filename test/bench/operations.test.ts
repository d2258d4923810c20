// What the parts of `npm run bench:operations` make of their figures: slopes, verdicts, ratios, goals, and how they are told.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Drain } from '../../bench/drain.ts';
import { figuresIn } from '../../bench/exposition.ts';
import { goalsOf } from '../../bench/goals.ts';
import {
  toldOperations,
  type OperationParts,
  type OperationsReport,
} from '../../bench/operations-report.ts';
import { pairedOf } from '../../bench/paired-figures.ts';
import { resultPage } from '../../bench/result-page.ts';
import { slopeOf } from '../../bench/slope.ts';
import { soakPlot } from '../../bench/soak-plot.ts';
import {
  atRestOf,
  growthOf,
  growthsOf,
  NO_MATTER,
  keptOf,
  type AtRest,
  type Growth,
  type SoakSample,
} from '../../bench/soak-verdict.ts';
import type { Soak } from '../../bench/soak.ts';
import type { Point } from '../../bench/svg.ts';
import { Random } from '../../loadtest/random.ts';

const MB = 1_024 * 1_024;
const RAN = { at: '2026-01-02T03:04:05.000Z', tookSeconds: 60, loadBefore: [0], loadAfter: [1] };

/** Of no size, each from -0.5 to 0.5. */
function noise(seed: number, count: number): number[] {
  const random = new Random(seed);
  return Array.from({ length: count }, () => random.next() - 0.5);
}

test('the slope of a line is that of the line, and certain', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: -1_000, max: 1_000 }),
      fc.integer({ min: -1_000, max: 1_000 }),
      (a, b) => {
        const points = Array.from({ length: 20 }, (_, i): Point => [i * 10, a + b * i * 10]);
        const found = slopeOf(points);
        expect(found?.slope).toBeCloseTo(b, 6);
        expect(found?.standardError).toBeLessThan(1e-6);
      },
    ),
  );
});

test('the slope of a line with noise that is independent lies in its interval about as often as it says', () => {
  const rounds = 400;
  const held = Array.from({ length: rounds }, (_, seed) => {
    const points = noise(seed, 90).map((off, i): Point => [i, 3 + 0.01 * i + off]);
    const { low, high } = slopeOf(points) ?? { low: NaN, high: NaN };
    return low <= 0.01 && 0.01 <= high;
  }).filter((isHeld) => isHeld).length;
  expect(held / rounds).toBeGreaterThan(0.92);
});

test('noise that wanders makes a slope less sure than the same number of independent samples', () => {
  const steps = noise(7, 90);
  const wandering = steps.map((_, i): Point => {
    const lately = steps.slice(Math.max(0, i - 15), i + 1);
    return [i, lately.reduce((sum, step) => sum + step, 0)];
  });
  const independent = steps.map((off, i): Point => [i, off]);
  expect(slopeOf(wandering)?.effectiveSamples).toBeLessThan(30);
  expect(slopeOf(independent)?.effectiveSamples).toBeGreaterThan(60);
});

test.each([
  ['none', []],
  ['two', [0, 1]],
  ['many of one moment', [5, 5, 5, 5]],
])('%s have no slope', (_, xs) => {
  expect(slopeOf(xs.map((x): Point => [x, x]))).toBeUndefined();
});

const AT_REST: AtRest = {
  ...{ rssBytes: 100 * MB, liveBytes: 35 * MB, codeBytes: 9 * MB },
  takenBytes: 60 * MB,
  ...{ openFiles: 30, databaseFiles: 120, databaseConnections: 4, timers: 12, resources: 20 },
  ...{ rooms: 0, connections: 0 },
};

/** A sample each ten seconds of a quarter of an hour. @param perHour of 100 MB */
function run(perHour: number, noiseBytes: number): SoakSample[] {
  return noise(1, 90).map((off, i) => ({
    ...AT_REST,
    atSeconds: i * 10,
    rssBytes: 100 * MB * (1 + (perHour * i * 10) / 3_600) + off * noiseBytes,
  }));
}

test.each([
  ['nothing but a little noise', 0, 2 * MB, 'flat'],
  ['half a percent an hour, and certain', 0.005, 0, 'flat'],
  ['three percent an hour, and certain', 0.03, 0.01 * MB, 'GROWS'],
  ['a third an hour', 0.33, 2 * MB, 'GROWS'],
  ['noise that could hide anything', 0, 80 * MB, 'unsure'],
])('%s: %s an hour with %s bytes of noise is %s', (_, perHour, noiseBytes, verdict) => {
  expect(growthOf(run(perHour, noiseBytes), ({ rssBytes }) => rssBytes)?.verdict).toBe(verdict);
});

test('what certainly grows, and most likely by more than one percent, grows', () => {
  const growth = growthOf(run(0.015, MB), ({ rssBytes }) => rssBytes);
  expect(growth?.perHour).toBeGreaterThan(NO_MATTER);
  expect(growth?.low).toBeGreaterThan(0);
  expect(growth?.low).toBeLessThan(NO_MATTER);
  expect(growth?.verdict).toBe('GROWS');
});

test('code that grows is told from all else, which does not', () => {
  const samples = run(0, 0).map((sample, i) => {
    const more = i * 0.01 * MB;
    return { ...sample, liveBytes: 35 * MB + more, codeBytes: 9 * MB + more };
  });
  const growths = growthsOf(samples);
  const told = (of: Growth | undefined) => of && [Math.round(of.meanBytes / MB), of.verdict];
  expect(Object.values(growths).map(told)).toEqual([
    [100, 'flat'],
    [60, 'flat'],
    [35, 'GROWS'],
    [9, 'GROWS'],
    [26, 'flat'],
  ]);
});

test('what shrinks does not grow', () => {
  expect(growthOf(run(-0.5, MB), ({ rssBytes }) => rssBytes)?.verdict).toBe('flat');
});

test('what is more afterwards was kept; what is less was not', () => {
  expect(keptOf(AT_REST, AT_REST)).toEqual([]);
  expect(keptOf(AT_REST, { ...AT_REST, openFiles: 29, rssBytes: 200 * MB })).toEqual([]);
  expect(keptOf(AT_REST, { ...AT_REST, openFiles: 31, timers: 13 })).toEqual([
    'open file descriptors: 30 before, 31 after',
    'timers: 12 before, 13 after',
  ]);
});

test('a look that opened a file once is none of a node at rest', () => {
  const samples = [30, 31, 30].map((openFiles) => ({ ...AT_REST, atSeconds: 0, openFiles }));
  expect(atRestOf(samples).openFiles).toBe(30);
});

test('metrics are read by their names and labels', () => {
  const text =
    '# HELP a b\na 1\nnodejs_active_resources{type="Timeout"} 12\nb{c="d e"} 2.5e+3\nnone NaN\n';
  expect([...figuresIn(text)]).toEqual([
    ['a', 1],
    ['nodejs_active_resources{type="Timeout"}', 12],
    ['b{c="d e"}', 2_500],
    ['none', NaN],
  ]);
});

const COST = { usPerFrame: 10, framesPerSecond: 1_000, share: 0.1 };
const LOAD = { rooms: 60, people: 600, messagesPerSecond: 240, windowSeconds: 20 };

test('a ratio is that of each round by itself', () => {
  const paired = pairedOf(['plain', 'TLS'], LOAD, [
    [COST, { ...COST, usPerFrame: 11 }],
    [
      { ...COST, usPerFrame: 20 },
      { ...COST, usPerFrame: 26 },
    ],
    [COST, { ...COST, usPerFrame: 12 }],
  ]);
  expect(paired.frame.least).toBeCloseTo(1.1);
  expect(paired.frame.median).toBeCloseTo(1.2);
  expect(paired.frame.most).toBeCloseTo(1.3);
});

const LATENCY = { count: 100, p50Ms: 1, p99Ms: 20, maxMs: 30 };

/** Of so many MB, at the same pace as `rss`. */
const ofSize = (rss: Growth | undefined, size: number): Growth | undefined =>
  rss && { ...rss, meanBytes: size * MB };

function soak(rss: Growth | undefined, kept: readonly string[] = []): RanOf<'soak'> {
  const samples = run(0, MB);
  return {
    ...RAN,
    ...{ stores: 'embedded', minutes: 30, sampleSeconds: 10, load: 1.5, people: 1_400, rooms: 130 },
    limit: { load: 3, people: 2_700, isOfGenerator: true, gaveWay: ['join p99 <= 1000'] },
    ...{ joined: 9_000, left: 8_000, before: AT_REST, after: AT_REST, judged: [450, 900] },
    ...{ rss, taken: ofSize(rss, 60), live: ofSize(rss, 35) },
    ...{ code: ofSize(rss, 9), rest: ofSize(rss, 26) },
    ...{ kept, faults: 0, lost: 0, doubts: [], join: LATENCY, last: LATENCY },
    samples,
  } satisfies Soak & typeof RAN;
}
type RanOf<K extends keyof OperationParts> = NonNullable<OperationParts[K]>;

const DRAIN: Drain = {
  ...{ people: 10_000, rooms: 2_000 },
  runs: [
    {
      ...{ windowMs: 2_000, connections: 10_000, exitMs: 2_345, exitCode: 0 },
      ...{ resume: { ...LATENCY, count: 10_000 }, heard: LATENCY, faults: 0, lost: 0, doubts: [] },
      coming: {
        ...{ people: 200, join: LATENCY, worstJoinMs: 25, faults: 0, lost: 0 },
        doubts: ['it was late'],
      },
    },
  ],
};

const WEIGHTS = { rssBytes: 90 * MB, pssBytes: NaN, heapBytes: 30 * MB, externalBytes: 5 * MB };

const PARTS: OperationParts = {
  restart: {
    ...{ ...RAN, rooms: 1_000, people: 3_000, busyPeople: 300 },
    stores: [{ stores: 'shared', firstMs: 900, killed: [500, 700], medianMs: 600, worstMs: 700 }],
  },
  idle: {
    ...{ ...RAN, rounds: 1, settleSeconds: 60 },
    stores: [{ stores: 'embedded', settled: WEIGHTS, collected: WEIGHTS }],
  },
  image: {
    ...{ ...RAN, wholeBytes: 200e6, parts: [{ name: 'Node', bytes: 120e6 }] },
    packages: [
      { name: 'light', bytes: 3e5 },
      { name: '@scope', bytes: 5e6 },
      { name: 'heavy', bytes: 50e6 },
      { name: 'lighter', bytes: 1e5 },
    ],
  },
  drain: { ...RAN, ...DRAIN },
  metrics: { ...RAN, ...pairedOf(['not asked', 'asked each second'], LOAD, [[COST, COST]]) },
  tls: { ...RAN, ...pairedOf(['plain', 'TLS'], LOAD, [[COST, COST]]) },
  soak: soak(growthOf(run(0, MB), ({ rssBytes }) => rssBytes)),
};

test('the packages that are light are told as one, after the heavy ones', () => {
  const lines = toldOperations(PARTS).image?.lines ?? [];
  expect(lines.slice(-3)).toEqual([
    '| heavy | 50.0 |',
    '| @scope | 5.0 |',
    '| 2 lighter ones | 0.4 |',
  ]);
});

function page(parts: OperationParts, isDrawn = true): string {
  const operations = {
    ...{ bench: 'operations', at: RAN.at, isQuick: false, loadBefore: [0], loadAfter: [1] },
    machine: { cpu: 'a CPU', cores: 2, memoryBytes: 8e9, system: 'Linux', node: 'v20' },
    ...{ said: [], parts, leftOut: [] },
  } satisfies OperationsReport;
  return resultPage({
    ...{ curves: undefined, limits: undefined, operations, others: new Map() },
    plots: new Map(parts.soak && isDrawn ? [['soak', soakPlot(parts.soak)] as const] : []),
  });
}

test('the page tells every part, and draws the soak', () => {
  const text = page(PARTS);
  for (const told of [
    ...['### From a kill to being ready', '### An idle node', '### The image', '### A drain'],
    ...['### What metrics cost', '### What TLS costs', '### A soak', '(results/soak.svg)'],
    ...[
      '| operations, soak | began 2026-01-02 03:04 UTC | 1.0 min |',
      'drained: all are back, and nothing and nobody is lost',
    ],
    ...['does not trust its own times (DRAIN_MS 2,000): it was late'],
  ])
    expect(text).toContain(told);
  expect(text).not.toMatch(/NaN|undefined|null/);
});

test('a soak tells what grew by how much, and what of it is code', () => {
  const growth = growthOf(run(0.03, 0), ({ rssBytes }) => rssBytes);
  const [, told = ''] = page({ soak: soak(growth) }).split('### A soak');
  const rows = told.split('\n').filter((line) => line.endsWith('GROWS |'));
  expect(rows.map((line) => line.split(' | ').slice(0, 3))).toEqual([
    ['| resident', '100.4', '+3.00'],
    ['| of it, taken for the heap', '60.0', '+1.79'],
    ['| of the heap, what a full collection leaves', '35.0', '+1.05'],
    ['| of what is left, code', '9.0', '+0.27'],
    ['| of what is left, all else', '26.0', '+0.78'],
  ]);
});

test('the page tells a report that was written and read again as it would tell it at once', () => {
  const again = JSON.parse(JSON.stringify(PARTS)) as OperationParts;
  expect(page(again)).toBe(page(PARTS));
});

test('the page says what of it has not run', () => {
  const text = page({ drain: { ...RAN, ...DRAIN } });
  expect(text).toContain('| operations, soak | not run |');
  expect(text).not.toContain('### A soak');
});

test('a soak is drawn with all that it was looked at for', () => {
  const { drawn, alt } = soakPlot(soak(undefined));
  expect(drawn).not.toMatch(/NaN|Infinity|undefined/);
  for (const name of [
    'resident',
    'taken for the heap',
    'what lives',
    'code',
    'descriptors',
    'timers',
    'connections',
    'rooms',
  ])
    expect(drawn + alt).toContain(name);
});

test('goals: nothing is lost in a drain, memory does not grow, and all is given back', () => {
  const verdicts = (parts: OperationParts): (string | undefined)[] =>
    ['is drained', 'resident memory does not grow', 'of the heap does not grow', 'when all'].map(
      (text) => goalsOf({}, undefined, parts).find(({ goal }) => goal.includes(text))?.verdict,
    );
  const none = 'not measured';
  expect(verdicts({})).toEqual([none, none, none, none]);
  expect(verdicts(PARTS)).toEqual(['met', 'met', 'met', 'met']);
  const [first] = DRAIN.runs;
  expect(
    verdicts({
      drain: { ...RAN, ...DRAIN, runs: [{ ...first!, lost: 1 }] },
      soak: soak(
        growthOf(run(0.3, MB), ({ rssBytes }) => rssBytes),
        ['timers: 12 before, 13 after'],
      ),
    }),
  ).toEqual(['MISSED', 'MISSED', 'MISSED', 'MISSED']);
  const noisy = growthOf(run(0, 80 * MB), ({ rssBytes }) => rssBytes);
  const heldFlat = { ...soak(noisy), live: PARTS.soak?.live };
  expect(verdicts({ soak: heldFlat })).toEqual([none, 'unsure', 'met', 'met']);
});

test.each([
  ['a process that failed', { exitCode: 1 }],
  ['a process that was killed', { exitCode: null }],
  ['people who were not seen to be back', { resume: { ...LATENCY, count: 9_999 } }],
  ['faults', { faults: 1 }],
])('goals: a drain with %s is none', (_, wrong) => {
  const [first] = DRAIN.runs;
  const drain = { ...RAN, ...DRAIN, runs: [{ ...first!, ...wrong }] };
  const of = goalsOf({}, undefined, { drain }).find(({ goal }) => goal.includes('is drained'));
  expect(of?.verdict).toBe('MISSED');
});

test('goals: of a crowd that was lost on the way a soak says nothing', () => {
  const lost = { ...soak(growthOf(run(0, MB), ({ rssBytes }) => rssBytes)), lost: 3 };
  const of = goalsOf({}, undefined, { soak: lost }).filter(({ goal }) => goal.includes('not grow'));
  expect(of.map(({ verdict }) => verdict)).toEqual(['not measured', 'not measured']);
});

test('what could not be read is not flat', () => {
  expect(growthOf(run(0, MB), () => NaN)?.verdict).toBe('unsure');
  expect(growthOf(run(0, MB), () => 0)?.verdict).toBe('unsure');
});
