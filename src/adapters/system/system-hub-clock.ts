// Hub time of a service with one node: the wall clock read once at start, carried on by the monotonic clock.
import type { HubClock } from '../../ports/hub-clock.ts';

/**
 * @param notBefore hub time is later than this, ms: what was stamped before a restart stays in the past, whatever the wall clock says
 * @param timelineId another one than the last run's, as the wall clock may have been set meanwhile
 */
export function createSystemHubClock(notBefore: number, timelineId: number): HubClock {
  // The only reading of the wall clock: from here on nothing that sets it moves hub time.
  const start = Math.max(Date.now(), notBefore + 1) - performance.now();
  return { timelineId, now: () => start + performance.now() };
}
