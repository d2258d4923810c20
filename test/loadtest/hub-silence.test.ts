// A hub that stands still is told of; the pauses of whoever asks it are not taken for its own.
import { describe, expect, it } from 'vitest';
import { HubSilence, type Stall } from '../../loadtest/listener/hub-silence.ts';
import { OwnPauses } from '../../loadtest/listener/own-pauses.ts';

/** A thread that runs from 0 on, but for its pauses. */
class World {
  readonly stalls: Stall[] = [];
  readonly pauses = new OwnPauses(0);
  readonly silence = new HubSilence(0, this.pauses, (stall) => this.stalls.push(stall));
  #nowMs = 0;

  runTo(ms: number): this {
    for (; this.#nowMs + 100 <= ms; this.#nowMs += 100) this.pauses.turned(this.#nowMs + 100);
    return this;
  }

  standStillTo(ms: number): this {
    this.#nowMs = ms;
    return this;
  }
}

describe('the silence of a hub', () => {
  it('is a stall where it was asked in vain for a second', () => {
    const world = new World();
    world.silence.asked(0);
    world.runTo(2_500).silence.came(2_500);
    expect(world.stalls).toEqual([{ target: 0, atMs: 0, lastedMs: 2_500 }]);
  });

  it('is known while it lasts, and afterwards to who looks back so far', () => {
    const { silence } = new World().runTo(3_000);
    silence.asked(1_000);
    expect(silence.stoodStillSince(0, 1_900)).toBe(false);
    expect(silence.stoodStillSince(0, 2_000)).toBe(true);
    silence.came(3_000);
    expect(silence.stoodStillSince(2_900, 8_000)).toBe(true);
    expect(silence.stoodStillSince(3_000, 8_000)).toBe(false);
    silence.asked(8_000);
    silence.came(8_100);
    expect(silence.stoodStillSince(3_000, 9_000)).toBe(false);
  });

  it('is none where something came in between', () => {
    const world = new World();
    world.silence.asked(0);
    world.runTo(900).silence.came(900);
    world.silence.asked(950);
    world.runTo(1_800).silence.came(1_800);
    expect(world.stalls).toEqual([]);
  });

  it.each([
    ['before the thread has come round again', false],
    ['after it has', true],
  ])('is not what the thread itself stood still, where the answer is read %s', (_, isTurned) => {
    const world = new World();
    world.runTo(1_000).silence.asked(1_010);
    world.standStillTo(4_000);
    if (isTurned) world.pauses.turned(4_000);
    world.silence.came(4_005);
    expect(world.stalls).toEqual([]);
  });

  it('counts without the pause of the thread where both stood still', () => {
    const world = new World();
    world.runTo(1_000).silence.asked(1_000);
    world.standStillTo(3_000).pauses.turned(3_000);
    world.runTo(5_000).silence.came(5_000);
    expect(world.stalls).toHaveLength(1);
    expect(world.stalls[0]?.lastedMs).toBeCloseTo(2_100);
  });

  it('is told of at the end, however long it will be', () => {
    const world = new World();
    world.silence.asked(0);
    world.runTo(1_500).silence.end(1_500);
    expect(world.stalls).toHaveLength(1);
  });
});
