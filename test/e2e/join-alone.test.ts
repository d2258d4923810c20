// Somebody plays a track outside any room, a friend steps in, and it is a room: a real process, and the SDK on both ends.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RoomId, TrackId } from '../../protocol/ids.ts';
import type { EarshotError } from '../../src/client/client.ts';
import type { FeedItem } from '../../src/client/feed.ts';
import type { EarshotProcess } from '../support/earshot-process.ts';
import { musicProcess } from '../support/music-process.ts';
import { quietWav } from '../support/quiet-wav.ts';
import { befriend, hear, sdkPerson, type SdkPerson } from '../support/sdk-person.ts';

const SECONDS = 120;

describe('what somebody plays alone', () => {
  const cleanUps: (() => unknown)[] = [];
  let earshot: EarshotProcess;
  let trackId: TrackId;

  beforeAll(async () => {
    earshot = await musicProcess(
      { name: 'Quiet.wav', sound: quietWav(SECONDS, 'quiet') },
      cleanUps,
    );
  });

  afterAll(async () => {
    for (const cleanUp of cleanUps.reverse()) await cleanUp();
  });

  async function person(name: string): Promise<SdkPerson> {
    const one = await sdkPerson(earshot.url, name);
    cleanUps.push(() => one.client.close());
    return one;
  }

  const codeOf = (asked: Promise<unknown>): Promise<unknown> =>
    asked.then(
      () => 'ok',
      (error: unknown) => (error as EarshotError).code,
    );

  it('becomes a room with the track where they are when a friend steps in; strangers find nothing', async () => {
    const [ana, ben, cleo] = [await person('Ana'), await person('Ben'), await person('Cleo')];
    await expect
      .poll(async () => {
        const { tracks } = await ana.client.api.tracks('');
        trackId = tracks[0]?.id ?? trackId;
        return trackId;
      })
      .toBeDefined();
    await befriend(ben, ana);

    const begunAtMs = 40_000;
    const saidAt = ana.client.clock.now();
    ana.client.feed.listen({ track: { trackId }, positionMs: begunAtMs, state: 'playing' });
    const shown = (): FeedItem | undefined =>
      ben.client.feed.view.value.items.find(({ user }) => user.id === ana.userId);
    await expect.poll(() => shown()?.join, { timeout: 20_000 }).toBe('solo');
    const { activityId = '', state } = shown() ?? {};
    expect([state, shown()?.room]).toEqual(['playing', undefined]);
    expect(cleo.client.feed.view.value.items).toEqual([]);
    expect(await codeOf(cleo.client.feed.join(activityId, ana.userId))).toBe('not_found');
    expect(ana.signals.filter(({ kind }) => kind === 'joined')).toEqual([]);

    const roomId: RoomId = await ben.client.feed.join(activityId, ana.userId);
    // Asked again, or by somebody else, it is the same one.
    expect(await ben.client.feed.join(activityId, ana.userId)).toBe(roomId);
    await expect
      .poll(() => ana.signals.find(({ kind }) => kind === 'joined'))
      .toMatchObject({
        kind: 'joined',
        activityId,
        roomId,
        user: { id: ben.userId, name: 'Ben' },
      });

    const [theirs, own] = [
      await ben.client.joinRoom({ roomId }),
      await ana.client.joinRoom({ roomId }),
    ];
    ana.client.feed.listen(undefined);
    const { room } = own.view.value;
    expect([room.ownerId, room.name]).toEqual([ana.userId, 'Ana’s room']);
    expect(Object.values(room.queue)).toMatchObject([{ trackId, durationMs: SECONDS * 1_000 }]);
    await expect.poll(() => theirs.anchorNow()?.state).toBe('playing');
    const at = ben.client.clock.now();
    const position = theirs.positionNow();
    if (at === undefined || saidAt === undefined || position === undefined)
      throw new Error('nothing plays');
    // It went on where Ana was: within what the hub needs to hear and say, and never from the beginning.
    expect(Math.abs(position - (begunAtMs + at - saidAt))).toBeLessThan(3_000);
    const { timeline } = theirs.view.value.room.playback;
    for (const anchor of timeline)
      if (anchor.state === 'playing') expect(anchor.positionMs).toBeGreaterThan(begunAtMs);
    // In the feed it is the same play, now in a room that Ben is in.
    await expect
      .poll(
        async () => {
          await hear(own);
          return shown();
        },
        { timeout: 20_000, interval: 1_000 },
      )
      .toMatchObject({ activityId, join: 'room', room: { roomId } });
  });
});
