// The port to the music: which tracks there are, and their bytes. Knows nothing of rooms.
import type { TrackId } from '../../protocol/ids.ts';

export interface Track {
  /** Derived from the content: the same file under another name keeps its id. */
  readonly id: TrackId;
  readonly title: string;
  readonly artist: string;
  readonly album?: string;
  readonly durationMs: number;
  readonly mimeType: string;
  readonly sizeBytes: number;
  readonly hasCover: boolean;
  /** What brings it to −18 LUFS, in dB; absent where the file does not say. */
  readonly gainDb?: number;
  /** The largest sample, 1 is full scale; absent where the file does not say. */
  readonly peak?: number;
}

/** An inclusive byte range, both ends within the file. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/** A track's file, ready to be read. */
export interface MediaFile {
  readonly mimeType: string;
  readonly sizeBytes: number;
  /** A strong validator, quoted, that changes when the bytes do. */
  readonly etag: string;
  readonly lastModified: Date;
  /**
   * The bytes of `range`. Reads from disk only as fast as the stream is read (at most 64 KiB ahead); cancelling it closes the file.
   * Errors the stream when the file has changed or gone since.
   */
  read(range: ByteRange): ReadableStream<Uint8Array>;
}

export interface Cover {
  readonly mimeType: string;
  readonly bytes: Uint8Array;
  readonly etag: string;
}

/** One page of a listing. */
export interface TrackPage {
  readonly tracks: readonly Track[];
  /** How many match in all. */
  readonly total: number;
}

/**
 * The catalogue. Reads are synchronous from memory: a room's decision must not wait for a disk.
 * A track that was removed from the folder stays known by id to nobody: `get` answers undefined.
 */
export interface Catalogue {
  get(id: TrackId): Track | undefined;
  /**
   * Tracks whose title, artist or album contain every word of `query` (case and diacritics ignored), best first; all tracks in
   * order of artist, album, title for an empty query.
   */
  search(query: string, page: { readonly offset: number; readonly limit: number }): TrackPage;
  /** Undefined where the track is unknown or its file cannot be opened. */
  open(id: TrackId): Promise<MediaFile | undefined>;
  cover(id: TrackId): Promise<Cover | undefined>;
  /** Called after each batch of additions, changes or removals. Returns the remover. */
  onChange(listener: () => void): () => void;
  /** Stops watching. Idempotent. */
  stop(): Promise<void>;
}
