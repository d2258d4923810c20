// `npm run bench:sync`: how well in step pages of a real browser are, by what leaves their loudspeakers, over each kind of link; beside the same player driven by
// other people's clocks in the same page. Two nodes on one Redis, seeks, skips, and a page that is hidden for a while.
import { loadavg } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';
import { LoneChromium } from '../test/support/lone-chromium.ts';
import { Gathering, type MemberOptions } from '../test/support/sync-lab/gathering.ts';
import { PLAYER_NAMES } from '../test/support/sync-lab/lab-wire.ts';
import { sizesOf } from '../test/support/sync-lab/sync-figures.ts';
import { SyncStage } from '../test/support/sync-lab/sync-stage.ts';
import { SeededRandom } from '../test/support/seeded-random.ts';
import { flag, isQuick, listFlag, say } from './append-child.ts';
import { readReport, writeReport } from './report.ts';
import {
  judgeMember,
  type MemberResult,
  type Results,
  type SetResult,
  type Span,
} from './sync-member.ts';
import { plotHeard } from './sync-plot.ts';
import { tell } from './sync-report.ts';

const MINUTES = flag('minutes', 10, 1);
/** Pages under test at a time, beside the reference. */
const AT_ONCE = flag('pages', 2);
const SEED = flag('seed', 1);
/** Off, all pages and the hub share the machine's one crystal, which flatters whoever does not follow it. */
const CRYSTALS = flag('crystals', 1);
const ONLY = listFlag('only') ?? (isQuick ? ['lan'] : undefined);
/** Of the file: what was written in another one cannot be shown beside it. */
const SHAPE = 1;
const MINUTE_MS = 60_000;

const COMMON = {
  node: 1,
  players: PLAYER_NAMES,
  output: 'webaudio',
  seed: SEED,
  all: false,
} as const;
const MEMBERS: readonly MemberOptions[] = [
  { ...COMMON, name: 'lan', link: 'lan', crystalPpm: 20 },
  { ...COMMON, name: 'wifi', link: 'wifi', crystalPpm: -35 },
  { ...COMMON, name: 'busy', link: 'busy', crystalPpm: 60 },
  { ...COMMON, name: 'lte', link: 'lte', crystalPpm: -15 },
  { ...COMMON, name: 'atlantic', link: 'atlantic', crystalPpm: 45 },
  { ...COMMON, name: 'bloat', link: 'bloat', crystalPpm: -80 },
  {
    ...COMMON,
    name: 'element',
    link: 'lan',
    crystalPpm: 30,
    output: 'element',
    players: ['earshot'],
  },
  { ...COMMON, name: 'all', link: 'wifi', crystalPpm: 10, all: true, players: ['earshot'] },
];
const REFERENCE: MemberOptions = {
  ...COMMON,
  ...{ name: 'reference', node: 0, link: 'plain', crystalPpm: 0, players: ['earshot'] },
};

interface Action {
  readonly atMs: number;
  readonly act: () => Promise<void>;
}

/** A move of the room each minute, each third one a skip; and one page after the other is hidden. */
function actionsOf(gathering: Gathering, spanMs: number): Action[] {
  const random = new SeededRandom(SEED);
  const actions: Action[] = [];
  const everyMs = Math.min(MINUTE_MS, spanMs / 2);
  for (let n = 1; n * everyMs < spanMs; n += 1) {
    const positionMs = Math.round(2_000 + random.next() * 50_000);
    const act = n % 3 === 0 ? () => gathering.skip() : () => gathering.seek(positionMs);
    actions.push({ atMs: n * everyMs - everyMs / 6, act });
  }
  const tested = gathering.members.slice(1);
  const hiddenMs = Math.min(MINUTE_MS, spanMs / 6);
  for (const [index, member] of tested.entries()) {
    const atMs = spanMs * 0.35 + index * hiddenMs * 1.1;
    actions.push({ atMs, act: () => gathering.setHidden(member, true) });
    actions.push({ atMs: atMs + hiddenMs, act: () => gathering.setHidden(member, false) });
  }
  return actions.sort((a, b) => a.atMs - b.atMs);
}

async function measure(
  stage: SyncStage,
  members: readonly MemberOptions[],
): Promise<{ readonly members: readonly MemberResult[]; readonly set: SetResult }> {
  const at = new Date().toISOString();
  const loadBefore = loadavg()[0] ?? NaN;
  const spanMs = MINUTES * MINUTE_MS;
  const chromium = await LoneChromium.start();
  let gathering: Gathering | undefined;
  try {
    gathering = await Gathering.open(stage, chromium, [REFERENCE, ...members]);
    await gathering.play();
    const fromMs = performance.now();
    const cpuBefore = await chromium.cpuSeconds();
    const benchBefore = process.cpuUsage();
    for (const { atMs, act } of actionsOf(gathering, spanMs)) {
      await pause(Math.max(0, fromMs + atMs - performance.now()));
      await act();
    }
    await pause(Math.max(0, fromMs + spanMs - performance.now()));
    const seconds = (performance.now() - fromMs) / 1_000;
    const cpuAfter = await chromium.cpuSeconds();
    const bench = process.cpuUsage(benchBefore);
    // What was heard last has still to be told.
    await pause(1_500);
    const settledMs = fromMs + Math.min(MINUTE_MS, spanMs / 4);
    const span: Span = { fromMs, settledMs, untilMs: fromMs + spanMs };
    const open = gathering;
    const [reference, ...tested] = open.members;
    if (reference === undefined) throw new Error('no reference');
    return {
      members: tested.map((member) => judgeMember(open, member, reference, span)),
      set: {
        at,
        loadBefore,
        nodesApartP95Ms: nodesApart(stage, span),
        browserCores: Object.fromEntries(
          Object.entries(cpuAfter).map(([kind, after]) => [
            kind,
            (after - (cpuBefore[kind] ?? 0)) / seconds,
          ]),
        ),
        benchCores: (bench.user + bench.system) / 1e6 / seconds,
        reference: judgeMember(open, reference, undefined, span),
      },
    };
  } finally {
    await gathering?.close();
    await chromium.stop();
  }
}

function nodesApart({ nodes }: SyncStage, { settledMs, untilMs }: Span): number {
  const [a, b] = nodes.map(({ prober }) => prober.history());
  const apart: number[] = [];
  for (let at = settledMs; at < untilMs; at += 500)
    apart.push((a?.at(at).offsetMs ?? NaN) - (b?.at(at).offsetMs ?? NaN));
  return sizesOf(apart).p95Ms;
}

async function readResults(): Promise<Results> {
  const read = await readReport<{ readonly shape: number; readonly members: Results }>('sync');
  return read?.shape === SHAPE ? read.members : {};
}

async function main(): Promise<void> {
  const chosen = MEMBERS.filter(({ name }) => ONLY === undefined || ONLY.includes(name)).map(
    (member) => ({ ...member, crystalPpm: member.crystalPpm * CRYSTALS }),
  );
  // A run of some, or of none, leaves what is there of the others.
  const results: Results = ONLY === undefined ? {} : await readResults();
  for (let first = 0; first < chosen.length; first += AT_ONCE) {
    const members = chosen.slice(first, first + AT_ONCE);
    say(`${members.map(({ name }) => name).join(', ')}: ${MINUTES} minutes`);
    // The probers' memory is of one set: each has servers of its own.
    const stage = await SyncStage.start(members.length + 1);
    if (stage === undefined) throw new Error('no servers to measure with');
    try {
      const measured = await measure(stage, members);
      for (const member of measured.members) results[member.name] = { member, set: measured.set };
    } finally {
      await stage.stop();
    }
    await writeReport('sync', { shape: SHAPE, minutes: MINUTES, members: results });
  }
  tell(results);
  if (process.argv.includes('--plots'))
    say(`\nwritten to ${await plotHeard(Object.values(results).map(({ member }) => member))}`);
  // Once more, with all that was said.
  await writeReport('sync', { shape: SHAPE, minutes: MINUTES, members: results });
}

await main();
