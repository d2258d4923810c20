// Lists the audio files of a folder and the covers beside them. Knows files and names, nothing of what is inside them.
import type { Dirent, Stats } from 'node:fs';
import { readdir, realpath, stat } from 'node:fs/promises';
import { basename, dirname, extname, join, relative, sep } from 'node:path';

/** What tells one state of a file from another without reading it. */
export interface FileStamp {
  readonly sizeBytes: number;
  readonly modifiedMs: number;
  /** The inode: an atomic replacement within one tick of the clock is seen too. */
  readonly inode: number;
}

export interface AudioFile extends FileStamp {
  readonly path: string;
  /** The path below the media folder, with `/` on every platform. */
  readonly relativePath: string;
  /** The folder's own cover image, where there is one. */
  readonly folderCoverPath: string | undefined;
}

const MIME_TYPES: Readonly<Record<string, string>> = {
  '.mp3': 'audio/mpeg',
  '.flac': 'audio/flac',
  '.ogg': 'audio/ogg',
  '.oga': 'audio/ogg',
  '.opus': 'audio/ogg',
  '.m4a': 'audio/mp4',
  '.wav': 'audio/wav',
};

const COVER_STEMS = ['cover', 'folder', 'front', 'album'];
const COVER_EXTENSIONS = ['.jpg', '.jpeg', '.png', '.webp', '.gif', '.svg'];

/** The type that `path` is served with, or undefined where it is no audio file that the catalogue takes. */
export function audioMimeType(path: string): string | undefined {
  return MIME_TYPES[extname(path).toLowerCase()];
}

export function stampOf(stats: Stats): FileStamp {
  return { sizeBytes: stats.size, modifiedMs: stats.mtimeMs, inode: stats.ino };
}

export function isSameStamp(a: FileStamp, b: FileStamp): boolean {
  return a.sizeBytes === b.sizeBytes && a.modifiedMs === b.modifiedMs && a.inode === b.inode;
}

/** How good a folder cover `name` is, 0 the best; undefined where it is none. */
function coverRank(name: string): number | undefined {
  const extension = extname(name).toLowerCase();
  const stem = COVER_STEMS.indexOf(basename(name, extname(name)).toLowerCase());
  const kind = COVER_EXTENSIONS.indexOf(extension);
  return stem < 0 || kind < 0 ? undefined : stem * COVER_EXTENSIONS.length + kind;
}

/** Whether `path` is `root` or lies below it. */
export function isInside(root: string, path: string): boolean {
  return path === root || path.startsWith(root.endsWith(sep) ? root : root + sep);
}

export interface WalkListener {
  /** Called before a folder is read, so that a watcher set there misses nothing that comes later. */
  readonly onDirectory?: (path: string) => void;
  /** Called for a subfolder that is there and cannot be read. */
  readonly onUnreadable?: (path: string, error: unknown) => void;
}

/**
 * The audio files below `root` (an absolute path without links), in the order of their paths. Hidden entries are passed over. A link
 * is followed to a file that lies inside `root`; linked folders are not, since their files are found where they lie.
 * A subfolder or file that vanishes meanwhile is passed over; an unreadable `root` rejects.
 */
export async function walkAudioFiles(
  root: string,
  { onDirectory, onUnreadable }: WalkListener = {},
): Promise<AudioFile[]> {
  const found: AudioFile[] = [];
  const pending = [root];
  for (let directory = pending.pop(); directory !== undefined; directory = pending.pop()) {
    onDirectory?.(directory);
    const entries = await readDirectory(directory).catch((error: unknown) => {
      if (directory === root) throw error;
      if (!hasGone(error)) onUnreadable?.(directory, error);
      return [];
    });
    const audioPaths: string[] = [];
    let cover: { readonly path: string; readonly rank: number } | undefined;
    for (const entry of entries) {
      if (entry.name.startsWith('.')) continue;
      const path = join(directory, entry.name);
      if (entry.isDirectory()) {
        pending.push(path);
        continue;
      }
      const rank = coverRank(entry.name);
      if (rank === undefined && audioMimeType(entry.name) === undefined) continue;
      if (!entry.isFile() && !(entry.isSymbolicLink() && (await leadsInside(root, path)))) continue;
      if (rank === undefined) audioPaths.push(path);
      else if (cover === undefined || rank < cover.rank) cover = { path, rank };
    }
    const stamps = await Promise.all(audioPaths.map(statOrUndefined));
    for (const [index, path] of audioPaths.entries()) {
      const stats = stamps[index];
      if (!stats?.isFile()) continue;
      const relativePath = relative(root, path).split(sep).join('/');
      found.push({ path, relativePath, folderCoverPath: cover?.path, ...stampOf(stats) });
    }
  }
  return found.sort((a, b) => (a.relativePath < b.relativePath ? -1 : 1));
}

function readDirectory(path: string): Promise<Dirent[]> {
  return readdir(path, { withFileTypes: true });
}

function hasGone(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return code === 'ENOENT' || code === 'ENOTDIR';
}

async function leadsInside(root: string, link: string): Promise<boolean> {
  try {
    return isInside(root, await realpath(link));
  } catch {
    return false; // A link to nowhere is no file.
  }
}

async function statOrUndefined(path: string): Promise<Stats | undefined> {
  try {
    return await stat(path);
  } catch {
    return undefined;
  }
}

/** The name of the folder that holds `file`, or undefined for a file that lies in the media folder itself. */
export function folderName(file: AudioFile): string | undefined {
  const folder = dirname(file.relativePath);
  return folder === '.' ? undefined : basename(folder);
}
