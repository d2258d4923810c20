import { describe, expect, it } from 'vitest';
import { Player } from '../../src/client/player.ts';
import { PlayerWorld } from './player-fakes.ts';
import { unlocked } from './player-unlocked.ts';

/** How far what is heard is from what the room wants, ms: positive is ahead. */
function errorOf(world: PlayerWorld, wantedMs: number): number {
  const [heard] = world.heard();
  return heard === undefined ? NaN : heard.positionMs - wantedMs;
}

describe('Player, starting', () => {
  it('makes the first sample heard at the planned moment, not before and not later', async () => {
    const { world } = await unlocked();
    const at = world.hubNow + 600;
    world.show([world.anchor('a', 0, at)]);
    await world.settle();
    await world.pass(599);
    expect(world.heard()).toEqual([]);
    await world.pass(2);
    expect(world.heard()[0]?.trackId).toBe('t-a');
    expect(errorOf(world, world.hubNow - at)).toBeCloseTo(0, 0);
    expect(world.heard()[0]?.level).toBe(1);
  });

  it('joins a room that plays at the place that the room has reached, with a fade', async () => {
    const { world } = await unlocked();
    const at = world.hubNow - 20_000;
    world.show([world.anchor('a', 1_000, at)]);
    await world.settle();
    await world.pass(260);
    expect(Math.abs(errorOf(world, 1_000 + world.hubNow - at))).toBeLessThan(0.5);
    const first = world.context.sources[0]!;
    expect(first.gain?.gain.valueAt(first.startSec)).toBe(0);
    expect(first.gain?.gain.valueAt(first.startSec + 0.008)).toBe(1);
  });

  it('moves a planned start when the gate lets it begin earlier', async () => {
    const { world } = await unlocked();
    const deadline = world.hubNow + 1_500;
    world.show([world.anchor('a', 0, deadline)]);
    await world.pass(300);
    const at = world.hubNow + 400;
    world.show([world.anchor('a', 0, at)]);
    await world.pass(399);
    expect(world.heard()).toEqual([]);
    await world.pass(50);
    expect(Math.abs(errorOf(world, world.hubNow - at))).toBeLessThan(0.5);
    expect(world.heard()).toHaveLength(1);
  });

  it('is silent until a press, and says so, but loads and tells that it is ready', async () => {
    const world = new PlayerWorld();
    world.show([world.anchor('a', 0, world.hubNow - 1_000)], ['b', 'c', 'd']);
    const player = new Player({ client: world.client, room: world.room, platform: world.platform });
    await world.pass(600);
    expect(player.state.value.mode).toBe('locked');
    expect(world.heard()).toEqual([]);
    expect(world.ready.map(({ entryId }) => entryId)).toEqual(['a', 'b', 'c']);
    expect(world.reports).toEqual([]);
    await player.unlock();
    await world.pass(1_000);
    expect(player.state.value).toMatchObject({ mode: 'following', playing: true });
    expect(Math.abs(player.state.value.errorMs ?? NaN)).toBeLessThan(0.5);
  });

  it('stays locked when the browser refuses the press', async () => {
    const world = new PlayerWorld();
    world.context.refusesResume = true;
    const player = new Player({ client: world.client, room: world.room, platform: world.platform });
    await expect(player.unlock()).rejects.toThrow('not allowed');
    expect(player.state.value.mode).toBe('locked');
  });

  it('sends sound earlier by the nudge', async () => {
    const { world, player } = await unlocked();
    player.setNudge(40);
    const at = world.hubNow + 600;
    world.show([world.anchor('a', 0, at)]);
    await world.pass(600);
    expect(errorOf(world, world.hubNow - at)).toBeCloseTo(40, 0);
  });
});

describe('Player, following the timeline', () => {
  it('falls silent at the planned moment of a pause', async () => {
    const { world } = await unlocked();
    const at = world.hubNow + 300;
    world.show([world.anchor('a', 0, at)]);
    await world.pass(2_000);
    const stopAt = world.hubNow + 500;
    world.show([world.anchor('a', 0, at), world.anchor('a', stopAt - at, stopAt, 'paused')]);
    await world.pass(499);
    expect(world.heard()[0]?.level).toBe(1);
    await world.pass(12);
    expect(world.heard()).toEqual([]);
  });

  it('seeks at the planned moment: the old place until then, the new one after', async () => {
    const { world } = await unlocked();
    const at = world.hubNow + 300;
    world.show([world.anchor('a', 0, at)]);
    await world.pass(2_000);
    const seekAt = world.hubNow + 400;
    world.show([world.anchor('a', 0, at), world.anchor('a', 30_000, seekAt)]);
    await world.pass(395);
    expect(Math.abs(errorOf(world, world.hubNow - at))).toBeLessThan(0.5);
    await world.pass(20);
    expect(world.heard()).toHaveLength(1);
    expect(Math.abs(errorOf(world, 30_000 + world.hubNow - seekAt))).toBeLessThan(0.5);
  });

  it.each([
    ['a fraction of a ms shorter', -0.4],
    ['a fraction of a ms longer', 0.4],
    ['shorter by what another decoder leaves out', -26],
  ])(
    'begins the next track with the last sample of one that is %s than it was said to be',
    async (_, differsMs) => {
      const { world } = await unlocked();
      world.decodedMsOf = () => world.durationMs + differsMs;
      const at = world.hubNow + 600;
      world.show([world.anchor('a', 58_000, at), world.anchor('b', 0, at + 2_000)]);
      await world.settle();
      await world.pass(2_100);
      const [a, b] = world.context.sources;
      const endSec = (a?.startSec ?? NaN) + 2 + differsMs / 1_000;
      const startSec = (b?.startSec ?? NaN) - (b?.offsetSec ?? NaN);
      expect(b?.buffer?.trackId).toBe('t-b');
      expect(startSec).toBeCloseTo(endSec, 7);
      // On a whole frame, and nothing stops the first one before its last sample.
      expect(((b?.startSec ?? NaN) * 48_000) % 1).toBeCloseTo(0, 3);
      expect(a?.stopSec).toBeGreaterThan(endSec);
    },
  );

  it('crosses a boundary on the sample, also when the page is frozen', async () => {
    const { world } = await unlocked((w) => (w.context.skewPpm = 80));
    const at = world.hubNow - 50_000;
    world.show([world.anchor('a', 0, at), world.anchor('b', 0, at + world.durationMs)]);
    await world.pass(3_000);
    const [first, second] = world.context.sources.filter((source) => !source.finished);
    const endSec = first!.startSec + 70;
    let lastSec = first!.startSec;
    for (let sec = lastSec; sec < endSec; sec += 0.0001) {
      if (first!.positionMsAt(sec) !== undefined) lastSec = sec;
    }
    expect(Math.abs(second!.startSec - lastSec)).toBeLessThan(0.0003);
    expect(second!.gain?.gain.valueAt(second!.startSec)).toBe(1);
    await world.pass(10_000, true);
    expect(world.heard().map(({ trackId }) => trackId)).toEqual(['t-b']);
    expect(Math.abs(errorOf(world, world.hubNow - at - world.durationMs))).toBeLessThan(2);
  });

  it('keeps one voice when an anchor only says again what is known', async () => {
    const { world } = await unlocked();
    const at = world.hubNow + 300;
    world.show([world.anchor('a', 0, at)]);
    await world.pass(5_000);
    world.show([world.anchor('a', 4_000, at + 4_000)]);
    await world.pass(1_000);
    expect(world.context.sources).toHaveLength(1);
  });

  it('falls silent when the room empties', async () => {
    const { world, player } = await unlocked();
    world.show([world.anchor('a', 0, world.hubNow - 5_000)]);
    await world.pass(1_000);
    world.show([{ state: 'stopped', positionMs: 0, at: world.hubNow }]);
    await world.pass(300);
    expect(world.heard()).toEqual([]);
    expect(player.state.value.playing).toBe(false);
    expect(player.state.value).not.toHaveProperty('errorMs');
  });
});

describe('Player, correcting', () => {
  it('follows hub time on a crystal that is 80 ppm fast, to less than a millisecond', async () => {
    const { world } = await unlocked((w) => (w.context.skewPpm = 80));
    const at = world.hubNow + 300;
    world.show([world.anchor('a', 0, at)]);
    await world.pass(20_000);
    expect(Math.abs(errorOf(world, world.hubNow - at))).toBeLessThan(1);
  });

  it('follows a hub whose time runs 100 ppm faster, however long the track plays', async () => {
    const { world } = await unlocked((w) => {
      w.hubPpm = 100;
      w.clockStatus.set({ ...w.clockStatus.value, skewPpm: 100 });
    });
    const at = world.hubNow + 300;
    world.show([world.anchor('a', 0, at), world.anchor('b', 0, at + world.durationMs)]);
    await world.pass(55_000);
    expect(Math.abs(errorOf(world, world.hubNow - at))).toBeLessThan(1);
    // The boundary is no cut: the track ends by itself.
    const [ending] = world.context.sources;
    const next = world.context.sources.at(-1);
    expect(next!.buffer?.trackId).toBe('t-b');
    // Its samples have run out before it is stopped.
    expect(next!.startSec).toBeCloseTo(ending!.stopSec - 0.1, 3);
    expect(ending!.gain?.gain.valueAt(next!.startSec)).toBe(1);
  });

  it('closes 20 ms by the rate alone, never beyond half a per cent', async () => {
    const { world } = await unlocked();
    const at = world.hubNow + 300;
    world.show([world.anchor('a', 0, at)]);
    await world.pass(3_000);
    world.offsetMs += 20;
    await world.pass(12_000);
    expect(world.context.sources).toHaveLength(1);
    const rates = world.context.sources[0]!.playbackRate.events.map(({ value }) => value);
    expect(Math.max(...rates)).toBeGreaterThan(1.002);
    expect(Math.max(...rates)).toBeLessThanOrEqual(1.00521);
    expect(Math.abs(errorOf(world, world.hubNow - at))).toBeLessThan(3);
  });

  it('ends a correction by itself when the page freezes in the middle of it', async () => {
    const { world } = await unlocked();
    world.show([world.anchor('a', 0, world.hubNow + 300)]);
    await world.pass(3_000);
    world.offsetMs += 35;
    await world.pass(2_500);
    const source = world.context.sources[0]!;
    const sec = world.context.currentTime;
    expect(source.playbackRate.valueAt(sec)).toBeGreaterThan(1.002);
    expect(Math.abs(source.playbackRate.valueAt(sec + 5) - 1)).toBeLessThan(0.0004);
  });

  it('mends 80 ms by one cross-faded jump', async () => {
    const { world } = await unlocked();
    const at = world.hubNow + 300;
    world.show([world.anchor('a', 0, at)]);
    await world.pass(3_000);
    world.offsetMs += 80;
    await world.pass(3_000);
    expect(world.context.sources).toHaveLength(2);
    const [before, after] = world.context.sources;
    expect(after!.gain?.gain.valueAt(after!.startSec + 0.0075)).toBeCloseTo(0.5, 1);
    expect(before!.gain?.gain.valueAt(after!.startSec + 0.0075)).toBeCloseTo(0.5, 1);
    expect(Math.abs(errorOf(world, world.hubNow - at))).toBeLessThan(1);
  });

  it('goes at once where a proven step of the clock says', async () => {
    const { world } = await unlocked();
    const at = world.hubNow + 300;
    world.show([world.anchor('a', 0, at)]);
    await world.pass(3_000);
    world.offsetMs += 25;
    world.clockStatus.set({ ...world.clockStatus.value, resets: 1 });
    await world.pass(250);
    expect(Math.abs(errorOf(world, world.hubNow - at))).toBeLessThan(1);
  });

  it('comes back in step after the context was suspended', async () => {
    const { world, player } = await unlocked();
    const at = world.hubNow + 300;
    world.show([world.anchor('a', 0, at)]);
    await world.pass(3_000);
    world.context.refusesResume = true;
    world.context.setState('suspended');
    await world.pass(4_000);
    expect(player.state.value).not.toHaveProperty('errorMs');
    world.context.refusesResume = false;
    await world.pass(1_500);
    expect(world.context.state).toBe('running');
    expect(Math.abs(errorOf(world, world.hubNow - at))).toBeLessThan(1);
  });

  it('works without time stamps of the output, by the latency that is told', async () => {
    const { world } = await unlocked((w) => delete w.context.getOutputTimestamp);
    const at = world.hubNow + 600;
    world.show([world.anchor('a', 0, at)]);
    await world.pass(3_000);
    expect(Math.abs(errorOf(world, world.hubNow - at))).toBeLessThan(1);
  });
});

describe('Player, on its own', () => {
  it('pauses for itself, listens back, and returns to the room with one call', async () => {
    const { world, player } = await unlocked();
    const at = world.hubNow - 20_000;
    world.show([world.anchor('a', 0, at)]);
    await world.pass(1_000);
    player.detach();
    const left = world.hubNow - at;
    await world.pass(3_000);
    expect(world.heard()).toEqual([]);
    expect(player.state.value).toMatchObject({ mode: 'detached', playing: false });
    expect(player.state.value.positionMs).toBeCloseTo(left, -1);

    player.seekSelf(5_000);
    player.playSelf();
    await world.pass(1_000);
    expect(world.heard()[0]?.positionMs).toBeCloseTo(5_880, 0);
    expect(world.reports.at(-1)?.state).toBe('detached');

    player.live();
    await world.pass(300);
    expect(player.state.value.mode).toBe('following');
    expect(world.heard()).toHaveLength(1);
    expect(Math.abs(errorOf(world, world.hubNow - at))).toBeLessThan(0.5);
  });

  it('is not moved by the room while it listens on its own', async () => {
    const { world, player } = await unlocked();
    const at = world.hubNow - 20_000;
    world.show([world.anchor('a', 0, at)]);
    await world.pass(1_000);
    player.seekSelf(1_000);
    await world.pass(1_000);
    world.show([world.anchor('b', 0, world.hubNow)]);
    await world.pass(1_000);
    expect(world.heard().map(({ trackId }) => trackId)).toEqual(['t-a']);
  });

  it('begins its track anew when it is played after its end', async () => {
    const { world, player } = await unlocked();
    world.show([world.anchor('a', 0, world.hubNow - 20_000)]);
    await world.pass(1_000);
    player.seekSelf(world.durationMs - 500);
    await world.pass(2_000);
    expect(player.state.value).toMatchObject({ playing: false, positionMs: world.durationMs });
    player.playSelf();
    await world.pass(1_000);
    expect(player.state.value.playing).toBe(true);
    expect(world.heard()[0]?.positionMs).toBeCloseTo(880, 0);
  });
});
