// Owns the modelled player of one listener: where in the track its sound is, by the servo that real players use. It hears nothing; what it
// lacks of a real one are the sound card's own delay and crystal, which no hub can change.
import {
  anchorAt,
  hasTrack,
  positionAt,
  type Anchor,
  type Playback,
} from '../../protocol/schemas/playback.ts';
import type { Corridor } from '../../src/clock/corridor.ts';
import { Servo } from '../../src/clock/servo.ts';

/** What the listener would hear now: an entry and a position, or silence. */
export interface Sounding {
  readonly entryId: string;
  readonly positionMs: number;
}

export class VirtualPlayer {
  readonly #servo = new Servo('webaudio', 0);
  #line = '';
  #positionMs = 0;
  #atMs = 0;
  #rate = 1;
  #begunAtMs = 0;

  /** Goes on to `nowMs`, a few times a second. @returns undefined while it is silent, or does not know the time well enough to play */
  step(nowMs: number, playback: Playback, corridor: Corridor): Sounding | undefined {
    const hubMs = corridor.hubTimeAt(nowMs);
    const { quality, estErrorMs, skewPpm } = corridor.readingAt(nowMs);
    if (hubMs === null || (this.#line === '' && quality !== 'good')) return undefined;
    const anchor = anchorAt(playback.timeline, hubMs);
    if (!hasTrack(anchor) || anchor.state !== 'playing') {
      this.#line = '';
      return undefined;
    }
    const wantedMs = positionAt(anchor, hubMs);
    const line = lineOf(anchor);
    if (line === this.#line) {
      this.#positionMs += (nowMs - this.#atMs) * this.#rate;
    } else {
      // A start is placed on the sample by what is known of the time.
      this.#line = line;
      this.#positionMs = wantedMs;
      this.#begunAtMs = nowMs;
      this.#servo.reset();
    }
    this.#atMs = nowMs;
    const action = this.#servo.update({
      nowMs,
      errorMs: this.#positionMs - wantedMs,
      skewPpm,
      clockQuality: quality,
      clockErrorMs: estErrorMs,
      buffering: false,
      resumedAtMs: this.#begunAtMs,
    });
    if (action.kind === 'rate') this.#rate = action.rate;
    if (action.kind === 'jump' || action.kind === 'seek') {
      this.#positionMs = action.kind === 'jump' ? this.#positionMs + action.byMs : wantedMs;
    }
    return { entryId: anchor.entryId, positionMs: this.#positionMs };
  }
}

function lineOf(anchor: Anchor): string {
  return hasTrack(anchor) ? `${anchor.entryId} ${anchor.positionMs} ${anchor.at}` : '';
}
