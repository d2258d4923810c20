// The fair policy: rounds of those who are here, and whoever is away is passed over.
import { describe, expect, it } from 'vitest';
import { ANA, BEN, CLEO, Scenario } from './support/room-scenario.ts';

const party = () => {
  const scenario = new Scenario().create('party');
  scenario.arrive(ANA, BEN, CLEO);
  return scenario;
};

describe('turns', () => {
  it('lets everybody have one entry a round, and counts the current one', () => {
    const scenario = party();
    scenario.add(ANA, 'a1 a2 a3');
    scenario.add(BEN, 'b1 b2');
    scenario.add(CLEO, 'c1');
    expect(scenario.order).toEqual(['a1', 'b1', 'c1', 'a2', 'b2', 'a3']);
    scenario.do({ type: 'Play' }, ANA);
    scenario.wait(1_000).do({ type: 'Skip', entryId: scenario.id('a1') }, ANA);
    expect(scenario.order).toEqual(['a1', 'b1', 'c1', 'a2', 'b2', 'a3']);
  });

  it('gives nobody another’s turn for adding next or moving', () => {
    const scenario = party();
    scenario.add(ANA, 'a1 a2');
    scenario.add(BEN, 'b1 b2');
    scenario.add(CLEO, 'c1');
    scenario.add(BEN, 'b0', 'next');
    expect(scenario.order).toEqual(['a1', 'b0', 'c1', 'a2', 'b1', 'b2']);
    scenario.do(
      { type: 'MoveInQueue', entryId: scenario.id('b2'), beforeEntryId: scenario.id('b0') },
      BEN,
    );
    expect(scenario.order).toEqual(['a1', 'b2', 'c1', 'a2', 'b0', 'b1']);
  });

  it('passes over whoever is away, whose entries wait behind those of all who are here', () => {
    const scenario = party();
    scenario.add(ANA, 'a1 a2');
    scenario.add(BEN, 'b1 b2');
    scenario.add(CLEO, 'c1');
    scenario.do({ type: 'Play' }, ANA);
    scenario.wait(1_000);
    expect(scenario.depart(BEN)).toEqual([
      'MembersDeparted',
      'QueueReordered:away',
      'PlaybackMoved:replanned',
    ]);
    expect(scenario.order).toEqual(['a1', 'c1', 'a2', 'b1', 'b2']);
    expect(scenario.timeline.at(-1)).toMatch(/^playing c1/);
    scenario.depart(CLEO);
    expect(scenario.order).toEqual(['a1', 'a2', 'c1', 'b1', 'b2']);
    scenario.arrive(BEN);
    expect(scenario.order).toEqual(['a1', 'b1', 'a2', 'b2', 'c1']);
  });

  it('begins a repeated queue again with somebody who is here', () => {
    const scenario = party();
    scenario.add(BEN, 'b1');
    scenario.add(ANA, 'a1');
    scenario.add(CLEO, 'c1');
    scenario.do({ type: 'SetMode', repeat: 'all' }, ANA);
    scenario.do({ type: 'Jump', to: scenario.id('c1') }, ANA);
    scenario.wait(1_000);
    expect(scenario.order).toEqual(['b1', 'a1', 'c1']);
    scenario.depart(BEN);
    expect(scenario.timeline.at(-1)).toMatch(/^playing a1/);
    scenario.do({ type: 'Skip', entryId: scenario.id('c1') }, ANA);
    expect(scenario.wait(3_000).now).toMatch(/^playing a1/);
  });
});
