// Covers: embedded in a track, else an image beside it. Takes nothing but images, whatever a tag or a file name claims.
import { createHash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { parseFile, selectCover } from 'music-metadata';
import type { Cover } from '../../ports/catalogue.ts';

const MAX_COVER_BYTES = 8 * 1024 * 1024;

/** The type of a raster image by its first bytes; undefined for anything else. */
export function rasterImageType(bytes: Uint8Array): string | undefined {
  const ascii = (from: number, to: number) => String.fromCharCode(...bytes.subarray(from, to));
  if (bytes[0] === 0xff && bytes[1] === 0xd8 && bytes[2] === 0xff) return 'image/jpeg';
  if (bytes[0] === 0x89 && ascii(1, 4) === 'PNG') return 'image/png';
  if (ascii(0, 4) === 'GIF8') return 'image/gif';
  if (ascii(0, 4) === 'RIFF' && ascii(8, 12) === 'WEBP') return 'image/webp';
  if (ascii(4, 12) === 'ftypavif') return 'image/avif';
  return undefined;
}

/** Whether `bytes` would be served as the cover of a track that embeds them. */
export function isServableImage(bytes: Uint8Array): boolean {
  return bytes.length <= MAX_COVER_BYTES && rasterImageType(bytes) !== undefined;
}

/** The picture embedded in the audio file at `path`, or undefined. Rejects where the file cannot be read. */
export async function readEmbeddedCover(path: string): Promise<Cover | undefined> {
  const { common } = await parseFile(path, { duration: false });
  const servable = (common.picture ?? []).filter((picture) => isServableImage(picture.data));
  const picture = selectCover(servable);
  // A copy: what the tags are read into is larger than the picture, and would be kept with it.
  return picture ? asCover(new Uint8Array(picture.data), rasterImageType(picture.data)) : undefined;
}

/** The image file at `path`, or undefined where it is no image or larger than 8 MiB. Rejects where the file cannot be read. */
export async function readFolderCover(path: string): Promise<Cover | undefined> {
  if ((await stat(path)).size > MAX_COVER_BYTES) return undefined;
  const bytes = await readFile(path);
  return asCover(bytes, rasterImageType(bytes) ?? svgType(path, bytes));
}

/** SVG has no signature, so the name and the root element must agree. The route serves it in a sandbox, where its scripts are dead. */
function svgType(path: string, bytes: Uint8Array): string | undefined {
  if (!path.toLowerCase().endsWith('.svg')) return undefined;
  return isSvg(new TextDecoder().decode(bytes.subarray(0, 2048))) ? 'image/svg+xml' : undefined;
}

/** What may stand before the root element. Taken away piece by piece: one pattern for all would try a row of comments in ever more ways. */
const PROLOG = [
  { begin: '<?xml', end: '?>' },
  { begin: '<!--', end: '-->' },
  { begin: '<!doctype', end: '>' },
];

function isSvg(start: string): boolean {
  let rest = start.trimStart().toLowerCase();
  for (;;) {
    const piece = PROLOG.find(({ begin }) => rest.startsWith(begin));
    if (piece === undefined) return /^<svg[\s>]/.test(rest);
    const end = rest.indexOf(piece.end, piece.begin.length);
    if (end < 0) return false;
    rest = rest.slice(end + piece.end.length).trimStart();
  }
}

function asCover(bytes: Uint8Array, mimeType: string | undefined): Cover | undefined {
  if (mimeType === undefined) return undefined;
  const digest = createHash('sha256').update(bytes).digest('base64url').slice(0, 22);
  return { mimeType, bytes, etag: `"${digest}"` };
}
