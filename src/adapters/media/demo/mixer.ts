// Adds mono voices into a stereo piece with a place and a share of reverb. Knows no music.
/* eslint-disable @typescript-eslint/no-non-null-assertion -- sample loops: every index is bounded by its loop, and a fallback per sample is slow */
import { addReverb } from './reverb.ts';
import type { Stereo } from './stereo.ts';

export const SAMPLE_RATE = 44_100;

export interface Placement {
  readonly gain: number;
  /** −1 left to 1 right; constant power. */
  readonly pan?: number;
  /** How much of it goes to the reverb, 0 to 1. */
  readonly reverb?: number;
}

export interface Echo {
  readonly seconds: number;
  readonly feedback: number;
  readonly gain: number;
}

export function silence(seconds: number): Stereo {
  const length = Math.round(seconds * SAMPLE_RATE);
  return { left: new Float32Array(length), right: new Float32Array(length) };
}

export class Mixer {
  readonly #dry: Stereo;
  readonly #send: Stereo;

  constructor(seconds: number) {
    this.#dry = silence(seconds);
    this.#send = silence(seconds);
  }

  /** Adds `voice` from `atSeconds` on; what reaches beyond the piece is cut (the fade-out has silenced it by then). */
  add(voice: Float32Array, atSeconds: number, { gain, pan = 0, reverb = 0.2 }: Placement): void {
    const angle = ((pan + 1) * Math.PI) / 4;
    const left = Math.cos(angle) * gain;
    const right = Math.sin(angle) * gain;
    const start = Math.max(0, Math.round(atSeconds * SAMPLE_RATE));
    const { left: dryLeft, right: dryRight } = this.#dry;
    const { left: sendLeft, right: sendRight } = this.#send;
    const count = Math.min(voice.length, dryLeft.length - start);
    for (let i = 0; i < count; i += 1) {
      const toLeft = voice[i]! * left;
      const toRight = voice[i]! * right;
      const at = start + i;
      dryLeft[at]! += toLeft;
      dryRight[at]! += toRight;
      sendLeft[at]! += toLeft * reverb;
      sendRight[at]! += toRight * reverb;
    }
  }

  /** The voice, and after it echoes that change sides and fade. */
  addWithEcho(voice: Float32Array, atSeconds: number, placement: Placement, echo: Echo): void {
    this.add(voice, atSeconds, placement);
    let gain = placement.gain * echo.gain;
    let pan = -(placement.pan ?? 0.5);
    for (let at = atSeconds + echo.seconds; gain > placement.gain * 0.04; at += echo.seconds) {
      this.add(voice, at, { ...placement, gain, pan });
      gain *= echo.feedback;
      pan = -pan;
    }
  }

  /** The dry sum with the reverb of what was sent to it. `decay` 0.7 is a room, 0.9 a hall. */
  mixDown(decay: number): Stereo {
    addReverb(this.#send, this.#dry, decay);
    return this.#dry;
  }
}
