// Owns which output plays which track: decoded where it fits and can be, else by an element; must not know rooms or hub time.
import type { TrackId } from '../../protocol/ids.ts';
import type { SoundHold } from './audio-graph.ts';
import type {
  AudioOutput,
  Buffered,
  Correction,
  Measurement,
  Stretch,
  WantedTrack,
} from './audio-output.ts';

export interface OutputChoiceOptions {
  readonly precise: AudioOutput;
  readonly fallback: AudioOutput;
  /** Whether a track of that length may be decoded at all. */
  readonly fits: (durationMs: number) => boolean;
}

/** Two outputs as one: what the precise one cannot hold, or failed to decode, is left to the other. */
export class OutputChoice implements AudioOutput {
  readonly #precise: AudioOutput;
  readonly #fallback: AudioOutput;
  readonly #fits: (durationMs: number) => boolean;
  /** Tracks that failed in the precise output, while they are wanted. */
  #failed = new Set<TrackId>();
  #current: AudioOutput;

  constructor({ precise, fallback, fits }: OutputChoiceOptions) {
    this.#precise = precise;
    this.#fallback = fallback;
    this.#fits = fits;
    this.#current = precise;
  }

  /** That of the stretch which is or comes first. */
  get kind(): 'webaudio' | 'element' {
    return this.#current.kind;
  }

  get latencyMs(): number {
    return this.#current.latencyMs;
  }

  prepare(tracks: readonly WantedTrack[]): void {
    for (const track of tracks) {
      if (this.#precise.buffered(track).failure !== undefined) this.#failed.add(track.trackId);
    }
    this.#failed = new Set(
      [...this.#failed].filter((id) => tracks.some(({ trackId }) => trackId === id)),
    );
    this.#precise.prepare(tracks.filter((track) => this.#outputOf(track) === this.#precise));
    this.#fallback.prepare(tracks.filter((track) => this.#outputOf(track) === this.#fallback));
  }

  buffered(track: WantedTrack): Buffered {
    return this.#outputOf(track).buffered(track);
  }

  follow(stretches: readonly Stretch[], nowMs: number): void {
    const first = stretches[0];
    if (first !== undefined) this.#current = this.#outputOf(first);
    for (const output of [this.#precise, this.#fallback]) {
      output.follow(
        stretches.filter((stretch) => this.#outputOf(stretch) === output),
        nowMs,
      );
    }
  }

  heldBy(nowMs: number): SoundHold | undefined {
    return this.#current.heldBy?.(nowMs);
  }

  measure(nowMs: number): Measurement | undefined {
    return this.#current.measure(nowMs);
  }

  correct(correction: Correction, nowMs: number): void {
    this.#current.correct(correction, nowMs);
  }

  close(): void {
    this.#precise.close();
    this.#fallback.close();
  }

  #outputOf(track: { readonly trackId: TrackId; readonly durationMs: number }): AudioOutput {
    const decodable = this.#fits(track.durationMs) && !this.#failed.has(track.trackId);
    return decodable ? this.#precise : this.#fallback;
  }
}
