// Owns when the next burst of probes is due and how large it is; a function of what happened, with no state and no sending.

/** A burst that is wanted out of turn: a wake-up, a network change, a probe that does not fit or tells nothing. */
export interface UrgentBurst {
  readonly since: number;
  readonly probes: number;
}

export interface ScheduleState {
  /** When probing began on this clock; the first minute counts from here. Local ms, like all times here. */
  readonly joinedAt: number;
  /** When the quick opening sequence began: at the join, and again after each jump. */
  readonly openingAt: number;
  /** Bursts since `openingAt`. */
  readonly burstsSinceOpening: number;
  /** When the last burst began; null before the first. */
  readonly lastBurstAt: number | null;
  readonly urgent: UrgentBurst | null;
  /** Since when the page is hidden; null while it is seen. */
  readonly hiddenSince: number | null;
  /** When the probes of the last minute or more were sent, oldest first. */
  readonly sentAt: readonly number[];
  /** Those of them that belonged to bursts out of turn. */
  readonly extraSentAt: readonly number[];
}

export interface DueBurst {
  readonly dueAt: number;
  readonly probes: number;
  /** Out of turn: urgent, or part of an opening. */
  readonly extra: boolean;
}

const minuteMs = 60_000;
/** A minute by a crystal that is fast by 500 ppm, as no honest one is: the budget is one of true minutes. */
export const budgetMinuteMs = 60_030;
export const probesInFirstMinute = 90;
export const probesInLaterMinute = 40;
export const probesInHiddenMinute = 6;

/**
 * The opening: the first estimate within one round trip, a settled one a second later. A sleeping radio delays the whole
 * first burst by its waking, so the ones before the first second is over are what the early estimate rests on.
 */
const opening = [
  { afterMs: 0, probes: 6 },
  { afterMs: 120, probes: 4 },
  { afterMs: 400, probes: 4 },
  { afterMs: 700, probes: 4 },
  { afterMs: 1_200, probes: 4 },
  { afterMs: 2_500, probes: 4 },
] as const;

/** Under 5 s, so that a jump is met, proven by the burst that meets it and mended within 5 s even over an ocean. */
const steadyMs = 4_500;
const hiddenMs = 30_000;
const firstMinuteProbes = 4;
/** Two prove a jump beyond the round trip; one inside it calls for more by itself. */
const steadyProbes = 2;
/** What bursts out of turn may use of a later minute. With more, one bad moment would buy half a minute of silence. */
const extraProbes = 12;
const hiddenProbes = 3;
export const urgentProbes = 4;
const reopeningProbes = 2;
/** An urgent burst leaves the one before it time to be answered. */
const urgentGapMs = 100;

/**
 * When the next burst is due, at the earliest now, and of how many probes. Never more than 90 probes in the first
 * minute, 40 in any later one, 6 in one that is hidden; a burst that the budget cannot pay for waits until it can, or shrinks.
 */
export function nextBurst(state: ScheduleState, nowMs: number): DueBurst {
  const wanted = extraBurst(state, nowMs) ?? regularBurst(state);
  const dueAt = Math.max(nowMs, wanted.dueAt);
  const budget = budgetAt(state, dueAt);
  if (budget.left > 0) return { ...wanted, dueAt, probes: Math.min(wanted.probes, budget.left) };
  return { ...wanted, dueAt: budget.freeAt, probes: 1 };
}

/** What is due out of turn; null when nothing is, or when that part of the budget is used up. */
function extraBurst(state: ScheduleState, nowMs: number): DueBurst | null {
  const { lastBurstAt, urgent, hiddenSince, burstsSinceOpening, openingAt } = state;
  if (lastBurstAt === null) return { dueAt: openingAt, probes: opening[0].probes, extra: true };
  const hidden = hiddenSince !== null;
  let dueAt: number;
  let probes: number;
  const step = opening[burstsSinceOpening];
  if (urgent !== null) {
    dueAt = Math.max(urgent.since, lastBurstAt + urgentGapMs);
    probes = hidden ? Math.min(hiddenProbes, urgent.probes) : urgent.probes;
  } else if (step !== undefined && !hidden) {
    dueAt = openingAt + step.afterMs;
    probes = step.probes;
  } else {
    return null;
  }
  const laterFrom = state.joinedAt + minuteMs;
  const at = Math.max(nowMs, dueAt);
  if (at < laterFrom) return { dueAt, probes, extra: true };
  const { left } = budgetSince(state.extraSentAt, laterFrom, at, extraProbes);
  // A new opening comes with a proof in hand: it spreads what there is rather than spending it on its first bursts.
  const share = urgent === null ? reopeningProbes : probes;
  return left === 0 ? null : { dueAt, probes: Math.min(share, left), extra: true };
}

function regularBurst({ lastBurstAt, openingAt, hiddenSince, joinedAt }: ScheduleState): DueBurst {
  const from = lastBurstAt ?? openingAt;
  if (hiddenSince !== null) return { dueAt: from + hiddenMs, probes: hiddenProbes, extra: false };
  const dueAt = from + steadyMs;
  const probes = dueAt < joinedAt + minuteMs ? firstMinuteProbes : steadyProbes;
  return { dueAt, probes, extra: false };
}

interface Budget {
  readonly left: number;
  /** When one more probe becomes free. */
  readonly freeAt: number;
}

function budgetAt(state: ScheduleState, atMs: number): Budget {
  const { joinedAt, hiddenSince, sentAt } = state;
  const inFirstMinute = atMs < joinedAt + minuteMs;
  const budgets = [
    inFirstMinute
      ? budgetSince(sentAt, joinedAt, atMs, probesInFirstMinute)
      : budgetSince(sentAt, joinedAt + minuteMs, atMs, probesInLaterMinute),
  ];
  if (hiddenSince !== null)
    budgets.push(budgetSince(sentAt, hiddenSince, atMs, probesInHiddenMinute));
  return {
    left: Math.min(...budgets.map((budget) => budget.left)),
    freeAt: Math.max(...budgets.map((budget) => budget.freeAt)),
  };
}

function budgetSince(
  sentAt: readonly number[],
  sinceMs: number,
  atMs: number,
  limit: number,
): Budget {
  const counted = sentAt.filter((sent) => sent >= sinceMs && sent > atMs - budgetMinuteMs);
  const left = Math.max(0, limit - counted.length);
  // The one whose leaving the window brings the count below the limit.
  const blocking = counted[counted.length - limit];
  return {
    left,
    freeAt: blocking === undefined ? atMs : Math.max(atMs, blocking + budgetMinuteMs),
  };
}
