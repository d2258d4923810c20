// Reads one audio file: its id from its content, its tags and length. Knows nothing of the catalogue it goes into.
import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { basename, extname } from 'node:path';
import { parseFile } from 'music-metadata';
import type { IAudioMetadata } from 'music-metadata';
import type { TrackId } from '../../../protocol/ids.ts';
import { isServableImage } from './cover-art.ts';
import { audioMimeType, folderName } from './folder-walk.ts';
import type { AudioFile } from './folder-walk.ts';
import { readGainTags } from './gain-tags.ts';
import { playedLengthMs } from './padding.ts';

/** What a file says about itself. */
export interface TrackTags {
  readonly id: TrackId;
  readonly title: string;
  readonly artist: string;
  readonly album?: string | undefined;
  readonly durationMs: number;
  readonly mimeType: string;
  readonly hasEmbeddedCover: boolean;
  readonly gainDb?: number | undefined;
  readonly peak?: number | undefined;
}

/** The file is not the audio that its name says, or is damaged. The message tells what is wrong. */
export class DamagedTrack extends Error {
  override readonly name = 'DamagedTrack';
}

const SAMPLE_BYTES = 256 * 1024;
const ID_CHARACTERS = 22;
const MAX_TEXT_CODE_POINTS = 200;
const UNKNOWN_ARTIST = 'Unknown artist';
/** Padding is at most some frames: a file that claims more was cut or joined by somebody, and its own word is old. */
const MOST_PADDING_MS = 500;

/**
 * The id of the content of the file at `path`: SHA-256 over its size and its first and last 256 KiB, 22 characters of base64url
 * (132 bits). The whole is not read, as a library of 10,000 files would take many minutes.
 */
export async function contentId(path: string, sizeBytes: number): Promise<TrackId> {
  const hash = createHash('sha256').update(`${sizeBytes}:`);
  const file = await open(path);
  try {
    const headBytes = Math.min(SAMPLE_BYTES, sizeBytes);
    const tailBytes = Math.min(SAMPLE_BYTES, sizeBytes - headBytes);
    const sample = Buffer.allocUnsafe(headBytes + tailBytes);
    await file.read(sample, 0, headBytes, 0);
    if (tailBytes > 0) await file.read(sample, headBytes, tailBytes, sizeBytes - tailBytes);
    hash.update(sample);
  } finally {
    await file.close();
  }
  return hash.digest('base64url').slice(0, ID_CHARACTERS) as TrackId;
}

/** Reads tags, length and id. Throws `DamagedTrack` for what is no playable audio, and the file system's error where it cannot be read. */
export async function readTrackFile(file: AudioFile): Promise<TrackTags> {
  const mimeType = audioMimeType(file.path);
  if (mimeType === undefined) throw new DamagedTrack('not an audio file');
  if (file.sizeBytes === 0) throw new DamagedTrack('the file is empty');
  const id = await contentId(file.path, file.sizeBytes);
  const { common, format, native } = await parse(file.path);
  const durationSeconds = format.duration ?? 0;
  if (!Number.isFinite(durationSeconds) || durationSeconds <= 0) {
    throw new DamagedTrack('no audio found in it');
  }
  const lengthMs = await exactLengthMs(file, mimeType, durationSeconds * 1_000);
  const album = cleanText(common.album);
  return {
    id,
    title: cleanText(common.title) ?? titleFromName(file.path),
    artist:
      cleanText(common.artist ?? common.albumartist) ??
      cleanText(folderName(file)) ??
      UNKNOWN_ARTIST,
    ...(album === undefined ? {} : { album }),
    durationMs: Math.max(1, Math.round(lengthMs)),
    mimeType,
    hasEmbeddedCover: (common.picture ?? []).some((picture) => isServableImage(picture.data)),
    ...readGainTags(native),
  };
}

async function parse(path: string): Promise<IAudioMetadata> {
  try {
    // `duration`: a VBR file without a header is counted frame by frame. A guess would cut the track short for a whole room.
    return await parseFile(path, { duration: true });
  } catch (error) {
    if (error instanceof Error && 'code' in error && typeof error.code === 'string') throw error;
    throw new DamagedTrack(error instanceof Error ? error.message : String(error), {
      cause: error,
    });
  }
}

/** Without an encoder's padding, where the file tells it and the rest of it agrees. */
async function exactLengthMs(
  { path }: AudioFile,
  mimeType: string,
  countedMs: number,
): Promise<number> {
  const playedMs = await playedLengthMs(path, mimeType);
  if (playedMs === undefined) return countedMs;
  const paddingMs = countedMs - playedMs;
  return paddingMs >= 0 && paddingMs <= MOST_PADDING_MS ? playedMs : countedMs;
}

function titleFromName(path: string): string {
  const stem = basename(path, extname(path));
  const withoutNumber = stem.replace(/^\d{1,3}\s*[-._ ]\s*(?=\D)/u, '');
  return cleanText(withoutNumber.replaceAll('_', ' ')) ?? cleanText(stem) ?? 'Untitled';
}

/** Tags are shown and travel to every client: no control or bidi-override characters, a bounded length, undefined when nothing is left. */
export function cleanText(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  const cleaned = text
    .replaceAll(/\p{Cs}/gu, '')
    .normalize('NFC')
    .replaceAll(/[\p{Cc}\u2028\u2029\s]+/gu, ' ')
    .replaceAll(/[\p{Bidi_Control}\u200b\u2060-\u2064\ufeff\ufff9-\ufffb]/gu, '')
    .trim();
  if (cleaned === '') return undefined;
  const points = Array.from(cleaned);
  return points.length <= MAX_TEXT_CODE_POINTS
    ? cleaned
    : `${points.slice(0, MAX_TEXT_CODE_POINTS - 1).join('')}…`;
}
