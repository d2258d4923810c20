// The embedded database as a process lives and dies with it: one at a time, nothing acknowledged lost, damage told and not made worse.
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { RoomId } from '../../../protocol/ids.ts';
import { DataDirInUse } from '../../../src/adapters/postgres/data-dir-lock.ts';
import { openEmbeddedStores } from '../../../src/adapters/postgres/open-postgres-stores.ts';
import { DataDirDamaged } from '../../../src/adapters/postgres/pglite-server.ts';
import { putEmptyDatabase } from '../../support/empty-database.ts';
import { createdRoom } from '../../support/room-fixtures.ts';
import { SILENT } from '../../support/postgres-stores.ts';
import { endOf } from '../../support/process-end.ts';
import { bundleScript, type Script } from '../../support/script-process.ts';

// Making a database takes long on a machine that is busy with other tests.
vi.setConfig({ testTimeout: 90_000 });

const ENOUGH_LINES = 150;

interface Acknowledged {
  readonly roomId: RoomId;
  readonly revision: number;
  readonly eventId: string;
  readonly chatSeq: number;
}

/** Each file below `directory`, with what is in it. */
function contentsOf(directory: string): Map<string, string> {
  const files = readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath, entry.name));
  return new Map(files.map((file) => [file, readFileSync(file, 'latin1')]));
}

let scratch: string;
let script: Script;

beforeAll(async () => {
  scratch = mkdtempSync(path.join(tmpdir(), 'earshot-embedded-'));
  script = await bundleScript(new URL('../../support/append-forever.ts', import.meta.url));
});

afterAll(() => {
  script.remove();
  rmSync(scratch, { recursive: true, force: true });
});

describe('embedded database', () => {
  const dataDir = (): string => path.join(scratch, 'data');

  it('loses nothing that was acknowledged when its process is killed, and is in use by it until then', async () => {
    const child = script.start(dataDir());
    const ended = endOf(child);
    const acknowledged: Acknowledged[] = [];
    const faults: string[] = [];
    child.stderr.on('data', (data: Buffer) => faults.push(data.toString()));
    const lines = createInterface({ input: child.stdout });
    for await (const line of lines) {
      const [roomId = '', revision, eventId = '', chatSeq] = line.split(' ');
      acknowledged.push({
        roomId: roomId as RoomId,
        revision: Number(revision),
        eventId,
        chatSeq: Number(chatSeq),
      });
      if (acknowledged.length === 1) {
        const second = openEmbeddedStores({ dataDir: dataDir(), log: SILENT });
        await expect(second).rejects.toThrow(DataDirInUse);
        await expect(second).rejects.toThrow(`in use by process ${child.pid ?? 0}`);
      }
      // In the middle of its appends: more are always under way.
      if (acknowledged.length === ENOUGH_LINES) child.kill('SIGKILL');
    }
    // Its output ends while it dies, a moment before it is dead: until then the directory is its own.
    await ended;
    expect(faults.join('')).toBe('');
    expect(acknowledged.length).toBeGreaterThanOrEqual(ENOUGH_LINES);

    const stores = await openEmbeddedStores({ dataDir: dataDir(), log: SILENT });
    for (const roomId of new Set(acknowledged.map((one) => one.roomId))) {
      const read = await stores.roomLog.read(roomId, { epoch: 1, revision: 0 });
      if (read.kind !== 'events') throw new Error('the log of a room is gone');
      const chat = await stores.chatLog.after(roomId, 0, 10_000);
      for (const { revision, eventId, chatSeq } of acknowledged.filter(
        (one) => one.roomId === roomId,
      )) {
        expect(read.events[revision - 1]?.id).toBe(eventId);
        expect(chat.items[chatSeq - 1]?.seq).toBe(chatSeq);
      }
      expect((await stores.roomLog.load(roomId))?.head).toEqual(read.head);
    }
    await stores.stop();
    await stores.stop();
  });

  it('has none of its code freed by V8, which can end the process over it', async () => {
    const dir = path.join(scratch, 'traced');
    await putEmptyDatabase(dir);
    const child = script.startUnder(['--trace-wasm-code-gc'], dir);
    const ended = endOf(child);
    const others: string[] = [];
    child.stderr.on('data', (data: Buffer) => others.push(data.toString()));
    let appended = 0;
    for await (const line of createInterface({ input: child.stdout })) {
      if (/^\S+ \d+ \S+ \d+$/.test(line)) appended += 1;
      else others.push(line);
      if (appended === ENOUGH_LINES) child.kill('SIGKILL');
    }
    await ended;
    // Where V8 is left to it, it begins long before that on each version of Node.
    expect(others).toEqual([]);
    expect(appended).toBeGreaterThanOrEqual(ENOUGH_LINES);
  });

  it('takes over the lock of a process that is no more, also if another has its number now', async () => {
    const lock = path.join(dataDir(), 'earshot.lock');
    for (const left of [
      JSON.stringify({ pid: 2 ** 22 + 1, born: '' }),
      JSON.stringify({ pid: process.pid, born: 'before the last boot' }),
      'cut o',
    ]) {
      writeFileSync(lock, left);
      const stores = await openEmbeddedStores({ dataDir: dataDir(), log: SILENT });
      expect(JSON.parse(readFileSync(lock, 'utf8'))).toMatchObject({ pid: process.pid });
      await stores.stop();
      expect(() => readFileSync(lock)).toThrow();
    }
  });

  it('says what to do about a directory that it cannot open, and leaves it as it is', async () => {
    const damaged = path.join(scratch, 'damaged');
    cpSync(dataDir(), damaged, { recursive: true });
    const control = path.join(damaged, 'postgres', 'global', 'pg_control');
    truncateSync(control, 100);
    const before = readFileSync(control);
    const opening = openEmbeddedStores({ dataDir: damaged, log: SILENT });
    await expect(opening).rejects.toThrow(DataDirDamaged);
    await expect(opening).rejects.toThrow(
      /restore it from a backup, or move .*damaged\/postgres away/,
    );
    expect(readFileSync(control)).toEqual(before);
    expect(() => readFileSync(path.join(damaged, 'earshot.lock'))).toThrow();
  });

  it('does not make a new database over one that has lost the file by which it is known', async () => {
    const beheaded = path.join(scratch, 'beheaded');
    cpSync(dataDir(), beheaded, { recursive: true });
    rmSync(path.join(beheaded, 'postgres', 'PG_VERSION'));
    const before = contentsOf(beheaded);
    const opening = openEmbeddedStores({ dataDir: beheaded, log: SILENT });
    await expect(opening).rejects.toThrow(DataDirDamaged);
    await expect(opening).rejects.toThrow('PG_VERSION');
    expect(contentsOf(beheaded)).toEqual(before);
  });

  it('makes no database in the place of a file or of a link to nowhere', async () => {
    const odd = path.join(scratch, 'odd');
    mkdirSync(odd);
    const place = path.join(odd, 'postgres');
    writeFileSync(place, 'notes');
    const open = () => openEmbeddedStores({ dataDir: odd, log: SILENT });
    await expect(open()).rejects.toThrow(DataDirDamaged);
    expect(readFileSync(place, 'utf8')).toBe('notes');
    rmSync(place);
    symlinkSync(path.join(odd, 'unmounted'), place);
    await expect(open()).rejects.toThrow(DataDirDamaged);
    expect(readlinkSync(place)).toBe(path.join(odd, 'unmounted'));
  });

  it('is copied while it runs, also behind a link, and the copy goes on under new epochs', async () => {
    const real = path.join(scratch, 'elsewhere');
    const linked = path.join(scratch, 'linked');
    await putEmptyDatabase(real);
    symlinkSync(real, linked);
    const stores = await openEmbeddedStores({ dataDir: linked, log: SILENT });
    const room = await createdRoom(stores.roomLog);
    const copy = path.join(scratch, 'copy');
    mkdirSync(copy);
    await stores.copyTo(path.join(copy, 'postgres'));
    const whole = contentsOf(copy);
    expect(whole.size).toBeGreaterThan(100);
    // Nothing is written over, and the database lives on.
    await expect(stores.copyTo(path.join(copy, 'postgres'))).rejects.toThrow(/there already/);
    await expect(stores.copyTo('/dev/null/copy')).rejects.toThrow();
    expect(contentsOf(copy)).toEqual(whole);
    await room.append(stores.roomLog, [room.renamed('later')]);
    await stores.stop();

    const again = await openEmbeddedStores({ dataDir: copy, log: SILENT });
    const loaded = await again.roomLog.load(room.roomId);
    expect(loaded?.head).toMatchObject({ revision: 1 });
    expect(loaded?.head.epoch).toBeGreaterThan(room.head.epoch);
    const { epoch = 0 } = loaded?.head ?? {};
    await again.stop();
    // Once: it is a database like any other now.
    const third = await openEmbeddedStores({ dataDir: copy, log: SILENT });
    expect((await third.roomLog.load(room.roomId))?.head.epoch).toBe(epoch);
    await third.stop();
  });

  it('begins anew where an earlier start died while it made the database', async () => {
    const fresh = path.join(scratch, 'fresh');
    mkdirSync(path.join(fresh, 'postgres'), { recursive: true });
    const half = path.join(fresh, 'postgres.new');
    mkdirSync(path.join(half, 'base'), { recursive: true });
    writeFileSync(path.join(half, 'PG_VERSION'), '18\n');
    const stores = await openEmbeddedStores({ dataDir: fresh, log: SILENT });
    const room = await createdRoom(stores.roomLog);
    expect((await stores.roomLog.load(room.roomId))?.head).toEqual(room.head);
    await stores.stop();
    expect(readdirSync(fresh)).toEqual(['postgres']);
  });

  it('commits the neighbours of an append that the database refuses', async () => {
    const stores = await openEmbeddedStores({ dataDir: dataDir(), log: SILENT });
    const rooms = await Promise.all([1, 2, 3].map(() => createdRoom(stores.roomLog)));
    const results = await Promise.allSettled(
      rooms.map((room, i) =>
        // No text of Postgres holds a NUL.
        room.append(stores.roomLog, [room.renamed(i === 1 ? 'nul \u0000' : 'fine')]),
      ),
    );
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    const revisions = await Promise.all(
      rooms.map(async (room) => (await stores.roomLog.load(room.roomId))?.head.revision),
    );
    expect(revisions).toEqual([2, 1, 2]);
    await stores.stop();
  });

  it('keeps its small facts', async () => {
    const stores = await openEmbeddedStores({ dataDir: dataDir(), log: SILENT });
    expect(stores.version).toMatch(/^PostgreSQL \d+\S* \(PGlite /);
    expect(await stores.kv.get('secret')).toBeUndefined();
    await stores.kv.set('secret', 'a "b" ?');
    await stores.kv.set('list', [1, null, { a: true }]);
    await stores.stop();
    const again = await openEmbeddedStores({ dataDir: dataDir(), log: SILENT });
    expect(await again.kv.get('secret')).toBe('a "b" ?');
    expect(await again.kv.get('list')).toEqual([1, null, { a: true }]);
    await again.stop();
  });
});
