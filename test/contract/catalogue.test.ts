// The catalogue's contract on the real thing: a folder of files.
import { readFile, rm, writeFile } from 'node:fs/promises';
import { openFolderCatalogue } from '../../src/adapters/media/folder-catalogue.ts';
import { wavFile } from '../../src/adapters/media/demo/wav-file.ts';
import { KeptLog, MediaFolder } from '../adapters/media/media-folder.ts';
import { catalogueContract } from './catalogue.contract.ts';

catalogueContract('a folder', async () => {
  const folder = await MediaFolder.create();
  const catalogue = await openFolderCatalogue({
    mediaDir: folder.path,
    log: new KeptLog(),
    settleMs: 0,
    isWatching: false,
    schedule: () => () => undefined,
  });
  const nameOf = (title: string) => `${title}.wav`;
  return {
    catalogue,
    async add({ title, artist, album = '', seed, cover = new Uint8Array() }) {
      const pcm = Int16Array.from({ length: 2_000 }, (_, i) => (i * (seed + 3)) % 997);
      const tags = { title, artist, album, trackNumber: 1, coverPng: cover };
      await folder.write(nameOf(title), wavFile(pcm, 44_100, tags));
      await catalogue.rescan();
    },
    async remove(title) {
      await rm(folder.at(nameOf(title)));
      await catalogue.rescan();
    },
    async overwrite(title) {
      const path = folder.at(nameOf(title));
      const bytes = await readFile(path);
      bytes.fill(1, 100, 200);
      await writeFile(path, bytes);
    },
    async stop() {
      await catalogue.stop();
      await folder.remove();
    },
  };
});
