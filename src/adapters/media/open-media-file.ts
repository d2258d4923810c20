// The bytes of one audio file as a stream, pulled from disk at the reader's pace. Knows a path and a stamp, nothing of tracks.
import { open, stat } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import type { ByteRange, MediaFile } from '../../ports/catalogue.ts';
import { isSameStamp, stampOf } from './folder-walk.ts';
import type { FileStamp } from './folder-walk.ts';

const CHUNK_BYTES = 64 * 1024;

/** The file was edited, replaced or cut since it was opened; what has been sent of it does not go with what would follow. */
export class MediaFileChanged extends Error {
  override readonly name = 'MediaFileChanged';
}

export interface KnownFile extends FileStamp {
  readonly path: string;
  readonly id: string;
  readonly mimeType: string;
}

/** The file as it was known, or undefined where it has gone, cannot be read or is not that file any more. */
export async function openMediaFile(known: KnownFile): Promise<MediaFile | undefined> {
  try {
    if (!isSameStamp(known, stampOf(await stat(known.path)))) return undefined;
  } catch {
    return undefined;
  }
  const modified = Math.trunc(known.modifiedMs).toString(36);
  return {
    mimeType: known.mimeType,
    sizeBytes: known.sizeBytes,
    etag: `"${known.id}-${known.sizeBytes.toString(36)}-${modified}"`,
    lastModified: new Date(known.modifiedMs),
    read: (range) => readRange(known, range),
  };
}

/** Opens the file at the first read, so that a stream which nobody reads (a HEAD, a client that left) holds nothing open. */
function readRange(known: KnownFile, range: ByteRange): ReadableStream<Uint8Array> {
  let handle: FileHandle | undefined;
  let position = range.start;
  const close = async () => {
    const closing = handle;
    handle = undefined;
    await closing?.close();
  };
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          handle ??= await open(known.path);
          const wanted = Math.min(CHUNK_BYTES, range.end - position + 1);
          // Not from the pool: a slow reader would keep a whole slab alive for a part of it.
          const chunk = Buffer.allocUnsafeSlow(wanted);
          const { bytesRead } = await handle.read(chunk, 0, wanted, position);
          // After the read: an edit that came before it shows in the stamp, so no byte of a changed file gets out.
          if (bytesRead !== wanted || !isSameStamp(known, stampOf(await handle.stat()))) {
            throw new MediaFileChanged(`${known.path} has changed while it was being read`);
          }
          position += bytesRead;
          if (position > range.end) await close();
          controller.enqueue(chunk);
          if (position > range.end) controller.close();
        } catch (error) {
          await close();
          controller.error(error);
        }
      },
      cancel: close,
    },
    { highWaterMark: 0 },
  );
}
