// Owns sound from decoded tracks, placed to the sample on the audio clock; must not know rooms or hub time.
import type { TrackId } from '../../protocol/ids.ts';
import type { DecodedTracks } from './audio-tracks.ts';
import type { AudioTimeline } from './audio-timeline.ts';
import type {
  AudioOutput,
  Buffered,
  Correction,
  Measurement,
  Stretch,
  WantedTrack,
} from './audio-output.ts';
import { Voice } from './audio-voice.ts';

export interface WebAudioOutputOptions {
  readonly context: BaseAudioContext & { readonly baseLatency?: number };
  readonly destination: AudioNode;
  readonly timeline: AudioTimeline;
  readonly tracks: DecodedTracks;
  /** The factor that makes a track as loud as the others. */
  readonly levelOf: (trackId: TrackId) => number;
}

/** Where sound begins or stops inside a track; short enough not to be heard as a fade. */
const fadeSec = 0.008;
/** A jump: both places are heard for so long. */
const crossFadeSec = 0.015;
/** Starts that moved by less are left alone. */
const sameStartSec = 0.0005;
/** Further off than this, a boundary keeps the room's time and not the track's end. */
const joinWithinSec = 0.06;
/** A rate beyond this is a correction under way, and must end by itself if the page is frozen. */
const restingRate = 300e-6;
const correctionLastsSec = 3;
const renewBelowSec = 1.5;

/**
 * Every stretch becomes a `Voice` as soon as its track is decoded, also those to come, so that a page that is frozen still
 * changes track. A boundary begins the next voice on the sample after the last one of the voice before.
 */
export class WebAudioOutput implements AudioOutput {
  readonly kind = 'webaudio';
  readonly #context: WebAudioOutputOptions['context'];
  readonly #destination: AudioNode;
  readonly #timeline: AudioTimeline;
  readonly #tracks: DecodedTracks;
  readonly #levelOf: (trackId: TrackId) => number;
  #voices: Voice[] = [];
  #rate = 1;

  constructor({ context, destination, timeline, tracks, levelOf }: WebAudioOutputOptions) {
    this.#context = context;
    this.#destination = destination;
    this.#timeline = timeline;
    this.#tracks = tracks;
    this.#levelOf = levelOf;
  }

  get latencyMs(): number {
    return this.#timeline.latencyMs;
  }

  prepare(tracks: readonly WantedTrack[]): void {
    this.#tracks.want(tracks);
  }

  buffered({ trackId, positionMs }: WantedTrack): Buffered {
    const failure = this.#tracks.failure(trackId);
    if (failure !== undefined) return { bufferedMs: 0, ready: false, failure };
    const buffer = this.#tracks.get(trackId);
    if (buffer === undefined) return { bufferedMs: 0, ready: false };
    return { bufferedMs: Math.max(0, buffer.duration * 1_000 - positionMs), ready: true };
  }

  follow(stretches: readonly Stretch[]): void {
    this.#voices = this.#voices.filter((voice) => !voice.ended);
    for (const voice of this.#voices) voice.setLevel(this.#levelOf(voice.stretch.trackId));
    if (!this.#timeline.known) return;
    const soonSec = this.#soonSec();
    let before: Voice | undefined;
    for (const stretch of stretches) {
      before = this.#keep(stretch, before, soonSec) ?? this.#place(stretch, before, soonSec);
    }
    this.#endThose(stretches, soonSec);
    this.#renewRate(soonSec);
  }

  measure(nowMs: number): Measurement | undefined {
    const sec = this.#timeline.secHeardAt(nowMs);
    if (sec === undefined) return undefined;
    const voice = this.#heardAt(sec, nowMs);
    if (voice === undefined) return undefined;
    const { stretch } = voice;
    const positionMs = voice.positionMsAt(sec);
    return {
      stretch,
      positionMs,
      errorMs: positionMs - stretch.positionMs - (nowMs - stretch.startMs),
    };
  }

  correct(correction: Correction, nowMs: number): void {
    const soonSec = this.#soonSec();
    if (correction.kind === 'rate') {
      this.#rate = correction.rate;
      for (const voice of this.#voices) {
        if (!voice.leaving && voice.startSec < soonSec) this.#applyRate(voice, soonSec);
      }
      return;
    }
    const sec = this.#timeline.secHeardAt(nowMs);
    const voice = sec === undefined ? undefined : this.#heardAt(sec, nowMs);
    if (voice === undefined || voice.endSec < soonSec) return;
    const positionMs = voice.positionMsAt(soonSec) + correction.byMs;
    if (positionMs >= voice.stretch.durationMs) return;
    voice.leaving = true;
    voice.endAt(soonSec, crossFadeSec);
    if (positionMs < 0) return; // the next `follow` begins it anew at its time
    this.#begin(voice.stretch, soonSec, positionMs, crossFadeSec);
  }

  close(): void {
    for (const voice of this.#voices) voice.cancel();
    this.#voices = [];
    this.#tracks.close();
  }

  /** What is planned from here on reaches the render thread in time: it runs ahead by up to two of its buffers. */
  #soonSec(): number {
    return this.#context.currentTime + 0.04 + 2 * Math.min(0.1, this.#context.baseLatency ?? 0.02);
  }

  #heardAt(sec: number, nowMs: number): Voice | undefined {
    return this.#voices.find(
      (voice) =>
        !voice.leaving &&
        voice.startSec <= sec &&
        voice.endSec > sec &&
        voice.stretch.endMs > nowMs,
    );
  }

  /** The voice that plays the stretch already, unless it has still to begin and would begin at the wrong moment. */
  #keep(stretch: Stretch, before: Voice | undefined, soonSec: number): Voice | undefined {
    const voice = this.#voices.find((each) => !each.leaving && each.stretch.id === stretch.id);
    if (voice === undefined) return undefined;
    voice.stretch = stretch;
    if (voice.startSec <= soonSec) return voice;
    const { sec } = this.#startOf(stretch, before, soonSec);
    // A boundary is kept to the sample, as the rate of the track before changes.
    const sameSec = stretch.joins ? 1 / this.#context.sampleRate : sameStartSec;
    if (Math.abs(sec - voice.startSec) < sameSec) return voice;
    this.#drop(voice);
    return undefined;
  }

  #place(stretch: Stretch, before: Voice | undefined, soonSec: number): Voice | undefined {
    if (this.#tracks.get(stretch.trackId) === undefined) return undefined;
    const { sec, positionMs } = this.#startOf(stretch, before, soonSec);
    const endSec = this.#timeline.secHeardAt(stretch.endMs) ?? Infinity;
    if (positionMs >= stretch.durationMs || sec >= endSec) return undefined;
    // A track that begins at its beginning brings its own silence; anywhere else it would click.
    return this.#begin(stretch, sec, positionMs, positionMs >= 1 ? fadeSec : 0);
  }

  #begin(
    stretch: Stretch,
    startSec: number,
    positionMs: number,
    fadeInSec: number,
  ): Voice | undefined {
    const buffer = this.#tracks.get(stretch.trackId);
    if (buffer === undefined) return undefined;
    const voice = new Voice({
      context: this.#context,
      destination: this.#destination,
      buffer,
      stretch,
      startSec,
      positionMs,
      rate: this.#restRate(),
      fadeInSec,
      level: this.#levelOf(stretch.trackId),
    });
    this.#voices.push(voice);
    return voice;
  }

  /** When, and where in the track, a stretch can begin. */
  #startOf(
    stretch: Stretch,
    before: Voice | undefined,
    soonSec: number,
  ): { sec: number; positionMs: number } {
    const wantedSec = this.#timeline.secHeardAt(stretch.startMs) ?? soonSec;
    if (stretch.joins && before !== undefined) {
      const endSec = before.secAtPosition(before.lastMs);
      if (Math.abs(endSec - wantedSec) < joinWithinSec && endSec > soonSec) {
        return this.#onFrame(endSec, stretch.positionMs);
      }
    }
    if (wantedSec >= soonSec) return { sec: wantedSec, positionMs: stretch.positionMs };
    // Too late for its beginning: in the middle, as far in as it will be by then.
    const heardMs = this.#timeline.heardAtMs(soonSec) ?? stretch.startMs;
    return { sec: soonSec, positionMs: stretch.positionMs + heardMs - stretch.startMs };
  }

  /** The first whole frame from `sec` on, and the position there: between frames the browser would have to guess at the join. */
  #onFrame(sec: number, positionMs: number): { sec: number; positionMs: number } {
    const { sampleRate } = this.#context;
    const frameSec = Math.ceil(sec * sampleRate - 1e-3) / sampleRate;
    const lateMs = Math.max(0, frameSec - sec) * 1_000 * this.#restRate();
    return { sec: frameSec, positionMs: positionMs + lateMs };
  }

  /** Gives every voice its end, and sends away those that nothing wants any more. */
  #endThose(stretches: readonly Stretch[], soonSec: number): void {
    for (const voice of [...this.#voices]) {
      if (voice.leaving || voice.endSec < soonSec) continue;
      const index = stretches.findIndex((each) => each.id === voice.stretch.id);
      if (index === -1) {
        if (voice.startSec > soonSec) this.#drop(voice);
        else {
          voice.leaving = true;
          voice.endAt(soonSec, fadeSec);
        }
        continue;
      }
      const { endMs, startMs, positionMs, durationMs } = voice.stretch;
      const byItself = endMs - startMs >= durationMs - positionMs - 2;
      if (byItself) {
        const fade = voice.outlastsTrack ? fadeSec : 0;
        voice.endAt(voice.secAtPosition(voice.lastMs), fade);
      } else {
        const endSec = this.#timeline.secHeardAt(endMs) ?? soonSec;
        voice.endAt(Math.max(endSec, soonSec), fadeSec);
      }
    }
  }

  #applyRate(voice: Voice, soonSec: number): void {
    const rest = this.#restRate();
    voice.setRate(this.#rate, soonSec, soonSec + correctionLastsSec, rest);
  }

  /** Carries the rate over a boundary, and a correction under way past its end while somebody still asks for it. */
  #renewRate(soonSec: number): void {
    for (const voice of this.#voices) {
      if (voice.leaving || voice.startSec > soonSec) continue;
      if (voice.rateAt(soonSec + renewBelowSec) !== this.#rate) this.#applyRate(voice, soonSec);
    }
  }

  #restRate(): number {
    return Math.abs(this.#rate - 1) <= restingRate ? this.#rate : 1;
  }

  #drop(voice: Voice): void {
    voice.cancel();
    this.#voices = this.#voices.filter((each) => each !== voice);
  }
}
