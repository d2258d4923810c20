// What a player tells: to the room, to the clock and, where media fail, to the page.
import { describe, expect, it } from 'vitest';
import type { PlayerCorrection } from '../../src/client/player.ts';
import { unlocked } from './player-unlocked.ts';

describe('Player, telling', () => {
  it('tells readiness once an occasion, again for a gate and after a reconnection', async () => {
    const { world } = await unlocked();
    world.show([world.anchor('a', 0, world.hubNow + 60_000, 'paused')]);
    await world.pass(1_000);
    expect(world.ready).toEqual([{ entryId: 'a', bufferedMs: world.durationMs }]);
    const view = world.view.value;
    const gate = { entryId: 'a' as never, deadlineAt: world.hubNow + 1_500, ready: 0, needed: 2 };
    const room = { ...view.room, playback: { ...view.room.playback, gate } };
    world.view.set({ ...view, room });
    await world.settle();
    expect(world.ready).toHaveLength(2);
    world.view.set({ ...view, room, status: 'reconnecting' });
    world.view.set({ ...view, room, status: 'joined' });
    await world.pass(500);
    expect(world.ready).toHaveLength(3);
  });

  it('reports how well in step it is every five seconds while something plays', async () => {
    const { world } = await unlocked();
    world.show([world.anchor('a', 0, world.hubNow - 1_000)]);
    await world.pass(11_000);
    const heard = world.reports.filter(({ state }) => state === 'following');
    expect(heard.length).toBeGreaterThanOrEqual(2);
    expect(heard.length).toBeLessThanOrEqual(3);
    const report = world.reports.at(-1)!;
    expect(report).toMatchObject({ maxErrorMs: 0.4, rttMs: 0.8, state: 'following' });
    expect(Math.abs(report.errorMs)).toBeLessThan(1);
    expect(report.outputLatencyMs, 'the output and the buffer before it').toBeCloseTo(60);
  });

  it('tells its delays while nothing plays: once, and anew when they change or the room is joined again', async () => {
    const { world, player } = await unlocked();
    await world.pass(20_000);
    expect(world.reports).toMatchObject([{ rttMs: 0.8, outputLatencyMs: 60, state: 'idle' }]);
    player.setNudge(80);
    await world.pass(6_000);
    expect(world.reports.at(-1)).toMatchObject({ outputLatencyMs: 140, state: 'idle' });
    world.clockStatus.set({ ...world.clockStatus.value, rttUsualMs: 340 });
    await world.pass(6_000);
    expect(world.reports.at(-1)).toMatchObject({ rttMs: 340, state: 'idle' });
    const view = world.view.value;
    world.view.set({ ...view, status: 'reconnecting' });
    world.view.set({ ...view, status: 'joined' });
    await world.pass(6_000);
    expect(world.reports).toHaveLength(4);
  });

  it('says what keeps the sound away, and for how long it is only the system', async () => {
    const { world, player } = await unlocked();
    world.show([world.anchor('a', 0, world.hubNow - 1_000)]);
    await world.pass(2_000);
    expect(player.state.value).not.toHaveProperty('waitsFor');
    world.context.refusesResume = true;
    world.context.setState('suspended');
    await world.pass(500);
    expect(player.state.value.waitsFor).toBe('system');
    await world.pass(3_000);
    expect(player.state.value.waitsFor).toBe('press');
    world.context.refusesResume = false;
    await player.unlock();
    await world.pass(500);
    expect(player.state.value).not.toHaveProperty('waitsFor');
  });

  it('does not report to be in step while the system holds the sound back', async () => {
    const { world } = await unlocked();
    world.show([world.anchor('a', 0, world.hubNow - 1_000)]);
    await world.pass(6_000);
    const heard = world.reports.length;
    world.context.refusesResume = true;
    world.context.setState('suspended');
    await world.pass(12_000);
    const silent = world.reports.slice(heard);
    expect(silent.length).toBeGreaterThanOrEqual(2);
    expect(silent.map(({ state }) => state)).not.toContain('following');
    world.context.refusesResume = false;
    await world.pass(6_000);
    expect(world.reports.at(-1)?.state).toBe('following');
  });

  it('tells each correction: what follows the crystals, what catches up, what jumps', async () => {
    const { world, player } = await unlocked((w) => (w.context.skewPpm = 80));
    const told: PlayerCorrection[] = [];
    const remove = player.onCorrection((correction) => told.push(correction));
    world.show([world.anchor('a', 0, world.hubNow + 300)]);
    await world.pass(8_000);
    expect(told.length).toBeGreaterThan(0);
    expect(told.every((each) => each.kind === 'rate' && each.trim)).toBe(true);

    told.length = 0;
    world.offsetMs += 20;
    await world.pass(3_000);
    const hurried = told.filter((each) => each.kind === 'rate' && !each.trim);
    expect(hurried.length).toBeGreaterThan(0);
    expect(hurried[0]!.errorMs).toBeCloseTo(-20, -1);

    await world.pass(20_000);
    told.length = 0;
    world.offsetMs -= 80;
    await world.pass(2_000);
    expect(told).toContainEqual({
      kind: 'jump',
      byMs: expect.closeTo(-80, 0) as number,
      errorMs: expect.closeTo(80, 0) as number,
    });

    remove();
    told.length = 0;
    world.offsetMs += 80;
    await world.pass(5_000);
    expect(told).toEqual([]);
  });

  it('tells the clock when something is heard by it', async () => {
    const { world, player } = await unlocked();
    expect(world.playingTold).toBeUndefined();
    world.show([world.anchor('a', 0, world.hubNow - 1_000)]);
    await world.pass(1_000);
    expect(world.playingTold).toBe(true);
    player.stop();
    expect(world.playingTold).toBe(false);
  });
});

describe('Player, media that fails', () => {
  it('asks for one fresh address, and plays', async () => {
    const { world, player } = await unlocked();
    world.statusOf.set('/media/t-a?v=1', 403);
    world.show([world.anchor('a', 0, world.hubNow - 1_000)]);
    await world.pass(600);
    expect(world.fetched).toEqual(['/media/t-a?v=1', '/media/t-a?v=2']);
    expect(player.state.value.failed).toBeUndefined();
    expect(world.heard()).toHaveLength(1);
  });

  it('tells that a track is gone, goes on with the next one', async () => {
    const { world, player } = await unlocked();
    world.statusOf.set('t-a', 404);
    const at = world.hubNow - world.durationMs + 3_000;
    world.show([world.anchor('a', 0, at), world.anchor('b', 0, at + world.durationMs)]);
    await world.pass(1_000);
    expect(world.fetched.filter((url) => url.includes('t-a'))).toHaveLength(2);
    expect(player.state.value).toMatchObject({
      buffering: false,
      failed: { trackId: 't-a', message: 'the media was refused with status 404' },
    });
    await world.pass(3_000);
    expect(player.state.value.failed).toBeUndefined();
    expect(world.heard().map(({ trackId }) => trackId)).toEqual(['t-b']);
  });

  it('tells that a file cannot be decoded', async () => {
    const { world, player } = await unlocked((w) => (w.context.decodable = false));
    world.show([world.anchor('a', 0, world.hubNow - 1_000)]);
    await world.pass(600);
    expect(player.state.value.failed).toMatchObject({ message: 'unable to decode' });
  });

  it('waits for a network that is away, and says that it buffers', async () => {
    const { world, player } = await unlocked();
    world.statusOf.set('t-a', 503);
    world.show([world.anchor('a', 0, world.hubNow - 1_000)]);
    await world.pass(1_000);
    expect(player.state.value).toMatchObject({ buffering: true, playing: true });
    expect(world.reports.at(-1)?.state).toBe('buffering');
    world.statusOf.delete('t-a');
    await world.pass(5_000);
    expect(player.state.value.buffering).toBe(false);
    expect(world.heard()).toHaveLength(1);
  });
});
