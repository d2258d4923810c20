// A folder of music that is thrown away afterwards, and a real process that plays it. What is begun is ended by the clean-ups that it adds.
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import {
  DEMO_TRACKS,
  METRONOME_TITLE,
  renderDemoTrack,
} from '../../src/adapters/media/demo/demo-tracks.ts';
import { EarshotProcess, temporaryDir } from './earshot-process.ts';

/** As much of a list of them as takes one more. */
interface CleanUps {
  push(cleanUp: () => Promise<unknown>): unknown;
}

export interface Music {
  readonly name: string;
  readonly sound: Buffer;
}

/** By which it is heard how far pages are apart. */
export function metronome(): Music {
  const track = DEMO_TRACKS.find(({ title }) => title === METRONOME_TITLE);
  if (track === undefined) throw new Error('no metronome');
  return { name: 'Metronome.wav', sound: renderDemoTrack(track) };
}

/** @returns the folder with this file in it, and one beside it that holds both */
export async function musicFolder(
  { name, sound }: Music,
  cleanUps: CleanUps,
): Promise<{ readonly dir: string; readonly music: string }> {
  const temporary = await temporaryDir();
  cleanUps.push(() => temporary.remove());
  const { dir } = temporary;
  const music = path.join(dir, 'music');
  await mkdir(music);
  await writeFile(path.join(music, name), sound);
  return { dir, music };
}

/** A process that is alone, with this file to play. */
export async function musicProcess(file: Music, cleanUps: CleanUps): Promise<EarshotProcess> {
  const { dir, music } = await musicFolder(file, cleanUps);
  const earshot = await EarshotProcess.start({
    DATA_DIR: path.join(dir, 'data'),
    MEDIA_DIR: music,
  });
  cleanUps.push(() => earshot.kill());
  return earshot;
}
