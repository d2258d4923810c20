// Owns the decoded tracks within a budget of memory: what to load and decode next, what to forget; knows neither rooms nor scheduling.
import type { TrackId } from '../../protocol/ids.ts';
import type { WantedTrack } from './audio-output.ts';

export interface DecodedTracksOptions {
  /** The whole file; rejects when it will not come, after its own retries. */
  readonly load: (trackId: TrackId, signal: AbortSignal) => Promise<ArrayBuffer>;
  readonly decode: (bytes: ArrayBuffer, trackId: TrackId) => Promise<AudioBuffer>;
  readonly sampleRate: number;
  readonly maxBytes: number;
  readonly onChange: () => void;
}

interface Held {
  readonly buffer: AudioBuffer;
  readonly bytes: number;
}

const bytesPerSample = 4;
const likelyChannels = 2;
/** The track that plays and the two after it. */
const aheadTracks = 3;

/**
 * Loads one track at a time, in the order in which they are wanted, and never decodes one whose size would push out a
 * track that is wanted earlier. What is no longer wanted stays until the room is needed, least recently wanted first.
 * Of the first three, those that have no room yet are kept as they came, a tenth of the size, so that nothing has to be waited for
 * but decoding.
 */
export class DecodedTracks {
  readonly #options: DecodedTracksOptions;
  /** In order of last use: the first is forgotten first. */
  readonly #held = new Map<TrackId, Held>();
  /** Files that wait to be decoded. */
  readonly #files = new Map<TrackId, ArrayBuffer>();
  readonly #failures = new Map<TrackId, string>();
  #wanted: readonly WantedTrack[] = [];
  #loading: { readonly trackId: TrackId; readonly abort: AbortController } | undefined;
  #closed = false;

  constructor(options: DecodedTracksOptions) {
    this.#options = options;
  }

  get heldBytes(): number {
    let sum = 0;
    for (const { bytes } of this.#held.values()) sum += bytes;
    return sum;
  }

  /** Whether it may be decoded at all: at a boundary two tracks are held at once. */
  fits(durationMs: number): boolean {
    return this.#estimate(durationMs) <= this.#options.maxBytes / 2;
  }

  get(trackId: TrackId): AudioBuffer | undefined {
    return this.#held.get(trackId)?.buffer;
  }

  failure(trackId: TrackId): string | undefined {
    return this.#failures.get(trackId);
  }

  want(tracks: readonly WantedTrack[]): void {
    this.#wanted = tracks;
    for (const trackId of [...this.#failures.keys()]) {
      // Asked for again later, it gets a new chance.
      if (!this.#isWanted(trackId)) this.#failures.delete(trackId);
    }
    for (const trackId of [...this.#files.keys()]) {
      if (!this.#ahead().some((track) => track.trackId === trackId)) this.#files.delete(trackId);
    }
    // The most needed is touched last, and so forgotten last.
    for (const { trackId } of [...tracks].reverse()) {
      const held = this.#held.get(trackId);
      if (held === undefined) continue;
      this.#held.delete(trackId);
      this.#held.set(trackId, held);
    }
    const loading = this.#loading;
    if (loading !== undefined && loading.trackId !== this.#target()?.trackId) {
      // Something else is needed first, or this one no more.
      loading.abort.abort();
      this.#loading = undefined;
    }
    this.#pump();
  }

  close(): void {
    this.#closed = true;
    this.#loading?.abort.abort();
    this.#loading = undefined;
    this.#wanted = [];
    this.#held.clear();
    this.#files.clear();
  }

  #pump(): void {
    if (this.#loading !== undefined || this.#closed) return;
    const next = this.#target();
    if (next === undefined) return;
    const abort = new AbortController();
    const loading = { trackId: next.trackId, abort };
    this.#loading = loading;
    void this.#load(next, abort.signal).then((result) => {
      if (this.#loading !== loading) return;
      this.#loading = undefined;
      if (typeof result === 'string') this.#failures.set(next.trackId, result);
      else if (result instanceof ArrayBuffer) this.#files.set(next.trackId, result);
      else this.#hold(next.trackId, result);
      this.#options.onChange();
      this.#pump();
    });
  }

  /** The decoded track, its file where there is no room to decode it, or why there is none. */
  async #load(
    { trackId, durationMs }: WantedTrack,
    signal: AbortSignal,
  ): Promise<AudioBuffer | ArrayBuffer | string> {
    try {
      const bytes = this.#files.get(trackId) ?? (await this.#options.load(trackId, signal));
      if (signal.aborted) return 'aborted';
      if (this.#next()?.trackId !== trackId) return bytes;
      // Decoding takes the bytes away.
      this.#files.delete(trackId);
      this.#makeRoom(this.#estimate(durationMs));
      return await this.#options.decode(bytes, trackId);
    } catch (cause) {
      return cause instanceof Error ? cause.message : String(cause);
    }
  }

  #hold(trackId: TrackId, buffer: AudioBuffer): void {
    const bytes = buffer.length * buffer.numberOfChannels * bytesPerSample;
    this.#makeRoom(bytes);
    this.#held.set(trackId, { buffer, bytes });
  }

  /** What to do next: a track to decode, else one whose file is to be there already. */
  #target(): WantedTrack | undefined {
    return (
      this.#next() ??
      this.#ahead().find(
        ({ trackId }) =>
          !this.#held.has(trackId) && !this.#files.has(trackId) && !this.#failures.has(trackId),
      )
    );
  }

  #ahead(): readonly WantedTrack[] {
    return this.#wanted.slice(0, aheadTracks);
  }

  /** The first wanted track that is missing and has room beside those wanted before it. */
  #next(): WantedTrack | undefined {
    let sum = 0;
    for (const track of this.#wanted) {
      const held = this.#held.get(track.trackId);
      sum += held?.bytes ?? this.#estimate(track.durationMs);
      if (sum > this.#options.maxBytes) return undefined;
      if (held === undefined && !this.#failures.has(track.trackId)) return track;
    }
    return undefined;
  }

  #makeRoom(bytes: number): void {
    const unwantedFirst = [...this.#held.keys()].sort(
      (a, b) => Number(this.#isWanted(a)) - Number(this.#isWanted(b)),
    );
    for (const trackId of unwantedFirst) {
      if (this.heldBytes + bytes <= this.#options.maxBytes) return;
      this.#held.delete(trackId);
    }
  }

  #isWanted(trackId: TrackId): boolean {
    return this.#wanted.some((track) => track.trackId === trackId);
  }

  #estimate(durationMs: number): number {
    return (durationMs / 1_000) * this.#options.sampleRate * likelyChannels * bytesPerSample;
  }
}
