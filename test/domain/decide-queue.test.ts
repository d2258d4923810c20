// The queue: adding, removing, moving, undoing; by hand, by chance and by turns.
import { describe, expect, it } from 'vitest';
import { track } from './support/room-commands.ts';
import { ANA, BEN, CLEO, LEAD_MS, Scenario, friends } from './support/room-scenario.ts';

const party = () => {
  const scenario = new Scenario().create('party');
  scenario.arrive(ANA, BEN, CLEO);
  return scenario;
};

describe('adding', () => {
  it('puts tracks at the end, or directly after the current one in their order', () => {
    const scenario = friends();
    scenario.add(BEN, 'd');
    scenario.add(BEN, 'x y', 'next');
    expect(scenario.order).toEqual(['a', 'x', 'y', 'b', 'c', 'd']);
  });

  it('plans the coming boundary anew', () => {
    const scenario = friends();
    scenario.do({ type: 'Play' }, ANA);
    expect(scenario.add(BEN, 'x', 'next')).toEqual(['QueueAdded', 'PlaybackMoved:replanned']);
    expect(scenario.timeline.at(-1)).toMatch(/^playing x/);
    expect(scenario.add(BEN, 'y')).toEqual(['QueueAdded']);
  });

  it('drops the oldest played entries when it is full, or refuses while they will play again', () => {
    const scenario = friends();
    scenario.limits = { maxQueueEntries: 3 };
    const more = { type: 'AddToQueue', tracks: [], at: 'end' } as const;
    expect(scenario.do(more, ANA)).toEqual([]);
    expect(scenario.refusal({ ...more, tracks: [track('d')] }, BEN)).toBe('queue_full');
    scenario.do({ type: 'Jump', to: scenario.id('b') }, ANA);
    scenario.wait(1_000);
    scenario.do({ type: 'SetMode', repeat: 'all' }, ANA);
    expect(() => scenario.add(BEN, 'd')).toThrow('at most 3');
    scenario.do({ type: 'SetMode', repeat: 'off' }, ANA);
    scenario.add(BEN, 'd');
    expect(scenario.order).toEqual(['b', 'c', 'd']);
  });

  it('keeps ranks short however often something is put next', () => {
    const scenario = friends('a b');
    for (let i = 0; i < 300; i += 1) scenario.add(BEN, `n${String(i)}`, 'next');
    const ranks = Object.values(scenario.state.public.queue).map(({ rank }) => rank);
    expect(Math.max(...ranks.map((rank) => rank.length))).toBeLessThan(50);
    expect(new Set(ranks).size).toBe(302);
    expect(scenario.order.slice(0, 3)).toEqual(['a', 'n299', 'n298']);
    expect(scenario.order.at(-1)).toBe('b');
  });
});

describe('removing and clearing', () => {
  it('goes on with the next when the current one is removed while it plays', () => {
    const scenario = friends();
    scenario.do({ type: 'Play' }, ANA);
    scenario.wait(5_000);
    const events = scenario.do({ type: 'RemoveFromQueue', entryIds: [scenario.id('a')] }, ANA);
    expect(events).toEqual(['QueueRemoved:request', 'PlaybackMoved:removed']);
    expect(scenario.timeline[0]).toMatch(/^playing a/);
    expect(scenario.refusal({ type: 'Skip', entryId: scenario.id('a') }, BEN)).toBe('stale');
    expect(scenario.wait(LEAD_MS).now).toBe('playing b 0');
  });

  it('leaves nothing chosen when the last entry goes, and the first to come is chosen again', () => {
    const scenario = friends('a');
    scenario.do({ type: 'Play' }, ANA);
    scenario.wait(5_000).do({ type: 'RemoveFromQueue', entryIds: [scenario.id('a')] }, ANA);
    expect(scenario.wait(LEAD_MS).now).toBe('stopped - 0');
    scenario.add(BEN, 'b');
    expect(scenario.now).toBe('stopped b 0');
  });

  it('stays paused on the next when the current one is removed while paused', () => {
    const scenario = friends();
    scenario.do({ type: 'RemoveFromQueue', entryIds: [scenario.id('a')] }, ANA);
    expect(scenario.now).toBe('stopped b 0');
  });

  it('lets nobody touch what others added, unless they may edit', () => {
    const scenario = party();
    scenario.add(BEN, 'b1');
    const removal = { type: 'RemoveFromQueue', entryIds: [scenario.id('b1')] } as const;
    expect(scenario.refusal(removal, CLEO)).toBe('forbidden');
    expect(scenario.do(removal, BEN)[0]).toBe('QueueRemoved:request');
    expect(scenario.refusal(removal, BEN)).toBe('not_found');
    expect(scenario.refusal({ type: 'ClearQueue' }, BEN)).toBe('forbidden');
  });

  it('clears what is to come, and keeps what plays and has played', () => {
    const scenario = friends('a b c d');
    scenario.do({ type: 'Jump', to: scenario.id('b') }, ANA);
    scenario.wait(1_000).do({ type: 'ClearQueue' }, BEN);
    expect(scenario.order).toEqual(['a', 'b']);
    expect(scenario.do({ type: 'ClearQueue' }, BEN)).toEqual([]);
  });
});

describe('moving', () => {
  it('moves among those to come, to the end when nothing is named', () => {
    const scenario = friends('a b c d');
    scenario.do(
      { type: 'MoveInQueue', entryId: scenario.id('d'), beforeEntryId: scenario.id('b') },
      ANA,
    );
    expect(scenario.order).toEqual(['a', 'd', 'b', 'c']);
    scenario.do({ type: 'MoveInQueue', entryId: scenario.id('d') }, ANA);
    expect(scenario.order).toEqual(['a', 'b', 'c', 'd']);
    expect(scenario.do({ type: 'MoveInQueue', entryId: scenario.id('d') }, ANA)).toEqual([]);
  });

  it('refuses to move the current one, or in among what has played', () => {
    const scenario = friends();
    const [a, b] = [scenario.id('a'), scenario.id('b')];
    expect(scenario.refusal({ type: 'MoveInQueue', entryId: a }, ANA)).toBe('conflict');
    expect(scenario.refusal({ type: 'MoveInQueue', entryId: b, beforeEntryId: a }, ANA)).toBe(
      'conflict',
    );
  });
});

describe('shuffle', () => {
  it('mixes what is to come, keeps the way back, and gives the old order back', () => {
    const scenario = friends('a b c d e f g h');
    scenario.do({ type: 'Jump', to: scenario.id('b') }, ANA);
    scenario.wait(1_000).do({ type: 'SetMode', shuffle: true }, ANA);
    expect(scenario.order.slice(0, 2)).toEqual(['a', 'b']);
    expect(scenario.order).not.toEqual(['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h']);
    const third = scenario.order[2] ?? '';
    scenario.do({ type: 'Skip', entryId: scenario.id('b') }, ANA);
    scenario.wait(1_000).do({ type: 'Previous', entryId: scenario.id(third) }, ANA);
    expect(scenario.wait(LEAD_MS).now).toBe('playing b 0');
    scenario.do({ type: 'SetMode', shuffle: false }, ANA);
    expect(scenario.order).toEqual(['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h']);
    expect(scenario.now).toBe('playing b 0');
  });

  it('puts what is added next directly after the current one', () => {
    const scenario = friends('a b c d');
    scenario.do({ type: 'SetMode', shuffle: true }, ANA);
    scenario.add(BEN, 'x', 'next');
    expect(scenario.order.slice(0, 2)).toEqual(['a', 'x']);
    scenario.add(BEN, 'y z');
    expect(scenario.order.slice(0, 2)).not.toContain('y');
  });

  it('is refused while turns are taken, and ends when they begin', () => {
    expect(party().refusal({ type: 'SetMode', shuffle: true }, ANA)).toBe('conflict');
    const scenario = friends();
    scenario.do({ type: 'SetMode', shuffle: true }, ANA);
    scenario.do({ type: 'UpdateRoom', settings: { queuePolicy: 'fair' } }, ANA);
    expect(scenario.state.public.playback.shuffle).toBe(false);
  });
});
