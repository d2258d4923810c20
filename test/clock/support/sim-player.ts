// Owns a modelled player behind the real servo: sound that runs by a crystal of its own, and a record of each correction of it.

import type { AudioOutput, Correction, Stretch } from '../../../src/client/audio-output.ts';
import { PlayerServo } from '../../../src/client/player-servo.ts';
import type { CorridorSubject } from './corridor-subject.ts';
import type { SeededRandom } from './seeded-random.ts';
import type { SimClock } from './sim-clock.ts';
import type { SimMoment, SimObserver } from './sim-scenario.ts';
import type { SimWorld } from './simulation.ts';

export interface HeardCorrection {
  readonly trueMs: number;
  readonly kind: 'rate' | 'move';
  /** What was heard, minus what should have been by true hub time and the path's asymmetry: positive is ahead. */
  readonly trueErrorMs: number;
  /** Of a move. */
  readonly byMs: number;
}

/** What the integrator and its damping may do together; a rate beyond it is a correction. */
const quietPpm = 360;
const tickMs = 250;
/** How well the audio clock's fit knows the audio crystal, and how noisy one measurement of the position is. */
const fitPpm = 2;
const measuringMs = 0.25;
/** The audio clock's fit notices a local clock that left it by this much. */
const movedMs = 20;
const audioPpmMost = 50;
/** An asymmetry that was true within this is still in the corridor's memory. */
const pathMemoryMs = 600_000;

/** A WebAudio player: what it is told to play is hub time itself, so that its position is the hub time that is heard. */
export class SimPlayer implements SimObserver {
  readonly everyMs = tickMs;
  readonly corrections: HeardCorrection[] = [];
  readonly #subject: CorridorSubject;
  readonly #random: SeededRandom;
  readonly #clock: SimClock;
  readonly #servo = new PlayerServo(() => undefined);
  readonly #audioPpm: number;
  readonly #fitErrorPpm: number;
  readonly #paths: { readonly at: number; readonly asymmetryMs: number }[] = [];
  #positionMs: number | undefined;
  #rate = 1;
  #awakeMs = 0;
  #audioMinusLocalMs: number | undefined;
  #resets = 0;
  #trusted = false;
  #correcting = false;

  constructor(subject: CorridorSubject, { random, clock }: SimWorld) {
    this.#subject = subject;
    this.#random = random;
    this.#clock = clock;
    this.#audioPpm = random.uniform(-audioPpmMost, audioPpmMost);
    this.#fitErrorPpm = random.normal(fitPpm);
  }

  observe(moment: SimMoment): void {
    const { trueMs, localMs } = moment;
    this.#notePath(moment);
    this.#runAudio(trueMs, localMs);
    const status = this.#subject.status();
    const hubMs = this.#subject.hubTimeAt(localMs);
    this.#followClock(status.resets, status.quality === 'good');
    if (hubMs === null) return;
    if (this.#positionMs === undefined) {
      if (this.#trusted) this.#positionMs = hubMs;
      return;
    }
    const errorMs = this.#positionMs - hubMs + this.#random.normal(measuringMs);
    const positionMs = this.#positionMs;
    this.#servo.step({
      output: this.#outputAt(moment),
      measured: { stretch, positionMs, errorMs },
      clock: status,
      audioSkewPpm: this.#audioPpm - this.#clock.ratePpmAt(trueMs) + this.#fitErrorPpm,
      buffering: false,
      nowMs: localMs,
    });
  }

  /** Sound goes on through a stall, and stands in a sleep. */
  #runAudio(trueMs: number, localMs: number): void {
    const awakeMs = this.#clock.awakeMsAt(trueMs);
    const audioMs = (awakeMs - this.#awakeMs) * (1 + this.#audioPpm * 1e-6);
    this.#awakeMs = awakeMs;
    if (this.#positionMs !== undefined) this.#positionMs += audioMs * this.#rate;
    const apartMs = awakeMs - localMs;
    const before = this.#audioMinusLocalMs ?? apartMs;
    this.#audioMinusLocalMs = apartMs;
    if (Math.abs(apartMs - before) <= movedMs) return;
    this.#subject.compare(localMs, this.#clock.wallAt(trueMs));
    this.#servo.realign('output');
  }

  #followClock(resets: number, good: boolean): void {
    if (resets !== this.#resets || (good && !this.#trusted)) this.#servo.realign('clock');
    this.#resets = resets;
    this.#trusted = good;
  }

  #outputAt(moment: SimMoment): AudioOutput {
    return {
      kind: 'webaudio',
      latencyMs: 0,
      prepare: nothing,
      buffered: () => ({ bufferedMs: Infinity, ready: true }),
      follow: nothing,
      measure: () => undefined,
      correct: (correction) => this.#correct(correction, moment),
      close: nothing,
    };
  }

  #correct(correction: Correction, moment: SimMoment): void {
    if (correction.kind === 'move') {
      this.#record('move', correction.byMs, moment);
      this.#positionMs = (this.#positionMs ?? 0) + correction.byMs;
      return;
    }
    this.#rate = correction.rate;
    const base =
      this.#subject.status().skewPpm - this.#audioPpm + this.#clock.ratePpmAt(moment.trueMs);
    const correcting =
      Math.abs((correction.rate - 1) * 1e6 - base) > quietPpm + Math.abs(this.#fitErrorPpm);
    if (correcting && !this.#correcting) this.#record('rate', 0, moment);
    this.#correcting = correcting;
  }

  #record(kind: 'rate' | 'move', byMs: number, { trueMs, hubMs }: SimMoment): void {
    const asymmetries = this.#paths
      .filter(
        ({ at }, index) =>
          (this.#paths[index + 1]?.at ?? trueMs) > trueMs - pathMemoryMs && at <= trueMs,
      )
      .map(({ asymmetryMs }) => asymmetryMs);
    const offMs = (this.#positionMs ?? 0) - hubMs;
    // What lies between an old path's asymmetry and a new one's, nobody can tell from right.
    const aheadMs = offMs - Math.max(...asymmetries);
    const behindMs = offMs - Math.min(...asymmetries);
    const trueErrorMs = aheadMs > 0 ? aheadMs : behindMs < 0 ? behindMs : 0;
    this.corrections.push({ trueMs, kind, trueErrorMs, byMs });
  }

  #notePath({ trueMs, asymmetryMs }: SimMoment): void {
    if (this.#paths.at(-1)?.asymmetryMs === asymmetryMs) return;
    this.#paths.push({ at: trueMs, asymmetryMs });
  }
}

const stretch: Stretch = {
  id: 'one',
  entryId: '' as Stretch['entryId'],
  trackId: '' as Stretch['trackId'],
  durationMs: Infinity,
  startMs: 0,
  positionMs: 0,
  endMs: Infinity,
  joins: false,
};

function nothing(): void {
  // A modelled output has nothing to load, place or release.
}
