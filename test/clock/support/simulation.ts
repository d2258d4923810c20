// Owns one run of a clock over a simulated link, and what is measured of it; any estimator that can be asked fits in.

import { SeededRandom } from './seeded-random.ts';
import { SimClock } from './sim-clock.ts';
import { isWithin, SimHub } from './sim-hub.ts';
import { SimLink } from './sim-links.ts';
import type {
  SimMoment,
  SimObserver,
  SimReply,
  SimRun,
  SimSample,
  SimScenario,
  SimSubject,
} from './sim-scenario.ts';

export type { SimReply, SimRun, SimSample, SimScenario, SimSubject } from './sim-scenario.ts';

const minuteMs = 60_000;
const secondMs = 1_000;

interface Arrival {
  at: number;
  readonly reply: SimReply;
}

/** What is given to those who build what is under test, or what looks at it. */
export interface SimWorld {
  readonly random: SeededRandom;
  readonly clock: SimClock;
}

/** Runs one scenario; `make` is given the local time of the join and chance of its own. */
export function simulate<Subject extends SimSubject>(
  scenario: SimScenario,
  make: (nowMs: number, random: () => number) => Subject,
  watch?: (subject: Subject, world: SimWorld) => SimObserver,
): SimRun {
  return new Simulation(scenario, make, watch).run();
}

class Simulation<Subject extends SimSubject> {
  readonly #scenario: SimScenario;
  readonly #clock: SimClock;
  readonly #hub: SimHub;
  readonly #host: SeededRandom;
  readonly #liar: SeededRandom;
  readonly #extra: SeededRandom;
  readonly #subject: Subject;
  readonly #observer: SimObserver | undefined;
  readonly #sampleEveryMs: number;
  readonly #happenings: { readonly at: number; readonly happen: (at: number) => void }[] = [];
  #link: SimLink;

  readonly #samples: SimSample[] = [];
  readonly #sentAtMs: number[] = [];
  readonly #repliedAtMs: number[] = [];
  readonly #announcedAtMs: number[] = [];
  #backward = 0;
  #lastOutput = -Infinity;

  #arrivals: Arrival[] = [];
  #clientDoneAt = 0;
  #wakeAt = 0;
  #sampleAt = 0;
  #wallAt = 0;
  #observeAt: number;

  constructor(
    scenario: SimScenario,
    make: (nowMs: number, random: () => number) => Subject,
    watch: ((subject: Subject, world: SimWorld) => SimObserver) | undefined,
  ) {
    this.#scenario = scenario;
    this.#sampleEveryMs = scenario.sampleEveryMs ?? 100;
    const random = new SeededRandom(scenario.seed);
    this.#clock = new SimClock({ ...scenario, random: random.fork() });
    this.#link = new SimLink(scenario.link, random.fork(), scenario);
    this.#host = random.fork();
    const subjectRandom = random.fork();
    this.#liar = random.fork();
    this.#extra = random.fork();
    this.#hub = new SimHub(this.#host, scenario);
    const nowMs = this.#clock.stampAt(0);
    this.#subject = make(nowMs, () => subjectRandom.next());
    this.#observer = watch?.(this.#subject, { random: random.fork(), clock: this.#clock });
    this.#observeAt = this.#observer === undefined ? Infinity : 0;
    this.#plan();
  }

  run(): SimRun {
    while (this.#next() <= this.#scenario.durationMs);
    return {
      samples: this.#samples,
      sentAtMs: this.#sentAtMs,
      repliedAtMs: this.#repliedAtMs,
      announcedAtMs: this.#announcedAtMs,
      backward: this.#backward,
    };
  }

  #plan(): void {
    const { hidden = [], reconnects = [], localJumps = [] } = this.#scenario;
    for (const { atMs } of localJumps) {
      // Who asks by a clock that leaps back is answered so.
      this.#happenings.push({ at: atMs, happen: () => (this.#lastOutput = -Infinity) });
    }
    for (const { atMs, forMs } of hidden) {
      this.#happenings.push({ at: atMs, happen: (at) => this.#hide(true, at) });
      this.#happenings.push({ at: atMs + forMs, happen: (at) => this.#hide(false, at) });
    }
    for (const { atMs, forMs } of reconnects) {
      this.#happenings.push({ at: atMs, happen: () => (this.#arrivals = []) });
      this.#happenings.push({ at: atMs + forMs, happen: (at) => this.#reconnect(at) });
    }
    this.#happenings.sort((a, b) => a.at - b.at);
  }

  /** Lets the next thing happen, and tells its time. */
  #next(): number {
    const arrivalAt = this.#arrivals[0]?.at ?? Infinity;
    const happeningAt = this.#happenings[0]?.at ?? Infinity;
    const at = Math.min(
      arrivalAt,
      this.#wakeAt,
      this.#sampleAt,
      this.#wallAt,
      this.#observeAt,
      happeningAt,
    );
    if (at > this.#scenario.durationMs) return at;
    if (this.#sleeps(at)) return at;
    if (at === happeningAt) this.#happenings.shift()?.happen(at);
    else if (at === arrivalAt) this.#receive(at);
    else if (at === this.#wakeAt) this.#wake(at);
    else if (at === this.#wallAt) this.#compareClocks(at);
    else if (at === this.#observeAt) this.#observe(at);
    else this.#sample(at);
    return at;
  }

  /** Nothing runs in a sleep, and everything is due when it ends; in a stall, all that the client's thread does. */
  #sleeps(at: number): boolean {
    const awakeAt = this.#clock.awakeAt(at);
    const busy = this.#scenario.stalls?.find((span) => isWithin(at, span));
    const freeAt = Math.max(awakeAt, busy === undefined ? 0 : busy.atMs + busy.forMs);
    if (freeAt <= at) return false;
    if (awakeAt > at) this.#sampleAt = Math.max(this.#sampleAt, awakeAt);
    else if (at === this.#sampleAt) return false;
    this.#wakeAt = Math.max(this.#wakeAt, freeAt);
    this.#wallAt = Math.max(this.#wallAt, freeAt);
    this.#observeAt = Math.max(this.#observeAt, freeAt);
    for (const arrival of this.#arrivals) arrival.at = Math.max(arrival.at, freeAt);
    if (this.#happenings[0] !== undefined && this.#happenings[0].at <= at) {
      this.#happenings[0] = { ...this.#happenings[0], at: freeAt };
    }
    return true;
  }

  #wake(at: number): void {
    const down = this.#scenario.reconnects?.find((span) => isWithin(at, span));
    if (down !== undefined) {
      this.#wakeAt = down.atMs + down.forMs;
      return;
    }
    const step = this.#subject.next(this.#clock.stampAt(at));
    if (step.kind === 'wait') {
      const due = this.#clock.trueAt(step.untilMs);
      // A coarse clock may show less than was waited for; asking again a little later is what a timer does.
      this.#wakeAt = this.#throttled(Math.max(due, at + 0.05) + this.#host.exponential(0.3));
      return;
    }
    this.#sentAtMs.push(at);
    this.#exchange(at, step.seq, step.t0);
    this.#wakeAt = at;
  }

  #exchange(at: number, seq: number, t0: number): void {
    const { tamper, duplicates = 0 } = this.#scenario;
    const { t1, t2, timelineId, sentAtMs } = this.#hub.answer(this.#link.up(at));
    const random = this.#host;
    const threadMs = random.exponential(0.1) + (random.chance(0.02) ? random.uniform(1, 20) : 0);
    const arrivedAt = Math.max(this.#clientDoneAt, this.#link.down(sentAtMs) + threadMs);
    this.#clientDoneAt = this.#clock.awakeAt(arrivedAt);
    const honest: SimReply = { seq, t0, t1, t2, timelineId };
    const reply = tamper === undefined ? honest : tamper(honest, this.#liar, sentAtMs);
    this.#arrivals.push({ at: this.#clientDoneAt, reply });
    if (duplicates > 0 && this.#extra.chance(duplicates)) {
      this.#clientDoneAt += this.#extra.exponential(5);
      this.#arrivals.push({ at: this.#clientDoneAt, reply });
    }
  }

  #receive(at: number): void {
    const arrival = this.#arrivals.shift();
    if (arrival === undefined) return;
    this.#repliedAtMs.push(at);
    const { stampAt, wallAt } = this.#stamps(at);
    if (this.#subject.onReply(arrival.reply, stampAt, wallAt)) {
      this.#announcedAtMs.push(at);
      this.#lastOutput = -Infinity;
    }
    this.#read(this.#clock.localAt(at));
    this.#wakeSoon(at);
  }

  #compareClocks(at: number): void {
    const { stampAt, wallAt } = this.#stamps(at);
    this.#subject.onWallClock?.(stampAt, wallAt);
    this.#wakeSoon(at);
    this.#wallAt = this.#throttled(this.#wallAt + secondMs);
  }

  #wakeSoon(at: number): void {
    if (this.#subject.hasProbeReady?.() === true) this.#wakeAt = at;
    else this.#wakeAt = Math.min(this.#wakeAt, at + this.#host.exponential(0.3));
  }

  #hide(hidden: boolean, at: number): void {
    this.#subject.onHidden?.(hidden, this.#clock.stampAt(at));
    if (hidden) {
      this.#wakeAt = this.#throttled(this.#wakeAt);
      this.#wallAt = this.#throttled(this.#wallAt);
      return;
    }
    this.#wallAt = at;
    this.#wakeAt = at;
  }

  #reconnect(at: number): void {
    this.#link = new SimLink(this.#scenario.link, this.#extra.fork(), this.#scenario);
    this.#arrivals = [];
    this.#subject.onReconnect?.(this.#clock.stampAt(at));
    this.#wakeAt = at;
  }

  /** A hidden page's timers fire at full minutes. */
  #throttled(at: number): number {
    const isHidden = this.#scenario.hidden?.some((span) => isWithin(at, span)) === true;
    return isHidden ? Math.ceil(at / minuteMs) * minuteMs : at;
  }

  #stamps(at: number): { stampAt: number; wallAt: number } {
    return { stampAt: this.#clock.stampAt(at), wallAt: this.#clock.wallAt(at) };
  }

  #read(localMs: number): number | null {
    const output = this.#subject.hubTimeAt(localMs);
    if (output !== null) {
      if (output < this.#lastOutput) this.#backward += 1;
      this.#lastOutput = output;
    }
    return output;
  }

  #observe(at: number): void {
    this.#observer?.observe(this.#momentAt(at));
    this.#observeAt += this.#observer?.everyMs ?? Infinity;
  }

  #momentAt(trueMs: number): SimMoment {
    return {
      trueMs,
      localMs: this.#clock.localAt(trueMs),
      hubMs: this.#hub.timeAt(trueMs),
      asymmetryMs: this.#link.asymmetryAt(trueMs),
    };
  }

  #sample(at: number): void {
    const { localMs, hubMs, asymmetryMs } = this.#momentAt(at);
    const output = this.#read(localMs);
    if (output !== null) {
      const errorMs = output - hubMs;
      this.#samples.push({
        trueMs: at,
        localMs,
        errorMs,
        excessMs: errorMs - asymmetryMs,
        maxErrorMs: this.#subject.maxErrorAt?.(localMs) ?? Infinity,
        estErrorMs: this.#subject.estErrorAt?.(localMs) ?? Infinity,
        lastReplyAtMs: this.#repliedAtMs.at(-1) ?? -Infinity,
      });
    }
    this.#sampleAt += this.#sampleEveryMs;
  }
}
