// A backup made under load; everything destroyed; the backup put in its place: what was acknowledged before it is there, for the same people.
import { execFile } from 'node:child_process';
import { cp, readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterEach, describe, expect, it } from 'vitest';
import { EarshotProcess, temporaryDir } from '../support/earshot-process.ts';
import { operatorToken } from '../support/signed-token.ts';
import { WireClient, chatOf, guestToken, type GuestToken } from '../support/wire-client.ts';

const ROOMS = 5;
/** The process makes its own secret, which is in the backup; the operator's token is of a login. */
const JWT_SECRET = 'Zk3vQ9rT1xW7yB5nM8cL2pH6jD4gF0sA';

const cleanUps: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

/** Somebody who talks in a room of their own as fast as they are answered. */
class Talker {
  readonly guest: GuestToken;
  readonly roomId: string;
  readonly #client: WireClient;
  #said = 0;
  /** What was being said when the hub went: it may be there or not. */
  unanswered = '';
  /** Texts that were acknowledged, by their numbers. */
  readonly acknowledged = new Map<number, string>();
  readonly over: Promise<void>;

  private constructor(guest: GuestToken, client: WireClient, roomId: string) {
    this.guest = guest;
    this.roomId = roomId;
    this.#client = client;
    this.over = this.#talk();
  }

  static async start(url: string, name: string): Promise<Talker> {
    const guest = await guestToken(url, name);
    const client = await WireClient.enter(url, guest);
    const made = await client.ask('room.create', { name });
    return new Talker(guest, client, String(made?.['roomId']));
  }

  async #talk(): Promise<void> {
    const { roomId } = this;
    for (;;) {
      this.#said += 1;
      const text = `text ${this.#said}`;
      this.unanswered = text;
      const reply = await this.#client.ask('chat.send', { roomId, text });
      if (reply?.type !== 'ok') return;
      this.acknowledged.set(Number(reply['seq']), text);
    }
  }
}

describe('a backup of the embedded database', () => {
  it('made under load brings everything back that was acknowledged before it', async () => {
    const temporary = await temporaryDir();
    cleanUps.push(() => temporary.remove());
    const { dir } = temporary;
    const dataDir = path.join(dir, 'data');
    const backupDir = path.join(dir, 'backups');
    const env = {
      ...{ DATA_DIR: dataDir, BACKUP_DIR: backupDir, BACKUP_HOURS: '0', JWT_SECRET },
      ...{ REQUESTS_PER_SECOND: '100000', REQUEST_BURST: '100000' },
      ...{ USER_REQUESTS_PER_SECOND: '100000', USER_REQUEST_BURST: '100000' },
      ...{ ROOM_BURST: '100000', ADDRESS_ROOM_BURST: '100000' },
    };
    const earshot = await EarshotProcess.start(env);
    cleanUps.push(() => earshot.kill());
    const talkers = await Promise.all(
      Array.from({ length: ROOMS }, (_, i) => Talker.start(earshot.url, `Room ${i}`)),
    );
    const fewest = () => Math.min(...talkers.map(({ acknowledged }) => acknowledged.size));
    await expect.poll(fewest).toBeGreaterThan(20);

    const before = talkers.map(({ acknowledged }) => new Map(acknowledged));
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ['dist/src/operator.js', 'backup', '--json'],
      { env: { EARSHOT_URL: earshot.url, OPERATOR_TOKEN: await operatorToken(JWT_SECRET) } },
    );
    const { name, bytes } = JSON.parse(stdout) as { name: string; bytes: number };
    expect(bytes).toBeGreaterThan(1_000_000);
    const after = fewest();
    await expect.poll(fewest).toBeGreaterThan(after + 10);

    await earshot.kill();
    await Promise.all(talkers.map(({ over }) => over));
    await rm(dataDir, { recursive: true });
    expect(await readdir(backupDir)).toEqual([name]);
    await cp(path.join(backupDir, name), dataDir, { recursive: true });

    const again = await EarshotProcess.start(env);
    cleanUps.push(() => again.kill());
    for (const [i, talker] of talkers.entries()) {
      const client = await WireClient.enter(again.url, talker.guest);
      // Somebody may hold more than the backup has, and under the same numbers: they are given the whole, under another epoch.
      const since = { epoch: 1, revision: 1, chat: talker.acknowledged.size };
      const joined = await client.ask('room.join', { roomId: talker.roomId, since });
      expect(joined).toMatchObject({ type: 'ok', snapshot: { room: { name: `Room ${i}` } } });
      expect((joined?.['snapshot'] as { epoch: number }).epoch).toBeGreaterThan(1);
      const kept = await chatOf(client, talker.roomId);
      expect(kept.size).toBeGreaterThanOrEqual(before[i]?.size ?? Infinity);
      // In one piece: the first so many that were acknowledged, and nothing that was not.
      expect([...kept.keys()].sort((a, b) => a - b)).toEqual(
        Array.from({ length: kept.size }, (_, n) => n + 1),
      );
      for (const [seq, text] of kept)
        expect([talker.acknowledged.get(seq), talker.unanswered]).toContain(text);
      // And it goes on.
      const next = await client.ask('chat.send', { roomId: talker.roomId, text: 'again' });
      expect(next).toMatchObject({ type: 'ok' });
    }
  });
});
