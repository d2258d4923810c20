// Owns the words of a simulated run: what is under test, what happens to it, and what is seen of it; runs nothing.

import type { SeededRandom } from './seeded-random.ts';
import type { Leap, Span } from './sim-clock.ts';
import type { Detour, LinkName, RouteChange } from './sim-links.ts';

export interface SimReply {
  readonly seq: number;
  readonly t0: number;
  readonly t1: number;
  readonly t2: number;
  readonly timelineId: number;
}

/** What is under test: the corridor or a peer's method. All times are local ms unless they say otherwise. */
export interface SimSubject {
  next(
    nowMs: number,
  ):
    | { readonly kind: 'send'; readonly seq: number; readonly t0: number }
    | { readonly kind: 'wait'; readonly untilMs: number };
  /** Returns true when the output may have run backward, because a step was announced. */
  onReply(reply: SimReply, t3: number, wallMs: number): boolean;
  /** Whether it has stamped a probe that it wants on the wire at once, as one that answers a reply does. */
  hasProbeReady?(): boolean;
  /** Called each second of local time while awake. */
  onWallClock?(nowMs: number, wallMs: number): void;
  onHidden?(hidden: boolean, nowMs: number): void;
  /** The connection was replaced; replies to what was sent before will not come. */
  onReconnect?(nowMs: number): void;
  hubTimeAt(localMs: number): number | null;
  maxErrorAt?(localMs: number): number;
  estErrorAt?(localMs: number): number;
}

/** Something that looks at the subject as a player does: by a timer of the client, which sleeps and stalls with it. */
export interface SimObserver {
  readonly everyMs: number;
  observe(moment: SimMoment): void;
}

export interface SimMoment {
  readonly trueMs: number;
  readonly localMs: number;
  /** True hub time. */
  readonly hubMs: number;
  readonly asymmetryMs: number;
}

/** A leap of hub time that no client is told of, except by a new timeline. */
export interface HubStep extends Leap {
  /** Hub time goes on under a new timeline id: the hub owns up to it. */
  readonly announced?: boolean;
}

/** The connection breaks and comes back, perhaps to another node whose clock differs a little. */
export interface Reconnect extends Span {
  readonly nodeOffsetMs?: number;
}

export interface LateLoop extends Span {
  /** By how much each callback of the hub is late meanwhile, at most. */
  readonly byMs: number;
}

export interface SimEvents {
  /** The device sleeps. */
  readonly suspends?: readonly Span[];
  /** The client's main thread is busy: timers and replies wait. */
  readonly stalls?: readonly Span[];
  /** The page is hidden: timers fire once a minute. */
  readonly hidden?: readonly Span[];
  readonly localJumps?: readonly Leap[];
  readonly wallJumps?: readonly Leap[];
  readonly steps?: readonly HubStep[];
  readonly lateLoops?: readonly LateLoop[];
  readonly reconnects?: readonly Reconnect[];
  readonly routes?: readonly RouteChange[];
  readonly detours?: readonly Detour[];
  /** Part of the replies that come twice. */
  readonly duplicates?: number;
  /** Changes what the hub answers at a true time, to play one that lies. */
  readonly tamper?: (reply: SimReply, random: SeededRandom, trueMs: number) => SimReply;
}

export interface SimScenario extends SimEvents {
  readonly link: LinkName;
  readonly seed: number;
  readonly durationMs: number;
  readonly quantumMs?: number;
  readonly skewPpm?: number;
  /** Cross traffic starts with its quiet part, where the phase is else left to chance. */
  readonly quietJoin?: boolean;
  readonly sampleEveryMs?: number;
}

export interface SimSample {
  readonly trueMs: number;
  readonly localMs: number;
  /** Output minus true hub time. */
  readonly errorMs: number;
  /** The error without the path's asymmetry. */
  readonly excessMs: number;
  readonly maxErrorMs: number;
  readonly estErrorMs: number;
  /** Asked of the wall clock of the run: true time at which the last reply had arrived. */
  readonly lastReplyAtMs: number;
}

export interface SimRun {
  readonly samples: readonly SimSample[];
  /** True times of the probes sent, and of the replies handled. */
  readonly sentAtMs: readonly number[];
  readonly repliedAtMs: readonly number[];
  readonly announcedAtMs: readonly number[];
  /** How often the output ran backward without an announced step. */
  readonly backward: number;
}
