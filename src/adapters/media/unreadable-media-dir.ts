// Whether MEDIA_DIR can be read, and what to tell the operator when it cannot.
import { access, constants, realpath, stat } from 'node:fs/promises';
import { OperationalError } from '../../ports/operational-error.ts';

/** MEDIA_DIR is no folder that can be read. The message says what to do. */
export class UnreadableMediaDir extends OperationalError {
  override readonly name = 'UnreadableMediaDir';
}

/** The absolute path of `mediaDir`, without links. Rejects with `UnreadableMediaDir`. */
export async function resolveMediaDir(mediaDir: string): Promise<string> {
  const advice =
    'Set MEDIA_DIR to a folder that this process may read, or unset it for the demo tracks.';
  try {
    const root = await realpath(mediaDir);
    if (!(await stat(root)).isDirectory()) throw new Error('it is not a folder');
    await access(root, constants.R_OK | constants.X_OK);
    return root;
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    const reasons: Readonly<Record<string, string>> = {
      ENOENT: 'there is no such folder',
      EACCES: 'permission is denied',
    };
    const told = error instanceof Error ? error.message : String(error);
    const reason = (typeof code === 'string' ? reasons[code] : undefined) ?? told;
    throw new UnreadableMediaDir(`MEDIA_DIR ${mediaDir} cannot be read: ${reason}. ${advice}`, {
      cause: error,
    });
  }
}
