// Writes demo tracks as files, each whole or not at all. Runs in the worker, or wherever there is none.
import { rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DEMO_TRACKS, renderDemoTrack } from './demo-tracks.ts';

export interface WriteOrder {
  readonly dir: string;
  readonly fileNames: readonly string[];
}

/** Renders the named tracks into `dir`, one after the other. A process that dies meanwhile leaves a hidden `.part`, never half a track. */
export async function writeDemoTracks({ dir, fileNames }: WriteOrder): Promise<void> {
  for (const track of DEMO_TRACKS) {
    if (!fileNames.includes(track.fileName)) continue;
    const part = join(dir, `.${track.fileName}.${process.pid}.part`);
    try {
      await writeFile(part, renderDemoTrack(track));
      await rename(part, join(dir, track.fileName));
    } finally {
      await rm(part, { force: true });
    }
  }
}
