// What is told for before the lead's end stands: clients could not hear of a change in time.
import { describe, expect, it } from 'vitest';
import { ANA, BEN, CLEO, LEAD_MS, Scenario, friends } from './support/room-scenario.ts';

/** Long enough after the start of a track of three minutes that its end is nearer than the lead. */
const NEAR_THE_END_MS = LEAD_MS + 180_000 - 100;

const nearTheEnd = (titles: string): Scenario => {
  const scenario = friends(titles);
  scenario.do({ type: 'Play' }, ANA);
  return scenario.wait(NEAR_THE_END_MS);
};
const coming = (scenario: Scenario): string[] => scenario.timeline.slice(1);

describe('a boundary nearer than the lead', () => {
  it('stands when something is put next, which comes after it', () => {
    const scenario = nearTheEnd('a b c');
    scenario.add(BEN, 'x', 'next');
    expect(scenario.order).toEqual(['a', 'b', 'x', 'c']);
    expect(coming(scenario)).toEqual(['playing b 0 @100', 'playing x 0 @180100']);
  });

  it('stands when the queue is shuffled, cleared or put into turns', () => {
    const shuffled = nearTheEnd('a b c d e');
    shuffled.do({ type: 'SetMode', shuffle: true }, ANA);
    expect(coming(shuffled)[0]).toBe('playing b 0 @100');
    expect(shuffled.order.slice(0, 2)).toEqual(['a', 'b']);

    const cleared = nearTheEnd('a b c');
    cleared.do({ type: 'ClearQueue' }, ANA);
    expect(cleared.order).toEqual(['a', 'b']);
    expect(coming(cleared)).toEqual(['playing b 0 @100', 'stopped b 180000 @180100']);

    const party = new Scenario().create('party');
    party.arrive(ANA, BEN, CLEO);
    party.add(ANA, 'a1 a2');
    party.add(BEN, 'b1');
    party.add(CLEO, 'c1');
    party.do({ type: 'Play' }, ANA);
    party.wait(NEAR_THE_END_MS).depart(BEN);
    expect(coming(party)[0]).toBe('playing b1 0 @100');
  });

  it('stands when the entry in force is taken away', () => {
    const scenario = nearTheEnd('a b c');
    scenario.do({ type: 'RemoveFromQueue', entryIds: [scenario.id('a')] }, ANA);
    expect(coming(scenario)).toEqual(['playing b 0 @100', 'playing c 0 @180100']);
  });

  it('gives way only where its own entry is taken away', () => {
    const scenario = nearTheEnd('a b c');
    scenario.do({ type: 'RemoveFromQueue', entryIds: [scenario.id('b')] }, ANA);
    expect(coming(scenario)).toEqual(['playing c 0 @100', 'stopped c 180000 @180100']);
  });

  it('does not let what is about to sound be moved, nor dropped for place', () => {
    const scenario = nearTheEnd('a b');
    const move = { type: 'MoveInQueue', entryId: scenario.id('a') } as const;
    expect(scenario.refusal(move, ANA)).toBe('conflict');
    scenario.limits = { maxQueueEntries: 2 };
    expect(() => scenario.add(BEN, 'c')).toThrow('at most 2');
  });

  it('goes on after the end of the queue with what is added too late to prevent the stop', () => {
    const scenario = nearTheEnd('a');
    scenario.add(BEN, 'b');
    expect(coming(scenario)).toEqual([
      'stopped a 180000 @100',
      `playing b 0 @${LEAD_MS}`,
      `stopped b 180000 @${LEAD_MS + 180_000}`,
    ]);
    expect(scenario.wait(200).add(BEN, 'c')).toEqual(['QueueAdded', 'PlaybackMoved:replanned']);
    expect(scenario.wait(1_100).now).toBe('playing b 1000');
  });
});

describe('a gate near the end of what plays', () => {
  it('waits no longer than the old track sounds', () => {
    const scenario = friends('a b c');
    scenario.do({ type: 'Play' }, ANA);
    scenario.wait(LEAD_MS + 180_000 - 500);
    scenario.ready = 0;
    scenario.do({ type: 'Jump', to: scenario.id('c') }, ANA);
    expect(coming(scenario)[0]).toBe('playing c 0 @500');
    expect(scenario.wait(500).now).toBe('playing c 0');
  });

  it('asks for those it was said to need, but not for those who have left since', () => {
    const scenario = friends('a b');
    scenario.arrive(CLEO);
    scenario.ready = 0;
    scenario.do({ type: 'UpdateRoom', settings: { gateQuorum: 1 } }, ANA);
    scenario.do({ type: 'Play' }, ANA);
    const open = { type: 'OpenGate', entryId: scenario.id('a') } as const;
    scenario.ready = 2;
    scenario.do({ type: 'UpdateRoom', settings: { gateQuorum: 0.5 } }, ANA);
    expect(scenario.do(open)).toEqual([]);
    scenario.present = [ANA, BEN];
    expect(scenario.do(open)).toEqual(['PlaybackMoved:gate']);
  });
});
