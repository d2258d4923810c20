// How loud tracks are played: every voice has the level of its own track, from its first sample on.
import { describe, expect, it } from 'vitest';
import { unlocked } from './player-unlocked.ts';

const db = (gain: number): number => 20 * Math.log10(gain);

describe('Player, loudness', () => {
  it('plays each track at the level of its tag, and changes with the track', async () => {
    const { world } = await unlocked();
    world.gainOf = (trackId) => ({ gainDb: trackId === 't-a' ? -9 : -2, peak: 1 });
    const at = world.hubNow + 600;
    world.show([world.anchor('a', 58_000, at), world.anchor('b', 0, at + 2_000)]);
    await world.settle();
    await world.pass(1_000);
    expect(world.heard()[0]?.trackId).toBe('t-a');
    expect(db(world.heard()[0]?.level ?? 0)).toBeCloseTo(-9, 3);
    await world.pass(1_602);
    expect(world.heard()[0]?.trackId).toBe('t-b');
    expect(db(world.heard()[0]?.level ?? 0)).toBeCloseTo(-2, 3);
  });

  it('measures a track without a tag before it is heard, so that its level does not change under it', async () => {
    const { world } = await unlocked();
    world.gainOf = () => ({});
    world.context.samplesOf = (_, length) =>
      Float32Array.from({ length }, (_unused, i) => 0.5 * Math.sin((2 * Math.PI * i) / 48));
    world.show([world.anchor('a', 0, world.hubNow + 400)]);
    await world.settle();
    await world.pass(700);
    // A sine of −6.02 dBFS on two speakers is −6 LUFS.
    expect(db(world.heard()[0]?.level ?? 0)).toBeCloseTo(-12, 1);
    expect(world.context.sources).toHaveLength(1);
  });

  it('glides to the new level when it is switched while something sounds', async () => {
    const { world, player } = await unlocked();
    world.gainOf = () => ({ gainDb: -9 });
    world.show([world.anchor('a', 0, world.hubNow + 400)]);
    await world.settle();
    await world.pass(700);
    player.setLoudnessMatching(false);
    await world.pass(200);
    expect(world.heard()[0]?.level).toBe(1);
    expect(world.context.sources).toHaveLength(1);
  });
});
