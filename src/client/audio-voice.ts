// Owns one sounding piece of a decoded track and the exact account of where in it the context is; decides nothing.
import type { Stretch } from './audio-output.ts';

export interface VoiceOptions {
  readonly context: BaseAudioContext;
  readonly destination: AudioNode;
  readonly buffer: AudioBuffer;
  readonly stretch: Stretch;
  /** Context time of the first sample; must be in the context's future. */
  readonly startSec: number;
  /** Position of the first sample. */
  readonly positionMs: number;
  readonly rate: number;
  /** 0: begins at full level. */
  readonly fadeInSec: number;
  /** The factor that makes the track as loud as the others. */
  readonly level: number;
}

interface Piece {
  readonly sec: number;
  readonly positionMs: number;
  readonly rate: number;
}

/** `playbackRate` is read once a render quantum: a change anywhere else would take effect later than we count it. */
const quantumFrames = 128;
/** So long after its end a source may still be stopped, for nothing sounds. */
const runOutSec = 0.1;
/** A change of level while it sounds is spread over this time constant. */
const levelSec = 0.1;
/** Nobody asks about more than the last changes, and a track may see thousands. */
const keptPieces = 64;

/**
 * An `AudioBufferSourceNode` behind a gain. All changes are given context times in the future, so the position at any context
 * time is known to the sample, without asking the browser.
 */
export class Voice {
  /** The newest estimate of the stretch that it plays. */
  stretch: Stretch;
  readonly startSec: number;
  /** Replaced by another voice, or no longer wanted: it only fades out. */
  leaving = false;
  readonly #source: AudioBufferSourceNode;
  readonly #gain: GainNode;
  readonly #context: BaseAudioContext;
  readonly #trim: GainNode;
  #level: number;
  readonly #bufferMs: number;
  readonly #sampleRate: number;
  readonly #fadeInSec: number;
  #pieces: Piece[];
  #endSec = Infinity;
  #ended = false;

  constructor(options: VoiceOptions) {
    const { context, destination, buffer, stretch, startSec, positionMs, rate } = options;
    this.stretch = stretch;
    this.startSec = startSec;
    this.#bufferMs = buffer.duration * 1_000;
    this.#sampleRate = context.sampleRate;
    this.#fadeInSec = options.fadeInSec;
    this.#pieces = [{ sec: startSec, positionMs, rate }];
    this.#context = context;
    this.#gain = context.createGain();
    // Apart from the fades: the level of a track is its own, whatever is planned for its ends.
    this.#trim = context.createGain();
    this.#level = options.level;
    this.#trim.gain.value = options.level;
    this.#gain.connect(this.#trim);
    this.#trim.connect(destination);
    this.#fadeIn();
    this.#source = context.createBufferSource();
    this.#source.buffer = buffer;
    this.#source.playbackRate.value = rate;
    this.#source.connect(this.#gain);
    this.#source.onended = () => this.#release();
    this.#source.start(startSec, positionMs / 1_000);
  }

  /** Nothing more will come out of it. */
  get ended(): boolean {
    return this.#ended;
  }

  get endSec(): number {
    return this.#endSec;
  }

  /**
   * Where the sound ends by itself: with the last sample, if that is about where the track is said to end. Lengths are told in whole
   * ms, and not every decoder leaves out the same padding.
   */
  get lastMs(): number {
    return this.outlastsTrack ? this.stretch.durationMs : this.#bufferMs;
  }

  /** Whether sound goes on where the track is said to end, so that stopping there would click. */
  get outlastsTrack(): boolean {
    return this.#bufferMs > this.stretch.durationMs + 5;
  }

  rateAt(sec: number): number {
    return this.#pieceAt(sec).rate;
  }

  positionMsAt(sec: number): number {
    const piece = this.#pieceAt(sec);
    return piece.positionMs + (sec - piece.sec) * 1_000 * piece.rate;
  }

  /** Context time at which it reaches a position, with the rates that are planned now. */
  secAtPosition(positionMs: number): number {
    const piece =
      this.#pieces.findLast((each) => each.positionMs <= positionMs) ??
      this.#pieceAt(this.startSec);
    return piece.sec + (positionMs - piece.positionMs) / 1_000 / piece.rate;
  }

  /** Plays at `rate` from `fromSec` on and, from `untilSec` on, at `restRate`. */
  setRate(rate: number, fromSec: number, untilSec: number, restRate: number): void {
    const from = Math.max(this.startSec, this.#onGrid(fromSec));
    const until = Math.max(from, this.#onGrid(untilSec));
    const parameter = this.#source.playbackRate;
    const kept = this.#pieces.filter((piece) => piece.sec < from).slice(-keptPieces);
    const turn = { sec: from, positionMs: this.positionMsAt(from), rate };
    const rest = {
      sec: until,
      positionMs: turn.positionMs + (until - from) * 1_000 * rate,
      rate: restRate,
    };
    this.#pieces = rate === restRate ? [...kept, turn] : [...kept, turn, rest];
    // Grid points are exact multiples only up to rounding: half a frame early still falls to the quantum that is meant.
    const early = 0.5 / this.#sampleRate;
    parameter.cancelScheduledValues(from - early);
    parameter.setValueAtTime(rate, from - early);
    if (rate !== restRate) parameter.setValueAtTime(restRate, until - early);
  }

  /** Falls silent at `sec`, which may be moved until it has come; `fadeSec` is added to it, and 0 is for where its samples end. */
  endAt(sec: number, fadeSec: number): void {
    const end = Math.max(sec, this.startSec);
    if (Math.abs(end - this.#endSec) < 0.0005) return;
    this.#endSec = end;
    const level = this.#gain.gain;
    level.cancelScheduledValues(0);
    this.#fadeIn();
    if (fadeSec > 0) {
      level.setValueAtTime(1, Math.max(end, this.startSec + this.#fadeInSec));
      level.linearRampToValueAtTime(0, Math.max(end, this.startSec + this.#fadeInSec) + fadeSec);
    }
    // Samples run out by themselves: a stop that was planned a little too early would leave a hole before the next track.
    this.#source.stop(end + (fadeSec > 0 ? fadeSec : runOutSec));
  }

  /** At once where it has still to begin, else gliding, as a step would click. */
  setLevel(level: number): void {
    if (level === this.#level) return;
    this.#level = level;
    const { currentTime } = this.#context;
    if (currentTime < this.startSec) this.#trim.gain.setValueAtTime(level, currentTime);
    else this.#trim.gain.setTargetAtTime(level, currentTime, levelSec);
  }

  /** Silent at once: for what has not begun. */
  cancel(): void {
    this.#source.stop();
    this.#release();
  }

  #fadeIn(): void {
    const level = this.#gain.gain;
    if (this.#fadeInSec === 0) {
      level.setValueAtTime(1, this.startSec);
      return;
    }
    level.setValueAtTime(0, this.startSec);
    level.linearRampToValueAtTime(1, this.startSec + this.#fadeInSec);
  }

  #release(): void {
    this.#ended = true;
    this.#source.onended = null;
    this.#source.disconnect();
    this.#gain.disconnect();
    this.#trim.disconnect();
  }

  #onGrid(sec: number): number {
    return (Math.ceil((sec * this.#sampleRate) / quantumFrames) * quantumFrames) / this.#sampleRate;
  }

  #pieceAt(sec: number): Piece {
    const piece = this.#pieces.findLast((each) => each.sec <= sec) ?? this.#pieces[0];
    if (piece === undefined) throw new RangeError('a voice has a first piece');
    return piece;
  }
}
