// How far ahead a start is planned, so that all can begin with its first sample (PB4). Knows numbers only.

/** What a member has told of the way from the hub to their ears, ms. */
export interface MemberDelays {
  /** A round trip that three of four do not exceed. */
  readonly rttMs: number;
  /** Between handing over a sample and hearing it, the page's own buffers and what was set by ear with it. */
  readonly outputLatencyMs: number;
}

export interface LeadBounds {
  readonly minLeadMs: number;
  readonly maxLeadMs: number;
}

/** What passes between a frame's arrival and the moment for which a sample can be placed: decoding, the audio thread's look ahead, a page that is busy. */
const PREPARATION_MS = 100;
/** In smaller rooms each counts: a tenth of them would be nobody, or a friend. */
const CROWD = 10;
const CROWD_SHARE = 0.9;

/**
 * What the slowest member needs to hear of a start and to prepare it, ms. In a crowd the slowest tenth does not count: one slow phone joins
 * late instead of holding up everybody.
 * @returns undefined where nobody has told anything
 */
export function leadNeeded(members: Iterable<MemberDelays>): number | undefined {
  const needs: number[] = [];
  for (const { rttMs, outputLatencyMs } of members) {
    needs.push(rttMs / 2 + outputLatencyMs + PREPARATION_MS);
  }
  needs.sort((a, b) => a - b);
  const counted = needs.length < CROWD ? needs.length : Math.ceil(needs.length * CROWD_SHARE);
  return needs[counted - 1];
}

/**
 * The lead of a start, whole ms. A slow link delays the others no longer than a cold start may be waited for.
 * @param gateMs the longest wait of a cold start in this room; 0 where it waits for nobody
 */
export function leadWithin(
  neededMs: number | undefined,
  { minLeadMs, maxLeadMs }: LeadBounds,
  gateMs: number,
): number {
  const most = gateMs === 0 ? maxLeadMs : Math.min(maxLeadMs, gateMs);
  return Math.round(Math.max(minLeadMs, Math.min(most, neededMs ?? minLeadMs)));
}
