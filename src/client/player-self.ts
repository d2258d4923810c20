// Owns the position of somebody who listens on their own, apart from the room; pure, local time is passed in.
import type { EntryId, TrackId } from '../../protocol/ids.ts';
import type { Stretch, WantedTrack } from './audio-output.ts';

export interface SelfTrack {
  readonly entryId: EntryId;
  readonly trackId: TrackId;
  readonly durationMs: number;
}

/** One's own anchor: from `atMs` (local) on at `positionMs`. */
export class SelfPlayback {
  readonly track: SelfTrack;
  #positionMs: number;
  #atMs: number;
  #playing = false;
  #line = 0;

  constructor(track: SelfTrack, positionMs: number, nowMs: number) {
    this.track = track;
    this.#positionMs = positionMs;
    this.#atMs = nowMs;
  }

  isPlaying(nowMs: number): boolean {
    return this.#playing && this.positionAt(nowMs) < this.track.durationMs;
  }

  positionAt(nowMs: number): number {
    const movedMs = this.#playing ? Math.max(0, nowMs - this.#atMs) : 0;
    return Math.min(this.#positionMs + movedMs, this.track.durationMs);
  }

  /** Goes on; from the beginning where the track has ended. @param atMs local time from which on it is heard */
  play(atMs: number): void {
    const hasEnded = this.positionAt(atMs) >= this.track.durationMs;
    if (this.#playing && !hasEnded) return;
    this.#move(hasEnded ? 0 : this.#positionMs, atMs);
    this.#playing = true;
  }

  pause(nowMs: number): void {
    this.#move(this.positionAt(nowMs), nowMs);
    this.#playing = false;
  }

  seek(positionMs: number, atMs: number): void {
    this.#move(Math.max(0, Math.min(positionMs, this.track.durationMs)), atMs);
  }

  stretches(nowMs: number): Stretch[] {
    if (!this.isPlaying(nowMs)) return [];
    const { durationMs } = this.track;
    return [
      {
        ...this.track,
        id: `self:${this.track.entryId}:${this.#line}`,
        startMs: this.#atMs,
        positionMs: this.#positionMs,
        endMs: this.#atMs + durationMs - this.#positionMs,
        joins: false,
      },
    ];
  }

  wanted(nowMs: number): WantedTrack {
    const { trackId, durationMs } = this.track;
    return { trackId, durationMs, positionMs: this.positionAt(nowMs) };
  }

  #move(positionMs: number, atMs: number): void {
    this.#positionMs = positionMs;
    this.#atMs = atMs;
    this.#line += 1;
  }
}
