// Prints what `npm run bench:sync` measured, beside the goals and the simulator's figures of the same links.
import { corridorSubject } from '../test/clock/support/corridor-subject.ts';
import { reportLink } from '../test/clock/support/link-report.ts';
import type { LinkName } from '../test/clock/support/sim-links.ts';
import { heading, row, say } from './append-child.ts';
import type { MemberResult, PlayerResult, Results } from './sync-member.ts';

const SIM_SEEDS = Array.from({ length: 8 }, (_, index) => 1_001 + index);
const SIM_MS = 600_000;
const GOALS = { p95Ms: 3, p99Ms: 5, elementP95Ms: 15, linkMs: 1, reportMs: 2 } as const;
const CORRECTIONS = { perMinute: 2, jumpMs: 5, rate: 0.005 } as const;
/** A rate follows the crystal as well, which nobody hears. */
const CRYSTAL_RATE = 200e-6;

interface SimFigures {
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly p99Ms: number;
}

const simulated = new Map<LinkName, SimFigures>();

/** The clock's own error over that link, as the simulator has it. */
function simulatedOf(link: LinkName): SimFigures {
  let figures = simulated.get(link);
  if (figures === undefined)
    simulated.set(link, (figures = reportLink(link, SIM_SEEDS, SIM_MS, corridorSubject)));
  return figures;
}

interface Goal {
  readonly p95Ms: number;
  readonly p99Ms: number;
}

function goalOf({ link, output }: MemberResult): Goal {
  if (output === 'element') return { p95Ms: GOALS.elementP95Ms, p99Ms: Infinity };
  if (link === 'lan' || link === 'plain') return GOALS;
  const { p95Ms, p99Ms } = simulatedOf(link as LinkName);
  return { p95Ms: GOALS.p95Ms + p95Ms + GOALS.linkMs, p99Ms: GOALS.p99Ms + p99Ms + GOALS.linkMs };
}

function verdict(ok: boolean): string {
  return ok ? 'pass' : 'FAIL';
}

const ms = (value: number): string => value.toFixed(2);

function ours({ players }: MemberResult): PlayerResult | undefined {
  return players.find(({ player }) => player === 'earshot');
}

export function tell(results: Results): void {
  const members = Object.values(results).map(({ member }) => member);
  tellErrors(members);
  tellBelief(members);
  tellCorrections(members);
  tellGoals(members);
  tellConditions(results);
}

function tellErrors(members: readonly MemberResult[]): void {
  say('\nHeard less wanted, without the asymmetry of the link; ms, sizes but for the median');
  const columns = [
    'page',
    'clock',
    'clicks',
    'median, as heard',
    'p95, as heard',
    'p50',
    'p95',
    'p99',
    'max',
  ];
  const more = ['after moves p95', 'hidden p95', 'from the reference p95'];
  say(heading([...columns, ...more]));
  for (const member of members)
    for (const each of member.players) {
      const { player, error, excess, medianMs, moving, hidden, apart } = each;
      say(
        row([
          member.name,
          player,
          error.n,
          ms(medianMs),
          ms(error.p95Ms),
          ...[excess.p50Ms, excess.p95Ms, excess.p99Ms, excess.maxMs].map(ms),
          ...[moving.p95Ms, hidden.p95Ms, apart.p95Ms].map(ms),
        ]),
      );
    }
}

function tellBelief(members: readonly MemberResult[]): void {
  say('\nWhat was believed, beside what was true; ms, without the asymmetry');
  say(
    heading([
      ...['page', 'clock', 'clock’s error p50', 'p95', 'p99', 'max', 'est. error', 'bound', 'held'],
      ...['shown less true p95', 'sync.report less true p95', 'reports'],
    ]),
  );
  for (const member of members)
    for (const { player, clock, shownLessTrue, reportedLessTrue } of member.players)
      say(
        row([
          member.name,
          player,
          ...[clock.p50Ms, clock.p95Ms, clock.p99Ms, clock.maxMs].map(ms),
          ...(player === 'earshot'
            ? [
                ms(clock.estErrorMs),
                ms(clock.maxErrorMs),
                `${(clock.boundHeld * 100).toFixed(1)} %`,
              ]
            : ['', '', '']),
          ...[shownLessTrue.p95Ms, reportedLessTrue.p95Ms].map(ms),
          reportedLessTrue.n,
        ]),
      );
}

function tellCorrections(members: readonly MemberResult[]): void {
  say('\nCorrections');
  say(
    heading([
      ...['page', 'clock', 'while settling: rates, jumps, seeks', 'later: rates, jumps, seeks'],
      ...['later, a minute', 'biggest jump, ms', 'furthest rate from 1, %'],
    ]),
  );
  for (const member of members)
    for (const { player, correctionsFirst: first, correctionsLater: later } of member.players)
      say(
        row([
          member.name,
          player,
          `${first.rates}, ${first.jumps}, ${first.seeks}`,
          `${later.rates}, ${later.jumps}, ${later.seeks}`,
          later.perMinute.toFixed(1),
          ms(later.biggestJumpMs),
          (later.rateMost * 100).toFixed(3),
        ]),
      );
}

function tellGoals(members: readonly MemberResult[]): void {
  say('\nGoals');
  const columns = ['page', 'p95', 'p99', 'sync.report', 'corrections', 'none audible'];
  say(heading([...columns, 'valid']));
  for (const member of members) {
    const result = ours(member);
    if (result === undefined) continue;
    const goal = goalOf(member);
    const { excess, reportedLessTrue, correctionsLater: later } = result;
    const against = (value: number, most: number): string =>
      most === Infinity ? '' : `${ms(value)} ≤ ${ms(most)} ${verdict(value <= most)}`;
    say(
      row([
        member.name,
        against(excess.p95Ms, goal.p95Ms),
        against(excess.p99Ms, goal.p99Ms),
        against(reportedLessTrue.p95Ms, GOALS.reportMs),
        `${later.perMinute.toFixed(1)} ≤ ${CORRECTIONS.perMinute} ${verdict(later.perMinute <= CORRECTIONS.perMinute)}`,
        verdict(
          later.biggestJumpMs <= CORRECTIONS.jumpMs &&
            later.rateMost <= CORRECTIONS.rate + CRYSTAL_RATE,
        ),
        member.invalid.length === 0 ? 'yes' : `INVALID: ${member.invalid.join('; ')}`,
      ]),
    );
  }
}

function tellConditions(results: Results): void {
  say('\nHow well that is known, ms, and what it took');
  say(
    heading([
      ...[
        'page',
        'minutes',
        'device starved, a minute',
        'page’s clock ±',
        'timeOrigin off',
        'hub time ±',
      ],
      ...[
        'device’s stamps ±',
        'link late p50, p95',
        'drawn up, down p50',
        'nodes apart p95',
        'simulator p95, p99',
      ],
      ...['cores: pages, browser, bench'],
    ]),
  );
  for (const { member, set } of Object.values(results)) {
    const sim = simulatedOf(member.link as LinkName);
    const { renderer = 0, ...others } = set.browserCores;
    const rest = Object.values(others).reduce((sum, each) => sum + each, 0);
    say(
      row([
        member.name,
        member.minutes,
        member.starvedPerMinute.toFixed(1),
        ms(member.pageClockUnsureMs),
        ms(member.timeOriginOffMs),
        ms(member.hubUnsureP95Ms),
        ms(member.stampNoiseP95Ms),
        `${ms(member.linkLateMs.p50Ms)}, ${ms(member.linkLateMs.p95Ms)}`,
        `${ms(member.drawnP50Ms.up)}, ${ms(member.drawnP50Ms.down)}`,
        ms(set.nodesApartP95Ms),
        `${ms(sim.p95Ms)}, ${ms(sim.p99Ms)}`,
        [renderer, rest, set.benchCores].map((cores) => cores.toFixed(2)).join(', '),
      ]),
    );
  }
}
