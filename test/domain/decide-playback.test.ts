// Playback: what people press, and what time does.
import { describe, expect, it } from 'vitest';
import { dueAt } from '../../src/domain/due.ts';
import { DEFAULT_DOMAIN_LIMITS } from '../../src/domain/command.ts';
import { neededReady } from '../../src/domain/gate.ts';
import { ANA, BEN, CLEO, LEAD_MS, Scenario, friends } from './support/room-scenario.ts';

const playing = (titles?: string) => {
  const scenario = friends(titles);
  scenario.do({ type: 'Play' }, ANA);
  return scenario.wait(10_000);
};

describe('play and pause', () => {
  it('shows the first entry, stopped, when it is added to an empty queue, and plays nothing by itself', () => {
    const scenario = friends('');
    expect(scenario.add(ANA, 'a b')).toEqual(['QueueAdded', 'PlaybackMoved:replanned']);
    expect(scenario.now).toBe('stopped a 0');
  });

  it('refuses to play an empty queue', () => {
    expect(friends('').refusal({ type: 'Play' }, ANA)).toBe('conflict');
  });

  it('starts after the lead, and plans the end of the track', () => {
    const scenario = friends();
    expect(scenario.do({ type: 'Play' }, BEN)).toEqual(['PlaybackMoved:play']);
    expect(scenario.timeline).toEqual([
      'stopped a 0 @0',
      `playing a 0 @${LEAD_MS}`,
      `playing b 0 @${LEAD_MS + 180_000}`,
    ]);
    expect(scenario.do({ type: 'Play' }, BEN)).toEqual([]);
  });

  it('pauses after the lead, everywhere at the same place, and resumes from there', () => {
    const scenario = playing();
    scenario.do({ type: 'Pause', entryId: scenario.id('a') }, BEN);
    expect(scenario.timeline).toEqual(['playing a 0 @-9700', `paused a 10000 @${LEAD_MS}`]);
    expect(scenario.do({ type: 'Pause', entryId: scenario.id('a') }, ANA)).toEqual([]);
    scenario.wait(60_000);
    scenario.do({ type: 'Play', entryId: scenario.id('a') }, ANA);
    scenario.wait(LEAD_MS + 1_000);
    expect(scenario.now).toBe('playing a 11000');
  });

  it('takes back a start that is still waiting for its lead', () => {
    const scenario = friends();
    scenario.do({ type: 'Play' }, ANA);
    scenario.wait(100).do({ type: 'Pause', entryId: scenario.id('a') }, BEN);
    scenario.wait(1_000);
    expect(scenario.now).toBe('paused a 100');
  });

  it('goes on at the end with what was added since, else from the beginning', () => {
    const scenario = playing('a');
    scenario.wait(200_000);
    expect(scenario.now).toBe('stopped a 180000');
    scenario.add(BEN, 'b');
    expect(scenario.now).toBe('stopped a 180000');
    scenario.do({ type: 'Play' }, BEN);
    scenario.wait(LEAD_MS);
    expect(scenario.now).toBe('playing b 0');
    scenario.wait(200_000).do({ type: 'Play' }, BEN);
    scenario.wait(LEAD_MS);
    expect(scenario.now).toBe('playing a 0');
  });
});

describe('skip', () => {
  it('lets the old track sound until the new one starts', () => {
    const scenario = playing();
    scenario.do({ type: 'Skip', entryId: scenario.id('a') }, BEN);
    expect(scenario.timeline[0]).toBe('playing a 0 @-9700');
    expect(scenario.timeline[1]).toBe(`playing b 0 @${LEAD_MS}`);
  });

  it('skips once when two people skip the same entry, even within the lead', () => {
    const scenario = playing();
    const skip = { type: 'Skip', entryId: scenario.id('a') } as const;
    scenario.do(skip, ANA);
    expect(scenario.refusal(skip, BEN)).toBe('stale');
    expect(scenario.wait(50).refusal(skip, BEN)).toBe('stale');
    expect(scenario.wait(5_000).refusal(skip, BEN)).toBe('stale');
    expect(scenario.now).toBe('playing b 4750');
  });

  it('skips twice when the second means the entry that is about to start', () => {
    const scenario = playing();
    scenario.do({ type: 'Skip', entryId: scenario.id('a') }, ANA);
    scenario.wait(100).do({ type: 'Skip', entryId: scenario.id('b') }, ANA);
    expect(scenario.wait(LEAD_MS).now).toBe('playing c 0');
  });

  it('is stale once the track has ended by itself', () => {
    const scenario = playing().wait(180_000);
    expect(scenario.now.startsWith('playing b')).toBe(true);
    expect(scenario.refusal({ type: 'Skip', entryId: scenario.id('a') }, ANA)).toBe('stale');
  });

  it('does not start the next track twice when the old one ends before the lead', () => {
    const scenario = playing().wait(180_000 - 9_700 - 100);
    expect(scenario.do({ type: 'Skip', entryId: scenario.id('a') }, ANA)).toEqual([]);
    expect(scenario.wait(1_100).now).toBe('playing b 1000');
  });

  it('stops at the end of the last entry, and plays on a pause', () => {
    const scenario = playing('a b');
    scenario.do({ type: 'Pause', entryId: scenario.id('a') }, ANA);
    scenario.wait(1_000).do({ type: 'Skip', entryId: scenario.id('a') }, ANA);
    expect(scenario.wait(1_300).now).toBe('playing b 1000');
    scenario.do({ type: 'Skip', entryId: scenario.id('b') }, ANA);
    expect(scenario.wait(1_000).now).toBe('stopped b 180000');
    expect(scenario.do({ type: 'Skip', entryId: scenario.id('b') }, ANA)).toEqual([]);
  });
});

describe('previous, seek and jump', () => {
  it('goes to the start after three seconds, and before that to the entry before', () => {
    const scenario = playing();
    scenario.do({ type: 'Skip', entryId: scenario.id('a') }, ANA);
    scenario.wait(8_000).do({ type: 'Previous', entryId: scenario.id('b') }, ANA);
    expect(scenario.wait(1_300).now).toBe('playing b 1000');
    scenario.do({ type: 'Previous', entryId: scenario.id('b') }, ANA);
    expect(scenario.wait(LEAD_MS).now).toBe('playing a 0');
    scenario.do({ type: 'Previous', entryId: scenario.id('a') }, ANA);
    expect(scenario.wait(LEAD_MS).now).toBe('playing a 0');
  });

  it('wraps to the last entry only when all is repeated', () => {
    const scenario = playing();
    scenario.do({ type: 'SetMode', repeat: 'all' }, ANA);
    scenario.do({ type: 'Seek', entryId: scenario.id('a'), positionMs: 0 }, ANA);
    scenario.wait(1_000).do({ type: 'Previous', entryId: scenario.id('a') }, ANA);
    expect(scenario.wait(LEAD_MS).now).toBe('playing c 0');
  });

  it('seeks within the track, leaving a second of it, and stays paused', () => {
    const scenario = playing();
    scenario.do({ type: 'Seek', entryId: scenario.id('a'), positionMs: 999_999 }, ANA);
    expect(scenario.wait(LEAD_MS).now).toBe('playing a 179000');
    scenario.do({ type: 'Pause', entryId: scenario.id('a') }, ANA);
    scenario.wait(500).do({ type: 'Seek', entryId: scenario.id('a'), positionMs: 5_000 }, ANA);
    expect(scenario.now).toBe('paused a 5000');
    expect(scenario.refusal({ type: 'Seek', entryId: scenario.id('b'), positionMs: 1 }, ANA)).toBe(
      'stale',
    );
  });

  it('jumps once when two people choose the same entry', () => {
    const scenario = playing();
    expect(scenario.do({ type: 'Jump', to: scenario.id('c') }, ANA)).toEqual([
      'PlaybackMoved:jump',
    ]);
    expect(scenario.do({ type: 'Jump', to: scenario.id('c') }, BEN)).toEqual([]);
    expect(scenario.refusal({ type: 'Jump', to: 'constructor' as never }, BEN)).toBe('not_found');
  });
});

describe('the gate', () => {
  const cold = () => {
    const scenario = friends();
    scenario.arrive(CLEO);
    scenario.ready = 1;
    return scenario;
  };

  it('needs at least one and at most all of those present', () => {
    expect([0, 1, 3, 4, 10].map((present) => neededReady(present, 0.75))).toEqual([0, 1, 3, 3, 8]);
    expect(neededReady(5, 0)).toBe(1);
  });

  it('holds a cold start until its deadline, and opens early when enough are ready', () => {
    const scenario = cold();
    scenario.do({ type: 'Play' }, ANA);
    expect(scenario.state.public.playback.gate).toEqual({
      entryId: scenario.id('a'),
      deadlineAt: scenario.at + 1_500,
      ready: 1,
      needed: 3,
    });
    const open = { type: 'OpenGate', entryId: scenario.id('a') } as const;
    expect(scenario.wait(200).do(open)).toEqual([]);
    scenario.ready = 3;
    expect(scenario.do(open)).toEqual(['PlaybackMoved:gate']);
    expect(scenario.state.public.playback.gate).toBeUndefined();
    expect(scenario.wait(LEAD_MS).now).toBe('playing a 0');
  });

  it('opens at its deadline without anybody doing anything', () => {
    const scenario = cold();
    scenario.do({ type: 'Play' }, ANA);
    scenario.wait(1_500);
    expect(scenario.now).toBe('playing a 0');
    expect(scenario.do({ type: 'OpenGate', entryId: scenario.id('a') })).toEqual([]);
  });

  it('lets the old track sound while a skip waits, and takes a second skip as stale', () => {
    const scenario = cold();
    scenario.ready = 3;
    scenario.do({ type: 'Play' }, ANA);
    scenario.wait(20_000);
    scenario.ready = 0;
    scenario.do({ type: 'Skip', entryId: scenario.id('a') }, ANA);
    scenario.wait(1_000);
    expect(scenario.now).toBe('playing a 20700');
    expect(scenario.refusal({ type: 'Skip', entryId: scenario.id('a') }, BEN)).toBe('stale');
    scenario.add(BEN, 'd', 'next');
    expect(scenario.state.public.playback.gate?.entryId).toBe(scenario.id('b'));
    scenario.do({ type: 'Pause', entryId: scenario.id('a') }, BEN);
    expect(scenario.state.public.playback.gate).toBeUndefined();
    expect(scenario.wait(5_000).now).toBe('paused b 0');
  });

  it('does not hold a room of which nobody is present, nor one that does not want it', () => {
    const scenario = cold();
    scenario.do({ type: 'UpdateRoom', settings: { gateMs: 0 } }, ANA);
    scenario.do({ type: 'Play' }, ANA);
    expect(scenario.state.public.playback.gate).toBeUndefined();
  });
});

describe('undo of what is planned', () => {
  it('plans past an entry that was taken out between two boundaries', () => {
    const scenario = friends('a b');
    scenario.do({ type: 'Jump', to: scenario.id('b') }, ANA);
    scenario.wait(LEAD_MS + 170_000).add(BEN, 'c', 'end', 1_000);
    scenario.add(BEN, 'd', 'end', 5_000);
    scenario.do({ type: 'RemoveFromQueue', entryIds: [scenario.id('c')] }, BEN);
    expect(scenario.timeline.map((line) => line.split(' ').slice(0, 2).join(' '))).toEqual([
      'playing b',
      'playing d',
      'stopped d',
    ]);
  });
});

describe('the horizon', () => {
  const limits = DEFAULT_DOMAIN_LIMITS;

  it('plans all boundaries of the next thirty seconds and at least one', () => {
    const scenario = new Scenario().create();
    scenario.arrive(ANA);
    scenario.add(ANA, 'a b c d e', 'end', 12_000);
    scenario.do({ type: 'Play' }, ANA);
    expect(scenario.timeline.map((line) => line.split(' ')[1])).toEqual(['a', 'a', 'b', 'c']);
    const due = dueAt(scenario.state, { limits })[0];
    expect(due).toEqual({
      at: scenario.at + LEAD_MS + 36_000 - 30_000,
      command: { type: 'PlanHorizon' },
    });
    scenario.at = due?.at ?? 0;
    expect(scenario.do({ type: 'PlanHorizon' })).toEqual(['PlaybackMoved:horizon']);
    expect(scenario.do({ type: 'PlanHorizon' })).toEqual([]);
  });

  it('ends the queue stopped at its end, or where it repeats goes on', () => {
    const scenario = playing('a b');
    scenario.do({ type: 'Skip', entryId: scenario.id('a') }, ANA);
    expect(scenario.timeline.at(-1)).toBe(`stopped b 180000 @${LEAD_MS + 180_000}`);
    scenario.do({ type: 'SetMode', repeat: 'all' }, ANA);
    expect(scenario.timeline.at(-1)).toBe(`playing a 0 @${LEAD_MS + 180_000}`);
    scenario.do({ type: 'SetMode', repeat: 'one' }, ANA);
    expect(scenario.timeline.at(-1)).toBe(`playing b 0 @${LEAD_MS + 180_000}`);
    scenario.wait(1_000).do({ type: 'Skip', entryId: scenario.id('b') }, ANA);
    expect(scenario.wait(LEAD_MS).now).toBe('playing a 0');
  });

  it('keeps the plan of a thousand tiny tracks small, and is due again only later', () => {
    const scenario = new Scenario().create();
    scenario.arrive(ANA);
    scenario.add(ANA, Array.from({ length: 90 }, (_, i) => `t${i}`).join(' '), 'end', 2);
    scenario.do({ type: 'SetMode', repeat: 'all' }, ANA);
    scenario.do({ type: 'Play' }, ANA);
    expect(scenario.timeline.length).toBe(64);
    expect(dueAt(scenario.state, { limits })[0]?.at).toBeGreaterThan(scenario.at);
  });

  it('goes on from now when no node was there to plan what follows', () => {
    const scenario = playing('a b c').wait(1_000_000);
    expect(scenario.now).toBe('playing b 180000');
    expect(scenario.do({ type: 'PlanHorizon' })).toEqual(['PlaybackMoved:horizon']);
    expect(scenario.wait(LEAD_MS).now).toBe('playing c 0');
  });
});
