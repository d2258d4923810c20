// Owns the way from a measured error to a correction: when the servo is asked, and what it may not see; knows no room.
import { Servo } from '../clock/servo.ts';
import type { AudioOutput, Measurement } from './audio-output.ts';
import type { PlayerClockStatus } from './player-room.ts';

export interface Step {
  readonly output: AudioOutput;
  readonly measured: Measurement | undefined;
  readonly clock: PlayerClockStatus;
  /** How much faster the clock that the output plays by runs than the local one. */
  readonly audioSkewPpm: number;
  readonly buffering: boolean;
  readonly nowMs: number;
}

/**
 * What was done about an error that is heard or would be. `rate`: the speed from now on, of 1; `trim` where it only follows the crystals, else it
 * catches up or waits. `jump` and `seek`: the position was moved by `byMs`, the one under a cross-fade.
 */
export type PlayerCorrection = { readonly errorMs: number } & (
  | { readonly kind: 'rate'; readonly rate: number; readonly trim: boolean }
  | { readonly kind: 'jump' | 'seek'; readonly byMs: number }
);

/** After a proven step, errors from here on are mended at once: nobody has to be spared a correction that is certain. */
const certainMs = { webaudio: 4, element: 30 } as const;
/** Below this, what could not be mended is in reach of the rate again. */
const recoveredMs = 100;
const freshRate = 1;

/** One servo an output, as each has its thresholds and its own cost of a seek. */
export class PlayerServo {
  readonly #servos = { webaudio: new Servo('webaudio', 0), element: new Servo('element') };
  #resumedAtMs: number | null = null;
  #stretchId: string | undefined;
  #realign: 'clock' | 'output' | undefined;
  #cannotKeepUp = false;
  readonly #onCorrection: (correction: PlayerCorrection) => void;

  constructor(onCorrection: (correction: PlayerCorrection) => void) {
    this.#onCorrection = onCorrection;
  }

  get cannotKeepUp(): boolean {
    return this.#cannotKeepUp;
  }

  /**
   * What is heard was found to be elsewhere for certain. `clock`: by hub time, which a hub that lies may move as often as it likes, so that
   * following it counts as a try. `output`: by the device itself, or by who nudged it.
   */
  realign(by: 'clock' | 'output'): void {
    if (this.#realign !== 'output') this.#realign = by;
  }

  /** Sound stopped, or belongs to nobody's timeline: what was learned of the error is void. */
  rest(): void {
    this.#stretchId = undefined;
    this.#cannotKeepUp = false;
  }

  step({ output, measured, clock, audioSkewPpm, buffering, nowMs }: Step): void {
    const servo = this.#servos[output.kind];
    if (buffering) this.#resumedAtMs = nowMs;
    if (measured === undefined) return;
    this.#noticeStretch(measured, servo, nowMs);

    const { errorMs } = measured;
    const realign = this.#realign;
    if (realign !== undefined && clock.quality === 'good') {
      this.#realign = undefined;
      if (Math.abs(errorMs) > certainMs[output.kind] && mayMove(servo, realign, nowMs)) {
        this.#resumedAtMs = nowMs;
        output.correct({ kind: 'rate', rate: freshRate }, nowMs);
        this.#move(
          output.kind === 'element' ? 'seek' : 'jump',
          leadOf(output, servo),
          output,
          errorMs,
          nowMs,
        );
        return;
      }
    }
    const action = servo.update({
      nowMs,
      errorMs,
      skewPpm: clock.skewPpm - audioSkewPpm,
      clockQuality: clock.quality,
      clockErrorMs: clock.estErrorMs,
      buffering,
      resumedAtMs: this.#resumedAtMs,
    });
    if (action.kind === 'cannot_keep_up') this.#cannotKeepUp = true;
    else if (Math.abs(errorMs) < recoveredMs) this.#cannotKeepUp = false;
    if (action.kind === 'rate') {
      const { rate } = action;
      output.correct({ kind: 'rate', rate }, nowMs);
      this.#onCorrection({ kind: 'rate', rate, trim: !servo.correcting, errorMs });
    }
    if (action.kind === 'jump') {
      output.correct({ kind: 'move', byMs: action.byMs }, nowMs);
      this.#onCorrection({ kind: 'jump', byMs: action.byMs, errorMs });
    }
    if (action.kind === 'seek') {
      const leadMs = output.kind === 'element' ? action.toleranceLeadMs : 0;
      this.#move('seek', leadMs, output, errorMs, nowMs);
    }
  }

  #move(
    kind: 'jump' | 'seek',
    leadMs: number,
    output: AudioOutput,
    errorMs: number,
    nowMs: number,
  ): void {
    const byMs = leadMs - errorMs;
    output.correct({ kind: 'move', byMs }, nowMs);
    this.#onCorrection({ kind, byMs, errorMs });
  }

  /** A start, a seek or a return is a resume; a boundary carries on with the error of the track before. */
  #noticeStretch({ stretch }: Measurement, servo: Servo, nowMs: number): void {
    if (stretch.id === this.#stretchId) return;
    const continues = this.#stretchId !== undefined && stretch.joins;
    this.#stretchId = stretch.id;
    if (continues) return;
    servo.reset();
    this.#resumedAtMs = nowMs;
  }
}

function mayMove(servo: Servo, by: 'clock' | 'output', nowMs: number): boolean {
  if (by === 'clock') return servo.place(nowMs);
  servo.reset();
  return true;
}

function leadOf(output: AudioOutput, servo: Servo): number {
  return output.kind === 'element' ? servo.seekCostMs : 0;
}
