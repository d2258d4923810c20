// Owns one run of a clock over a simulated link, and what is measured of it; any estimator that can be asked fits in.

import { SeededRandom } from './seeded-random.ts';
import { SimClock } from './sim-clock.ts';
import { type LinkName, type RouteChange, SimLink } from './sim-links.ts';

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
  /** Called each second of local time while awake. */
  onWallClock?(nowMs: number, wallMs: number): void;
  hubTimeAt(localMs: number): number | null;
  maxErrorAt?(localMs: number): number;
  estErrorAt?(localMs: number): number;
}

export interface SimScenario {
  readonly link: LinkName;
  readonly seed: number;
  readonly durationMs: number;
  readonly quantumMs?: number;
  readonly skewPpm?: number;
  readonly suspends?: readonly { readonly atMs: number; readonly forMs: number }[];
  /** Jumps of hub time at a true time; `timelineId` rises by one if the hub owns up to it. */
  readonly steps?: readonly {
    readonly atMs: number;
    readonly byMs: number;
    readonly announced?: boolean;
  }[];
  readonly routes?: readonly RouteChange[];
  /** Cross traffic starts with its quiet part, where the phase is else left to chance. */
  readonly quietJoin?: boolean;
  readonly sampleEveryMs?: number;
  /** Changes what the hub answers, to play one that lies. */
  readonly tamper?: (reply: SimReply, random: SeededRandom) => SimReply;
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

const hubOriginMs = 5_000_000;

/** Runs one scenario; `make` is given the local time of the join and chance of its own. */
export function simulate(
  scenario: SimScenario,
  make: (nowMs: number, random: () => number) => SimSubject,
): SimRun {
  const random = new SeededRandom(scenario.seed);
  const { durationMs, sampleEveryMs = 100, steps = [], tamper } = scenario;
  const clock = new SimClock({
    random: random.fork(),
    durationMs,
    ...(scenario.quantumMs === undefined ? {} : { quantumMs: scenario.quantumMs }),
    ...(scenario.skewPpm === undefined ? {} : { skewPpm: scenario.skewPpm }),
    ...(scenario.suspends === undefined ? {} : { suspends: scenario.suspends }),
  });
  const link = new SimLink(scenario.link, random.fork(), {
    routes: scenario.routes ?? [],
    quietJoin: scenario.quietJoin ?? false,
  });
  const host = random.fork();
  const subjectRandom = random.fork();
  const liar = random.fork();
  const subject = make(clock.stampAt(0), () => subjectRandom.next());

  const hubAt = (trueMs: number): number =>
    steps.reduce(
      (hubMs, step) => (trueMs >= step.atMs ? hubMs + step.byMs : hubMs),
      hubOriginMs + trueMs,
    );
  const timelineAt = (trueMs: number): number =>
    steps.filter((step) => step.announced === true && trueMs >= step.atMs).length + 1;

  const samples: SimSample[] = [];
  const sentAtMs: number[] = [];
  const repliedAtMs: number[] = [];
  const announcedAtMs: number[] = [];
  const replies: { readonly at: number; readonly reply: SimReply }[] = [];
  let backward = 0;
  let lastOutput = -Infinity;
  let hubDoneAt = 0;
  let clientDoneAt = 0;
  let wakeAt = 0;
  let sampleAt = 0;
  let wallAt = 0;

  const read = (localMs: number): number | null => {
    const output = subject.hubTimeAt(localMs);
    if (output !== null) {
      if (output < lastOutput) backward += 1;
      lastOutput = output;
    }
    return output;
  };

  const send = (at: number): void => {
    const step = subject.next(clock.stampAt(at));
    if (step.kind === 'wait') {
      const due = clock.trueAt(step.untilMs);
      // A coarse clock may show less than was waited for; asking again a little later is what a timer does.
      wakeAt = Math.max(due, at + 0.05) + host.exponential(0.3);
      return;
    }
    sentAtMs.push(at);
    const arrived = link.up(at);
    const loopMs = host.exponential(0.03) + (host.chance(0.005) ? host.uniform(1, 10) : 0);
    const receivedAt = Math.max(hubDoneAt, arrived + loopMs);
    const answeredAt = receivedAt + 0.005;
    hubDoneAt = answeredAt;
    const threadMs = host.exponential(0.1) + (host.chance(0.02) ? host.uniform(1, 20) : 0);
    clientDoneAt = clock.awakeAt(Math.max(clientDoneAt, link.down(answeredAt) + threadMs));
    const reply: SimReply = {
      seq: step.seq,
      t0: step.t0,
      t1: hubAt(receivedAt),
      t2: hubAt(receivedAt) + 0.005,
      timelineId: timelineAt(receivedAt),
    };
    replies.push({ at: clientDoneAt, reply: tamper === undefined ? reply : tamper(reply, liar) });
    wakeAt = at;
  };

  for (;;) {
    const replyAt = replies[0]?.at ?? Infinity;
    const at = Math.min(replyAt, wakeAt, sampleAt, wallAt);
    if (at > durationMs) break;
    const awakeAt = clock.awakeAt(at);
    if (awakeAt > at) {
      // Nothing runs in a sleep, and everything is due when it ends.
      wakeAt = Math.max(wakeAt, awakeAt);
      sampleAt = Math.max(sampleAt, awakeAt);
      wallAt = Math.max(wallAt, awakeAt);
      for (const [index, entry] of replies.entries()) {
        replies[index] = { ...entry, at: Math.max(entry.at, awakeAt) };
      }
      continue;
    }
    if (at === replyAt) {
      const entry = replies.shift();
      if (entry === undefined) break;
      repliedAtMs.push(at);
      if (subject.onReply(entry.reply, clock.stampAt(at), clock.wallAt(at))) {
        announcedAtMs.push(at);
        lastOutput = -Infinity;
      }
      read(clock.localAt(at));
      wakeAt = Math.min(wakeAt, at + host.exponential(0.3));
    } else if (at === wakeAt) {
      send(at);
    } else if (at === wallAt) {
      subject.onWallClock?.(clock.stampAt(at), clock.wallAt(at));
      wakeAt = Math.min(wakeAt, at + host.exponential(0.3));
      wallAt += 1_000;
    } else {
      const localMs = clock.localAt(at);
      const output = read(localMs);
      if (output !== null) {
        const errorMs = output - hubAt(at);
        samples.push({
          trueMs: at,
          localMs,
          errorMs,
          excessMs: errorMs - link.asymmetryAt(at),
          maxErrorMs: subject.maxErrorAt?.(localMs) ?? Infinity,
          estErrorMs: subject.estErrorAt?.(localMs) ?? Infinity,
          lastReplyAtMs: repliedAtMs.at(-1) ?? -Infinity,
        });
      }
      sampleAt += sampleEveryMs;
    }
  }
  return { samples, sentAtMs, repliedAtMs, announcedAtMs, backward };
}
