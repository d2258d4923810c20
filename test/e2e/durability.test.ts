// What was acknowledged survives `kill -9`, and the room comes back as its people left it.
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { PublicRoom } from '../../protocol/schemas/room.ts';
import { anchorAt, hasTrack, positionAt } from '../../protocol/schemas/playback.ts';
import { quietWav } from '../support/quiet-wav.ts';
import { EarshotProcess, temporaryDir } from '../support/earshot-process.ts';
import { WireClient, guestToken, type GuestToken } from '../support/wire-client.ts';
import type { Message } from '../support/hub-world.ts';

const cleanUps: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

async function start(dir: string, env: Record<string, string> = {}): Promise<EarshotProcess> {
  const earshot = await EarshotProcess.start({
    DATA_DIR: path.join(dir, 'data'),
    MEDIA_DIR: await musicIn(dir),
    REQUESTS_PER_SECOND: '100000',
    REQUEST_BURST: '100000',
    USER_REQUESTS_PER_SECOND: '100000',
    USER_REQUEST_BURST: '100000',
    ROOM_BURST: '100000',
    ADDRESS_ROOM_BURST: '100000',
    ...env,
  });
  cleanUps.push(() => earshot.kill());
  return earshot;
}

/** Two quiet minutes, twice: enough to be in the middle of. */
async function musicIn(dir: string): Promise<string> {
  const music = path.join(dir, 'music');
  await mkdir(music, { recursive: true });
  for (const name of ['One', 'Two'])
    await writeFile(path.join(music, `${name}.wav`), quietWav(120, name));
  return music;
}

async function dataDir(): Promise<string> {
  const temporary = await temporaryDir();
  cleanUps.push(() => temporary.remove());
  return temporary.dir;
}

async function someTracks(
  url: string,
  guest: GuestToken,
  count: number,
): Promise<{ id: string; durationMs: number }[]> {
  for (;;) {
    const response = await fetch(`${url}/v1/tracks`, {
      headers: { authorization: `Bearer ${guest.token}` },
    });
    const { tracks } = (await response.json()) as { tracks: { id: string; durationMs: number }[] };
    if (tracks.length >= count) return tracks;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

function roomOf(reply: Message | undefined): PublicRoom {
  return (reply as unknown as { snapshot: { room: PublicRoom } }).snapshot.room;
}

describe('an Earshot on its own', () => {
  it('loses nothing acknowledged when it is killed in the middle of load', async () => {
    const dir = await dataDir();
    let earshot = await start(dir);
    const guests = await Promise.all(
      Array.from({ length: 8 }, (_, n) => guestToken(earshot.url, `Guest ${n}`)),
    );
    const [first] = guests as [GuestToken];
    const [track] = (await someTracks(earshot.url, first, 1)) as [
      { id: string; durationMs: number },
    ];
    const clients = await Promise.all(guests.map((guest) => WireClient.enter(earshot.url, guest)));
    const rooms: { roomId: string; entries: string[]; chat: Map<number, string> }[] = [];
    for (const [n, client] of clients.entries()) {
      // Two people a room, so that commands of several meet in one batch.
      if (n % 2 === 0) {
        const created = await client.ask('room.create', { name: `Room ${n}` });
        rooms.push({ roomId: created?.['roomId'] as string, entries: [], chat: new Map() });
      } else {
        await client.ask('room.join', { roomId: rooms.at(-1)?.roomId });
      }
    }
    let acknowledged = 0;
    const load = clients.map(async (client, n) => {
      const room = rooms[Math.floor(n / 2)]!;
      for (let i = 0; client.closed === undefined; i += 1) {
        const added = await client.ask('queue.add', {
          roomId: room.roomId,
          trackIds: [track.id],
          key: `${n}-${i}`,
        });
        if (added?.type === 'ok') {
          room.entries.push(...(added['entryIds'] as string[]));
          acknowledged += 1;
        }
        const text = `message ${n}-${i}`;
        const said = await client.ask('chat.send', { roomId: room.roomId, text });
        if (said?.type === 'ok') room.chat.set(said['seq'] as number, text);
        // Entries are taken away again so that the queue never fills: its undo and ranks are exercised as well.
        if (i % 3 === 2) {
          const gone = room.entries.shift();
          const removed = await client.ask('queue.remove', {
            roomId: room.roomId,
            entryIds: [gone],
          });
          // Whether a removal that was not acknowledged took effect is open: either is right.
          if (removed === undefined) room.entries = room.entries.filter((id) => id !== gone);
        }
      }
    });
    // However fast the machine: enough of it is on its way when the end comes.
    while (acknowledged < 150) await new Promise((resolve) => setTimeout(resolve, 50));
    await earshot.kill();
    await Promise.all(load);

    earshot = await start(dir);
    for (const [n, room] of rooms.entries()) {
      const client = await WireClient.enter(earshot.url, guests[n * 2]!);
      const reply = await client.ask('room.join', { roomId: room.roomId });
      const held = new Set(Object.keys(roomOf(reply).queue));
      expect(room.entries.filter((id) => !held.has(id))).toEqual([]);
      const { lastSeq } = (reply as unknown as { chat: { lastSeq: number } }).chat;
      const said = new Map<number, string>();
      for (let before = lastSeq + 1; before > 1;) {
        const page = (await client.ask('chat.history', {
          roomId: room.roomId,
          before,
          limit: 100,
        })) as unknown as {
          items: { seq: number; text: string }[];
        };
        for (const { seq, text } of page.items) said.set(seq, text);
        before = page.items[0]?.seq ?? 0;
      }
      expect(said.size).toBe(lastSeq);
      for (const [seq, text] of room.chat) expect(said.get(seq)).toBe(text);
    }
  });

  it('plays on for people who come back in the grace, and pauses where it was for nobody', async () => {
    const dir = await dataDir();
    let earshot = await start(dir, { PRESENCE_GRACE_MS: '4000' });
    const [ana, ben] = await Promise.all([
      guestToken(earshot.url, 'Ana'),
      guestToken(earshot.url, 'Ben'),
    ]);
    const tracks = await someTracks(earshot.url, ana, 2);
    const made: { guest: GuestToken; roomId: string }[] = [];
    for (const guest of [ana, ben]) {
      const client = await WireClient.enter(earshot.url, guest);
      const roomId = (await client.ask('room.create', { name: guest.user.name }))?.[
        'roomId'
      ] as string;
      await client.ask('queue.add', { roomId, trackIds: tracks.slice(0, 2).map(({ id }) => id) });
      await client.ask('playback.play', { roomId });
      made.push({ guest, roomId });
    }
    const [staying, leaving] = made as [(typeof made)[0], (typeof made)[0]];
    await new Promise((resolve) => setTimeout(resolve, 4_500));
    await earshot.kill();
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    earshot = await start(dir, { PRESENCE_GRACE_MS: '4000' });
    const back = await WireClient.enter(earshot.url, staying.guest);
    const heard = roomOf(await back.ask('room.join', { roomId: staying.roomId }));
    await new Promise((resolve) => setTimeout(resolve, 6_000));
    expect(
      back.pushes
        .flatMap((push) => (push['revisions'] ?? []) as { event: { type: string } }[])
        .map(({ event }) => event.type),
    ).not.toContain('SessionEnded');
    // An Earshot on its own takes its hub time from the wall clock at start.
    expect(anchorAt(heard.playback.timeline, Date.now())).toMatchObject({ state: 'playing' });
    const late = await WireClient.enter(earshot.url, leaving.guest);
    const left = roomOf(await late.ask('room.join', { roomId: leaving.roomId }));
    const anchor = anchorAt(left.playback.timeline, Infinity);
    expect(anchor).toMatchObject({ state: 'paused' });
    // It was heard for about three seconds (a gate, then music) before the crash: not for the seconds that nobody was there.
    expect(hasTrack(anchor) && positionAt(anchor, Infinity)).toBeGreaterThan(0);
    expect(hasTrack(anchor) && positionAt(anchor, Infinity)).toBeLessThan(5_500);
  });
});
