// What the catalogue does about files and folders that cannot be read for a while: says so once, and takes them when they can.
import { chmod, rename } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  openFolderCatalogue,
  type FolderCatalogue,
} from '../../../src/adapters/media/folder-catalogue.ts';
import { KeptLog, MediaFolder, tinyWav, unprivileged } from './media-folder.ts';

let folder: MediaFolder;
let log: KeptLog;
let catalogue: FolderCatalogue | undefined;

beforeEach(async () => {
  folder = await MediaFolder.create();
  await chmod(folder.path, 0o755);
  log = new KeptLog();
});
afterEach(async () => {
  await catalogue?.stop();
  await folder.remove();
});

/** Opened without a watch and without timers: the test says when it scans. */
async function open(): Promise<FolderCatalogue> {
  catalogue = await openFolderCatalogue({
    mediaDir: folder.path,
    log,
    isWatching: false,
    schedule: () => () => undefined,
  });
  return catalogue;
}

const titles = (of: FolderCatalogue) =>
  of.search('', { offset: 0, limit: 1_000 }).tracks.map((track) => track.title);

describe('what cannot be read', () => {
  it('keeps what it knows while the folder is away, and says so', async () => {
    await folder.write('one.wav', tinyWav(1));
    const of = await open();
    await rename(folder.path, `${folder.path}.away`);
    await of.rescan();
    expect(titles(of)).toEqual(['one']);
    expect(log.warnings()).toHaveLength(1);
    await rename(`${folder.path}.away`, folder.path);
    await of.rescan();
    expect(titles(of)).toEqual(['one']);
  });

  it('a file that may not be read is told of once, and taken as soon as it may, unchanged as it is', async () => {
    await folder.write('one.wav', tinyWav(1));
    const closed = await folder.write('two.wav', tinyWav(2));
    await chmod(closed, 0o000);
    const of = await unprivileged(async () => {
      const opened = await open();
      await opened.rescan();
      return opened;
    });
    expect(titles(of)).toEqual(['one']);
    expect(log.warnings().map(({ fields }) => fields['path'])).toEqual([closed]);
    await chmod(closed, 0o644);
    await unprivileged(() => of.rescan());
    expect(titles(of)).toEqual(['one', 'two']);
    expect(log.warnings()).toHaveLength(1);
  });

  it('a folder that may not be read for a while keeps its tracks, and is told of once', async () => {
    await folder.write('one.wav', tinyWav(1));
    await folder.write('deep/er/two.wav', tinyWav(2));
    const of = await unprivileged(open);
    const known = titles(of);
    expect(known).toHaveLength(2);
    await chmod(folder.at('deep'), 0o000);
    await unprivileged(async () => {
      await of.rescan();
      await of.rescan();
    });
    expect(titles(of)).toEqual(known);
    expect(log.warnings().map(({ fields }) => fields['path'])).toEqual([folder.at('deep')]);
    await chmod(folder.at('deep'), 0o755);
    await unprivileged(() => of.rescan());
    expect(titles(of)).toEqual(known);
    expect(log.warnings()).toHaveLength(1);
    await chmod(folder.at('deep'), 0o000);
    await unprivileged(() => of.rescan());
    expect(log.warnings()).toHaveLength(2);
  });
});
