// Owns how loud each track is played, so that all are equally loud: from tags, else from what was measured; knows no audio API.
import type { TrackId } from '../../protocol/ids.ts';
import { measureLoudness, type Loudness, type Samples } from './loudness.ts';

/** What a catalogue says of a track. */
export interface TrackGain {
  /** What brings it to −18 LUFS, ReplayGain's reference. */
  readonly gainDb?: number | undefined;
  /** The largest sample; 1 is full scale. */
  readonly peak?: number | undefined;
}

/** Keeps one text between visits. */
export interface LevelMemory {
  readonly read: () => string | null;
  readonly write: (text: string) => void;
}

export interface TrackLevelsOptions {
  readonly memory?: LevelMemory | undefined;
  /** Lets the page do what waits. */
  readonly pause: () => Promise<void>;
  /** Some track is to be played at another level than before. */
  readonly onChange: () => void;
}

export const targetLufs = -18;
/** Louder than it is, a track may come so close to full scale: between samples the sound rises a little above them (EBU R 128). */
const highestPeakDb = -1;
/** Between a quiet record and a loud one: what nobody has measured is off by half as much as it would be unchanged. */
const likelyGainDb = -6;
const mostRemembered = 2_000;

/**
 * Tags go first, so that everybody hears the same. What has none is measured when it was decoded, once on this device, which also serves
 * a later time when it is not decoded.
 */
export class TrackLevels {
  readonly #options: TrackLevelsOptions;
  readonly #tagged = new Map<TrackId, TrackGain>();
  /** In the order in which they were measured. */
  readonly #measured: Map<TrackId, TrackGain>;
  #matching = true;

  constructor(options: TrackLevelsOptions) {
    this.#options = options;
    this.#measured = parseMemory(options.memory?.read() ?? null);
  }

  setMatching(on: boolean): void {
    if (on === this.#matching) return;
    this.#matching = on;
    this.#options.onChange();
  }

  /** The catalogue's word. */
  tell(trackId: TrackId, { gainDb, peak }: TrackGain): void {
    if (gainDb !== undefined && Number.isFinite(gainDb))
      this.#tagged.set(trackId, { gainDb, peak });
  }

  /** Measures a decoded track, where nothing is known of it. */
  async examine(trackId: TrackId, samples: Samples): Promise<void> {
    if (this.#tagged.has(trackId) || this.#measured.has(trackId)) return;
    const loudness = await measureLoudness(samples, this.#options.pause);
    // Silence has no loudness, and needs none.
    this.#measured.set(trackId, loudness === undefined ? { gainDb: 0 } : gainOf(loudness));
    for (const oldest of this.#measured.keys()) {
      if (this.#measured.size <= mostRemembered) break;
      this.#measured.delete(oldest);
    }
    this.#options.memory?.write(memoryText(this.#measured));
    this.#options.onChange();
  }

  /** The factor by which its samples are multiplied. */
  levelOf(trackId: TrackId): number {
    if (!this.#matching) return 1;
    const known = this.#tagged.get(trackId) ?? this.#measured.get(trackId);
    return 10 ** ((known === undefined ? likelyGainDb : safeGainDb(known)) / 20);
  }
}

function gainOf({ lufs, peak }: Loudness): TrackGain {
  return { gainDb: targetLufs - lufs, peak };
}

/** As much of the gain as does not clip. One that makes quieter cannot. */
function safeGainDb({ gainDb = 0, peak = 1 }: TrackGain): number {
  if (gainDb <= 0) return gainDb;
  const roomDb = highestPeakDb - 20 * Math.log10(peak);
  return Math.max(0, Math.min(gainDb, roomDb));
}

/** `[[trackId, gainDb, peak], …]`, rounded to what can be heard. */
function memoryText(measured: ReadonlyMap<TrackId, TrackGain>): string {
  const rows = [...measured].map(([trackId, { gainDb = 0, peak = 1 }]) => [
    trackId,
    Math.round(gainDb * 100) / 100,
    Math.round(peak * 10_000) / 10_000,
  ]);
  return JSON.stringify(rows);
}

/** What is damaged, or was written by another version, is measured again. */
function parseMemory(text: string | null): Map<TrackId, TrackGain> {
  const known = new Map<TrackId, TrackGain>();
  for (const row of parseRows(text)) {
    if (!Array.isArray(row)) continue;
    const [trackId, gainDb, peak] = row as unknown[];
    if (typeof trackId !== 'string' || !isFinite(gainDb) || !isFinite(peak)) continue;
    known.set(trackId as TrackId, { gainDb, peak });
  }
  return known;
}

function parseRows(text: string | null): readonly unknown[] {
  try {
    const rows: unknown = JSON.parse(text ?? '[]');
    return Array.isArray(rows) ? rows : [];
  } catch {
    return []; // It is only a memory.
  }
}

function isFinite(value: unknown): value is number {
  return Number.isFinite(value);
}
