// What one page of `npm run bench:sync` comes to: figures of each of its players, and whether they may be believed.
import {
  sizesOf,
  clickErrors,
  distances,
  judgeBeliefs,
  beliefGaps,
  reportGaps,
  medianOf,
  MOVING_MS,
  type ClickError,
  type Sizes,
} from '../test/support/sync-lab/sync-figures.ts';
import type { Gathering, Member } from '../test/support/sync-lab/gathering.ts';
import type { PlayerName } from '../test/support/sync-lab/lab-wire.ts';
import type { HeardClick } from '../test/support/sync-lab/page-tape.ts';

export interface Corrections {
  /** Beginnings of a rate that catches up or waits, jumps and seeks. */
  readonly rates: number;
  readonly jumps: number;
  readonly seeks: number;
  readonly perMinute: number;
  readonly biggestJumpMs: number;
  /** The furthest from 1 of any rate. */
  readonly rateMost: number;
}

export interface PlayerResult {
  readonly player: PlayerName;
  /** Heard less wanted; later than `MOVING_MS` after a move of the room, and after the settling. */
  readonly error: Sizes;
  /** The same without the link's asymmetry, which nobody can know. */
  readonly excess: Sizes;
  readonly medianMs: number;
  /** Of the clicks right after a move of the room. */
  readonly moving: Sizes;
  /** Of the clicks while the page was hidden. */
  readonly hidden: Sizes;
  /** From the reference page's. */
  readonly apart: Sizes;
  readonly garbled: number;
  /** What the player showed less what was true; with the asymmetry taken off what is true. */
  readonly shownLessTrue: Sizes;
  readonly reportedLessTrue: Sizes;
  /** Hub time by its clock less the true one, without the asymmetry. */
  readonly clock: Sizes & {
    readonly estErrorMs: number;
    readonly maxErrorMs: number;
    /** Part of the time in which the proven bound held. */
    readonly boundHeld: number;
  };
  readonly correctionsFirst: Corrections;
  readonly correctionsLater: Corrections;
  /** For plots: seconds since the start, and ms. */
  readonly series: readonly (readonly [sec: number, errorMs: number])[];
  readonly clockSeries: readonly (readonly [sec: number, errorMs: number, maxErrorMs: number])[];
}

export interface MemberResult {
  readonly name: string;
  readonly link: string;
  readonly output: string;
  readonly node: number;
  readonly crystalPpm: number;
  readonly all: boolean;
  readonly minutes: number;
  readonly asymmetryMs: number;
  /** Why the figures say nothing; empty when they do. */
  readonly invalid: readonly string[];
  readonly starvedPerMinute: number;
  readonly clicksDue: number;
  /** How well the page's and the hub's clock are known, and the browser's stamps of its device, ms. */
  readonly pageClockUnsureMs: number;
  /** What `performance.timeOrigin` would have said of the page's clock, less what was measured. */
  readonly timeOriginOffMs: number;
  readonly hubUnsureP95Ms: number;
  readonly stampNoiseP95Ms: number;
  readonly linkLateMs: { readonly p50Ms: number; readonly p95Ms: number };
  readonly drawnP50Ms: { readonly up: number; readonly down: number };
  /** For plots: where the device is by the browser's stamps, from where it was at first. */
  readonly deviceSeries: readonly (readonly [sec: number, leadMs: number])[];
  readonly players: readonly PlayerResult[];
}

/** What holds for all pages that were open together. */
export interface SetResult {
  readonly at: string;
  readonly loadBefore: number;
  /** Of the two nodes' hub times, ms. */
  readonly nodesApartP95Ms: number;
  /** Of a core, by kind of the browser's processes. */
  readonly browserCores: Readonly<Record<string, number>>;
  readonly benchCores: number;
  readonly reference: MemberResult;
}

export type Results = Record<string, { readonly member: MemberResult; readonly set: SetResult }>;

export interface Span {
  readonly fromMs: number;
  /** From here on it counts. */
  readonly settledMs: number;
  readonly untilMs: number;
}

/** Figures count where the machine fed the device and the prober knew. */
const LEAST_HEARD = 0.6;
const MOST_UNSURE_MS = 0.5;
/** Half of what goes over the link may be later than its model by so much; what is later than that now and then is as if the link had drawn it. */
const MOST_LATE_MS = 0.3;
const MINUTE_MS = 60_000;

export function judgeMember(
  gathering: Gathering,
  member: Member,
  reference: Member | undefined,
  span: Span,
): MemberResult {
  const { tape, node, link, options } = member;
  const { fromMs, settledMs, untilMs } = span;
  const hub = node.prober.history();
  const truth = { timelines: gathering.timelines, events: gathering.events, hub };
  const isCounted = isIn(span);
  const referenceClicks = reference?.tape.heard('earshot').clicks ?? [];
  const hiddenSpans = spansHidden(gathering, options.name, untilMs);
  const minutes = (untilMs - fromMs) / MINUTE_MS;
  const clicksDue = Math.floor((untilMs - settledMs) / 500);
  const players = options.players.map((player): PlayerResult => {
    const { clicks, garbled } = tape.heard(player);
    const all = clickErrors(clicks.filter(isCounted), truth);
    const steady = all.filter(({ sinceMoveMs }) => sinceMoveMs > MOVING_MS);
    const sizesIn = (errors: readonly ClickError[]): Sizes =>
      sizesOf(errors.map(({ errorMs }) => errorMs - link.asymmetryMs));
    const isHidden = ({ atMs }: HeardClick): boolean =>
      hiddenSpans.some(([from, until]) => atMs >= from && atMs < until);
    const judged = judgeBeliefs(player, tape, hub).filter(isCounted);
    const unsureMs = tape.clock.unsureMs;
    const corrections = tape.told.corrections
      .filter((each) => each.player === player)
      .map((each) => ({ ...each, atMs: each.atMs + tape.clock.offsetMs }));
    const isLater = ({ atMs }: { readonly atMs: number }): boolean => atMs >= settledMs;
    const within = corrections.filter(({ atMs }) => atMs >= fromMs && atMs < untilMs);
    const agreed = (gaps: readonly number[]): Sizes =>
      sizesOf(gaps.map((gap) => gap + link.asymmetryMs));
    return {
      player,
      error: sizesOf(steady.map(({ errorMs }) => errorMs)),
      excess: sizesIn(steady),
      medianMs: medianOf(steady.map(({ errorMs }) => errorMs)),
      moving: sizesIn(all.filter(({ sinceMoveMs }) => sinceMoveMs <= MOVING_MS)),
      hidden: sizesIn(steady.filter(isHidden)),
      apart: sizesOf(distances(steady, referenceClicks)),
      garbled,
      shownLessTrue: agreed(beliefGaps(player, tape, steady)),
      reportedLessTrue: agreed(reportGaps(player, tape, steady)),
      clock: {
        ...sizesOf(judged.map(({ clockErrorMs }) => clockErrorMs - link.asymmetryMs)),
        estErrorMs: medianOf(judged.map(({ estErrorMs }) => estErrorMs)),
        maxErrorMs: medianOf(judged.map(({ maxErrorMs }) => maxErrorMs)),
        boundHeld:
          judged.filter(
            ({ clockErrorMs, maxErrorMs }) => Math.abs(clockErrorMs) <= maxErrorMs + unsureMs,
          ).length / judged.length,
      },
      correctionsFirst: countCorrections(
        within.filter((each) => !isLater(each)),
        settledMs - fromMs,
      ),
      correctionsLater: countCorrections(within.filter(isLater), untilMs - settledMs),
      series: all.map(({ atMs, errorMs }) => [rounded((atMs - fromMs) / 1_000), rounded(errorMs)]),
      clockSeries: judged
        .filter((_, index) => index % 4 === 0)
        .map(({ atMs, clockErrorMs, maxErrorMs }) => [
          rounded((atMs - fromMs) / 1_000),
          rounded(clockErrorMs),
          rounded(maxErrorMs),
        ]),
    };
  });
  const starved = tape.starvations().filter(isCounted);
  const hubUnsure: number[] = [];
  for (let at = settledMs; at < untilMs; at += 500) hubUnsure.push(hub.at(at).unsureMs);
  const late = sizesOf(link.record.late.filter(isIn(span)).map(({ byMs }) => byMs));
  const known = {
    starvedPerMinute: (starved.length * MINUTE_MS) / (untilMs - settledMs),
    pageClockUnsureMs: tape.clock.unsureMs,
    timeOriginOffMs: member.timeOriginMs - performance.timeOrigin - tape.clock.offsetMs,
    hubUnsureP95Ms: sizesOf(hubUnsure).p95Ms,
    stampNoiseP95Ms: sizesOf(tape.stampNoiseMs).p95Ms,
    linkLateMs: { p50Ms: late.p50Ms, p95Ms: late.p95Ms },
  };
  const invalid: string[] = [];
  const [first] = players;
  const heard = (first?.error.n ?? 0) + (first?.moving.n ?? 0);
  if (heard < LEAST_HEARD * clicksDue)
    invalid.push(
      `heard ${heard} of ${clicksDue} clicks, the device was starved ${starved.length} times`,
    );
  if (known.hubUnsureP95Ms > MOST_UNSURE_MS) invalid.push('the prober is unsure of hub time');
  if (known.pageClockUnsureMs > MOST_UNSURE_MS) invalid.push('the page’s clock is not known');
  if (late.p50Ms > MOST_LATE_MS) invalid.push('the link is later than its model');
  return {
    name: options.name,
    link: options.link,
    output: options.output,
    node: options.node,
    crystalPpm: options.crystalPpm,
    all: options.all,
    minutes,
    asymmetryMs: link.asymmetryMs,
    invalid,
    clicksDue,
    ...known,
    deviceSeries: tape
      .deviceLeads(fromMs, untilMs)
      .map(([atMs, leadMs]) => [rounded((atMs - fromMs) / 1_000), rounded(leadMs)]),
    drawnP50Ms: { up: medianOf(link.record.drawnMs.up), down: medianOf(link.record.drawnMs.down) },
    players,
  };
}

/** What counts: after the settling. */
function isIn({ settledMs, untilMs }: Span): (moment: { readonly atMs: number }) => boolean {
  return ({ atMs }) => atMs >= settledMs && atMs < untilMs;
}

function countCorrections(
  corrections: Member['tape']['told']['corrections'],
  spanMs: number,
): Corrections {
  let rates = 0;
  let jumps = 0;
  let seeks = 0;
  let biggestJumpMs = 0;
  let rateMost = 0;
  let wasTrim = true;
  for (const each of corrections) {
    switch (each.kind) {
      case 'rate':
        if (wasTrim && !each.trim) rates += 1;
        wasTrim = each.trim;
        rateMost = Math.max(rateMost, Math.abs(each.rate - 1));
        break;
      case 'jump':
        jumps += 1;
        biggestJumpMs = Math.max(biggestJumpMs, Math.abs(each.byMs));
        break;
      case 'seek':
        seeks += 1;
        biggestJumpMs = Math.max(biggestJumpMs, Math.abs(each.byMs));
        break;
    }
  }
  const perMinute = ((rates + jumps + seeks) * MINUTE_MS) / spanMs;
  return { rates, jumps, seeks, perMinute, biggestJumpMs, rateMost };
}

function spansHidden(
  { events }: Gathering,
  member: string,
  untilMs: number,
): (readonly [number, number])[] {
  return events.flatMap((event) => {
    if (event.kind !== 'hidden' || event.member !== member) return [];
    const shown = events.find(
      ({ kind, atMs, member: who }) => kind === 'shown' && who === member && atMs > event.atMs,
    );
    return [[event.atMs, shown?.atMs ?? untilMs] as const];
  });
}

function rounded(value: number): number {
  return Number(value.toFixed(3));
}
