import {
  copyFile,
  mkdir,
  readFile,
  rename,
  rm,
  stat,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openFolderCatalogue } from '../../../src/adapters/media/folder-catalogue.ts';
import type {
  FolderCatalogue,
  FolderCatalogueOptions,
} from '../../../src/adapters/media/folder-catalogue.ts';
import { UnreadableMediaDir } from '../../../src/adapters/media/unreadable-media-dir.ts';
import type { Track } from '../../../src/ports/catalogue.ts';
import { KeptLog, MediaFolder, tinyWav } from './media-folder.ts';

let folder: MediaFolder;
let log: KeptLog;
let catalogue: FolderCatalogue | undefined;

beforeEach(async () => {
  folder = await MediaFolder.create();
  log = new KeptLog();
});
afterEach(async () => {
  await catalogue?.stop();
  catalogue = undefined;
  await folder.remove();
});

/** Opened without a watch and without timers: the test says when it scans. */
async function open(options: Partial<FolderCatalogueOptions> = {}): Promise<FolderCatalogue> {
  catalogue = await openFolderCatalogue({
    mediaDir: folder.path,
    log,
    isWatching: false,
    schedule: () => () => undefined,
    ...options,
  });
  return catalogue;
}

const all = (of: FolderCatalogue): readonly Track[] =>
  of.search('', { offset: 0, limit: 1_000 }).tracks;
const titles = (of: FolderCatalogue) => all(of).map((track) => track.title);
const only = (of: FolderCatalogue): Track => {
  const [track, ...others] = all(of);
  if (track === undefined || others.length > 0) throw new Error(`${others.length} others`);
  return track;
};

describe('what is read from a file', () => {
  it.each([
    ['tone.mp3', 'audio/mpeg'],
    ['tone.flac', 'audio/flac'],
    ['tone.ogg', 'audio/ogg'],
    ['tone.opus', 'audio/ogg'],
    ['tone.m4a', 'audio/mp4'],
  ] as const)('%s: title, artist, album, length and type', async (fixture, mimeType) => {
    const path = await folder.put(fixture, fixture);
    const track = only(await open());
    expect(track).toMatchObject({ title: 'Tone', artist: 'Fixture', album: 'Bench', mimeType });
    expect(track.durationMs).toBeGreaterThan(450);
    expect(track.durationMs).toBeLessThan(650);
    expect(track.sizeBytes).toBe((await stat(path)).size);
  });

  it('an mp3 with a picture has it as its cover', async () => {
    await folder.put('tone.mp3', 'tone.mp3');
    const of = await open();
    expect(only(of).hasCover).toBe(true);
    const cover = await of.cover(only(of).id);
    expect(cover?.mimeType).toBe('image/png');
    expect(cover?.bytes.length).toBeGreaterThan(50);
  });

  it('a cover is read once for each state of the file that it is in', async () => {
    const mp3 = await folder.put('tone.mp3', 'a/tone.mp3');
    await folder.write('b/two.wav', tinyWav(2));
    const svg = await folder.write('b/cover.svg', '<svg xmlns="http://www.w3.org/2000/svg"/>');
    const of = await open();
    const covers = () => Promise.all(all(of).map(({ id }) => of.cover(id)));
    const before = await covers();
    expect(before.map((cover) => cover?.mimeType).sort()).toEqual(['image/png', 'image/svg+xml']);
    for (const path of [mp3, svg]) {
      // The same size and time with nothing readable in it: only what is kept can still know what it was.
      const { size, mtime } = await stat(path);
      await writeFile(path, Buffer.alloc(size));
      await utimes(path, mtime, mtime);
    }
    expect(await covers()).toEqual(before);
    for (const path of [mp3, svg]) await utimes(path, new Date(), new Date());
    expect(await covers()).toEqual([undefined, undefined]);
  });

  it('a picture is kept without the rest of the tags that it is in', async () => {
    await folder.put('tone.mp3', 'tone.mp3');
    const of = await open();
    const bytes = (await of.cover(only(of).id))?.bytes;
    expect(bytes?.buffer.byteLength).toBe(bytes?.length);
  });

  it('without tags the title is the file name, the artist the folder, else unknown', async () => {
    await folder.write('Some Band/03 - Long_Road.wav', tinyWav(1));
    await folder.write('loose.wav', tinyWav(2));
    const of = await open();
    expect(all(of).map(({ title, artist }) => [title, artist])).toEqual([
      ['Long Road', 'Some Band'],
      ['loose', 'Unknown artist'],
    ]);
  });

  it('takes the image beside a track as its cover, and no file that only calls itself one', async () => {
    await folder.write('a/one.wav', tinyWav(1));
    await folder.write(
      'a/Cover.SVG',
      '<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>',
    );
    await folder.write('b/two.wav', tinyWav(2));
    await folder.write('b/cover.jpg', '<html>no image</html>');
    const of = await open();
    const [one, two] = all(of);
    expect((await of.cover(one!.id))?.mimeType).toBe('image/svg+xml');
    expect(await of.cover(two!.id)).toBeUndefined();
  });
});

describe('what is passed over', () => {
  it('hidden files, other files, and links that leave the folder; a link inside is followed', async () => {
    const outside = await MediaFolder.create();
    try {
      const secret = await outside.write('secret.wav', tinyWav(9));
      await folder.write('.hidden.wav', tinyWav(1));
      await folder.write('.store/object.wav', tinyWav(2));
      await folder.write('notes.txt', 'no music');
      await symlink(secret, folder.at('leak.wav'));
      await symlink(outside.path, folder.at('leak'));
      await symlink(folder.path, folder.at('loop'));
      await symlink(folder.at('.store/object.wav'), folder.at('inside.wav'));
      expect(titles(await open())).toEqual(['inside']);
    } finally {
      await outside.remove();
    }
  });

  it('a damaged file, which is reported once and not again until it changes', async () => {
    await folder.write('good.wav', tinyWav(1));
    const bad = await folder.write('bad.flac', 'this is no audio at all'.repeat(50));
    await folder.write('empty.mp3', '');
    const of = await open();
    expect(titles(of)).toEqual(['good']);
    const reported = () => log.warnings().map(({ fields }) => fields['path']);
    expect(reported().sort()).toEqual([bad, folder.at('empty.mp3')].sort());
    await of.rescan();
    expect(reported()).toHaveLength(2);
    await folder.write('bad.flac', 'still no audio'.repeat(60));
    await of.rescan();
    expect(reported()).toHaveLength(3);
    await folder.put('tone.flac', 'bad.flac');
    await of.rescan();
    expect(reported()).toHaveLength(3);
    expect(titles(of).sort()).toEqual(['Tone', 'good']);
  });

  it.each(['tone.mp3', 'tone.flac', 'tone.ogg', 'tone.opus', 'tone.m4a', 'tone.wav'] as const)(
    '%s cut anywhere or with broken bytes is a track or a report, never a crash',
    async (fixture) => {
      const whole = await readFile(await folder.put(fixture, `whole-${fixture}`));
      const extension = fixture.slice(fixture.indexOf('.'));
      for (let part = 1; part < 12; part += 1) {
        const at = Math.floor((whole.length * part) / 12);
        await folder.write(`cut-${part}${extension}`, whole.subarray(0, at));
        const broken = Buffer.from(whole);
        broken.fill(0xff, at, at + 40);
        await folder.write(`broken-${part}${extension}`, broken);
      }
      const of = await open();
      expect(all(of).length + log.warnings().length).toBeGreaterThanOrEqual(12);
      for (const track of all(of)) expect(track.durationMs).toBeGreaterThan(0);
    },
  );
});

describe('identity', () => {
  it('a renamed or moved file keeps its id', async () => {
    const path = await folder.put('tone.mp3', 'before.mp3');
    const of = await open();
    const { id } = only(of);
    await mkdir(folder.at('elsewhere'));
    await rename(path, folder.at('elsewhere/after.mp3'));
    await of.rescan();
    expect(only(of).id).toBe(id);
    expect(await of.open(id)).toBeDefined();
  });

  it('two files with the same content are one track, which stays until both are gone', async () => {
    const first = await folder.put('tone.mp3', 'a/one.mp3');
    const second = await folder.put('tone.mp3', 'b/two.mp3');
    const of = await open();
    const { id } = only(of);
    await rm(first);
    await of.rescan();
    expect(only(of).id).toBe(id);
    expect(await of.open(id)).toBeDefined();
    await rm(second);
    await of.rescan();
    expect(all(of)).toEqual([]);
  });

  it('files of one size that differ at their end are two tracks', async () => {
    const bytes = tinyWav(1);
    await folder.write('one.wav', bytes);
    bytes[bytes.length - 1]! ^= 1;
    await folder.write('two.wav', bytes);
    expect(all(await open())).toHaveLength(2);
  });

  it('an edited file is another track, and its old id is known no more', async () => {
    await folder.write('one.wav', tinyWav(1));
    const of = await open();
    const { id } = only(of);
    await folder.write('one.wav', tinyWav(2), new Date('2021-01-01'));
    await of.rescan();
    expect(only(of).id).not.toBe(id);
    expect(of.get(id)).toBeUndefined();
  });
});

describe('changes while running', () => {
  it('takes a file that is being copied only once it has been left alone', async () => {
    let nowMs = Date.parse('2024-05-05T12:00:00Z');
    const of = await open({ nowMs: () => nowMs, settleMs: 2_000 });
    const bytes = tinyWav(1);
    await folder.write('copy.wav', bytes.subarray(0, 2_000), new Date(nowMs));
    await of.rescan();
    expect(all(of)).toEqual([]);
    nowMs += 1_500;
    await folder.write('copy.wav', bytes, new Date(nowMs));
    await of.rescan();
    nowMs += 1_500;
    await of.rescan();
    expect(all(of)).toEqual([]);
    nowMs += 600;
    await of.rescan();
    expect(titles(of)).toEqual(['copy']);
    expect(only(of).sizeBytes).toBe(bytes.length);
    expect(log.warnings()).toEqual([]);
  });

  it('takes a file whose time lies in the future once it has stopped changing', async () => {
    let nowMs = Date.parse('2024-05-05T12:00:00Z');
    const of = await open({ nowMs: () => nowMs, settleMs: 2_000 });
    await folder.write('odd.wav', tinyWav(1), new Date(nowMs + 86_400_000));
    await of.rescan();
    expect(all(of)).toEqual([]);
    nowMs += 2_000;
    await of.rescan();
    expect(titles(of)).toEqual(['odd']);
  });

  it('plans the scan that an unsettled file needs, then the slow one', async () => {
    const delays: number[] = [];
    const nowMs = Date.parse('2024-05-05T12:00:00Z');
    const schedule = (_task: () => void, delayMs: number) => {
      delays.push(delayMs);
      return () => undefined;
    };
    const of = await open({ nowMs: () => nowMs, settleMs: 2_000, rescanMs: 60_000, schedule });
    expect(delays.at(-1)).toBe(60_000);
    await folder.write('copy.wav', tinyWav(1), new Date(nowMs));
    await of.rescan();
    expect(delays.at(-1)).toBe(2_000);
  });

  it('notices a new file, one in a new folder and a removal through the watch alone', async () => {
    const changes: (() => void)[] = [];
    const nextChange = () => new Promise<void>((resolve) => changes.push(resolve));
    const of = await openFolderCatalogue({
      mediaDir: folder.path,
      log,
      settleMs: 0,
      debounceMs: 5,
      rescanMs: 3_600_000,
    });
    catalogue = of;
    of.onChange(() => changes.splice(0).forEach((resolve) => resolve()));
    const until = async (isThere: () => boolean) => {
      while (!isThere()) await nextChange();
    };
    await writeFile(folder.at('one.wav'), tinyWav(1));
    await until(() => titles(of).includes('one'));
    await mkdir(join(folder.path, 'deep/deeper'), { recursive: true });
    await writeFile(folder.at('deep/deeper/two.wav'), tinyWav(2));
    await until(() => titles(of).includes('two'));
    await rm(folder.at('one.wav'));
    await until(() => !titles(of).includes('one'));
    expect(titles(of)).toEqual(['two']);
  });
});

describe('the cache on disk', () => {
  it('spares a restart the reading of every file', async () => {
    const cacheFile = folder.at('.cache/tags.json');
    const path = await folder.put('tone.flac', 'one.flac');
    const before = only(await open({ cacheFile }));
    await catalogue?.stop();
    // The same size and time with nothing readable in it: only the cache can still know what it was.
    const { size, mtime } = await stat(path);
    await writeFile(path, Buffer.alloc(size));
    await utimes(path, mtime, mtime);
    expect(only(await open({ cacheFile }))).toEqual(before);
  });

  it('is not believed about a file that has changed since', async () => {
    const cacheFile = folder.at('.cache/tags.json');
    await folder.put('tone.flac', 'one.flac');
    await open({ cacheFile });
    await catalogue?.stop();
    await folder.write('one.flac', 'no audio', new Date('2022-02-02'));
    expect(all(await open({ cacheFile }))).toEqual([]);
  });

  it('is read as empty when it is damaged, and written anew', async () => {
    const cacheFile = await folder.write(
      '.cache/tags.json',
      '{"version":1,"files":{"one.wav":{"size',
    );
    await folder.write('one.wav', tinyWav(1));
    expect(titles(await open({ cacheFile }))).toEqual(['one']);
    expect(JSON.parse(await readFile(cacheFile, 'utf8'))).toHaveProperty(['files', 'one.wav']);
  });

  it('that cannot be written costs a warning, nothing else', async () => {
    const blocked = await folder.write('blocked', 'a file where a folder should be');
    await folder.write('one.wav', tinyWav(1));
    expect(titles(await open({ cacheFile: join(blocked, 'tags.json') }))).toEqual(['one']);
    expect(log.warnings()).toHaveLength(1);
  });
});

describe('a MEDIA_DIR that cannot be read', () => {
  it.each([
    ['that is not there', 'missing', 'there is no such folder'],
    ['that is a file', 'file.txt', 'it is not a folder'],
  ])('%s is refused with one line that says what to do', async (_, name, reason) => {
    await folder.write('file.txt', 'x');
    const opening = open({ mediaDir: folder.at(name) });
    await expect(opening).rejects.toBeInstanceOf(UnreadableMediaDir);
    await expect(opening).rejects.toThrow(
      `MEDIA_DIR ${folder.at(name)} cannot be read: ${reason}. Set MEDIA_DIR to a folder that this process may read, or unset it for the demo tracks.`,
    );
  });
});

it('opens before a long first scan is through, and tells of the rest as changes', async () => {
  await folder.write('one.wav', tinyWav(1));
  await copyFile(folder.at('one.wav'), folder.at('.keep'));
  const heard = new Promise<void>((resolve) => {
    void open({ firstScanPatienceMs: 1, schedule: (task) => (task(), () => undefined) }).then(
      (of) => {
        expect(all(of)).toEqual([]);
        of.onChange(resolve);
      },
    );
  });
  await heard;
  expect(titles(catalogue!)).toEqual(['one']);
});
