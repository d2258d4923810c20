// Owns the wiring of our own clock into the simulator, as the client wires it to a socket.

import { type ClockReading, Corridor } from '../../../src/clock/corridor.ts';
import { ProbeSession } from '../../../src/clock/probe-session.ts';
import type { SimSubject } from './sim-scenario.ts';

export interface CorridorSubject extends SimSubject {
  readonly corridor: Corridor;
  readonly session: ProbeSession;
  /** What the client tells its player of the clock: as it was with the last reply, or when the wall clock disagreed. */
  status(): ClockReading;
  /** The player found sounds elsewhere than local time says. */
  compare(localMs: number, wallMs: number): void;
}

/** Playback begins this long after the join. */
const playingAfterMs = 3_000;

export function corridorSubject(nowMs: number, random: () => number): CorridorSubject {
  const corridor = new Corridor();
  const session = new ProbeSession({ corridor, random, nowMs });
  let status = corridor.readingAt(nowMs);
  const noticeWall = (at: number, wallMs: number): void => {
    if (session.onWallClock(at, wallMs)) status = corridor.readingAt(at);
  };
  return {
    corridor,
    session,
    status: () => status,
    next: (at) => session.next(at),
    onReply: (reply, t3, wallMs) => {
      corridor.setPlaying(t3 > nowMs + playingAfterMs);
      const outcome = session.onReply(reply, t3, wallMs);
      status = corridor.readingAt(t3);
      return outcome.kind === 'accepted' && outcome.stepped !== null;
    },
    onWallClock: noticeWall,
    compare: noticeWall,
    onHidden: (hidden, at) => session.onHidden(hidden, at),
    onReconnect: (at) => session.onReconnect(at),
    hubTimeAt: (localMs) => corridor.hubTimeAt(localMs),
    maxErrorAt: (localMs) => corridor.readingAt(localMs).maxErrorMs,
    estErrorAt: (localMs) => corridor.readingAt(localMs).estErrorMs,
  };
}
