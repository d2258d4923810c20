// When subscriptions through which nothing comes are made anew: the same for the channels of rooms and of the feed.

/** Each node tells itself something through every channel: what comes back proves the subscription. */
export const PROBE_EVERY_MS = 2_000;
/** Two probes have been missed. */
const LOST_AFTER_MS = 4_500;

/**
 * @param provenAt when a probe last came through, of each subscription, ms
 * @param madeAnewAt when all of them were last made anew, ms: their first probes may still be on the way
 * @param now by the same clock
 */
export function areLost(provenAt: readonly number[], madeAnewAt: number, now: number): boolean {
  if (now - madeAnewAt <= PROBE_EVERY_MS) return false;
  return provenAt.some((at) => now - at > LOST_AFTER_MS);
}
