// Votes: for and against entries, and to skip the current one.
import { describe, expect, it } from 'vitest';
import { ANA, BEN, CLEO, DAN, EVE, LEAD_MS, Scenario, friends } from './support/room-scenario.ts';

describe('votes on entries', () => {
  it('counts one vote a person, and removes what enough are against', () => {
    const scenario = friends();
    scenario.arrive(CLEO);
    const vote = (value: -1 | 0 | 1) =>
      ({ type: 'VoteEntry', entryId: scenario.id('b'), value }) as const;
    scenario.do(vote(1), BEN);
    expect(scenario.do(vote(1), BEN)).toEqual([]);
    expect(scenario.state.public.queue[scenario.id('b')]?.score).toBe(1);
    scenario.do(vote(-1), BEN);
    expect(scenario.state.public.queue[scenario.id('b')]?.score).toBe(-1);
    expect(scenario.do(vote(-1), CLEO)).toEqual(['EntryVoted', 'QueueRemoved:vote']);
    expect(scenario.order).toEqual(['a', 'c']);
    expect(scenario.refusal({ type: 'UndoQueue' }, CLEO)).toBe('conflict');
  });

  it('never removes the current one, nor anything in a room that does not want it', () => {
    const scenario = friends();
    const against = { type: 'VoteEntry', entryId: scenario.id('a'), value: -1 } as const;
    expect(scenario.do(against, ANA)).toEqual(['EntryVoted']);
    expect(scenario.do(against, BEN)).toEqual(['EntryVoted']);
    scenario.do({ type: 'UpdateRoom', settings: { removeVoteShare: 0 } }, ANA);
    const other = { type: 'VoteEntry', entryId: scenario.id('b'), value: -1 } as const;
    expect([...scenario.do(other, ANA), ...scenario.do(other, BEN)]).toEqual([
      'EntryVoted',
      'EntryVoted',
    ]);
  });
});

describe('votes to skip', () => {
  it('skips when the share of those present is reached, and forgets the votes', () => {
    const scenario = friends();
    scenario.arrive(CLEO);
    scenario.do({ type: 'Play' }, ANA);
    scenario.wait(1_000);
    const vote = { type: 'VoteSkip', entryId: scenario.id('a') } as const;
    expect(scenario.do(vote, BEN)).toEqual(['SkipVoted']);
    expect(scenario.do(vote, BEN)).toEqual([]);
    expect(scenario.state.public.queue[scenario.id('a')]?.skipVotes).toBe(1);
    expect(scenario.do(vote, CLEO)).toEqual(['SkipVoted', 'PlaybackMoved:vote']);
    expect(scenario.state.public.queue[scenario.id('a')]?.skipVotes).toBe(0);
    expect(scenario.refusal(vote, ANA)).toBe('stale');
    expect(scenario.wait(LEAD_MS).now).toBe('playing b 0');
  });

  it('does not count whoever is no longer connected', () => {
    const scenario = friends();
    scenario.arrive(CLEO);
    const vote = { type: 'VoteSkip', entryId: scenario.id('a') } as const;
    scenario.do(vote, BEN);
    scenario.present = [ANA, CLEO, 'somebody' as never];
    expect(scenario.do(vote, CLEO)).toEqual(['SkipVoted']);
    expect(scenario.state.public.queue[scenario.id('a')]?.skipVotes).toBe(1);
  });

  it('is off where the share is 0', () => {
    const scenario = friends();
    scenario.do({ type: 'UpdateRoom', settings: { skipVoteShare: 0 } }, ANA);
    expect(scenario.refusal({ type: 'VoteSkip', entryId: scenario.id('a') }, BEN)).toBe('conflict');
  });

  it('is off in a radio room, whose host decides what plays', () => {
    const scenario = new Scenario().create('radio');
    scenario.arrive(ANA, BEN);
    scenario.add(ANA, 'a b');
    expect(scenario.refusal({ type: 'VoteSkip', entryId: scenario.id('a') }, BEN)).toBe('conflict');
  });

  it('moves a room on that is paused or stopped, and leaves it so', () => {
    const scenario = friends();
    scenario.do({ type: 'VoteSkip', entryId: scenario.id('a') }, BEN);
    expect(scenario.now).toBe('stopped b 0');
    scenario.do({ type: 'Play' }, ANA);
    scenario.wait(5_000).do({ type: 'Pause', entryId: scenario.id('b') }, ANA);
    scenario.wait(5_000).do({ type: 'VoteSkip', entryId: scenario.id('b') }, BEN);
    expect(scenario.wait(1_000).now).toBe('paused c 0');
  });
});

describe('votes, when people leave', () => {
  it('are enough to skip as soon as they are', () => {
    const scenario = friends('a b');
    scenario.arrive(CLEO, DAN);
    scenario.do({ type: 'Play' }, ANA);
    scenario.wait(5_000).do({ type: 'VoteSkip', entryId: scenario.id('a') }, BEN);
    expect(scenario.depart(CLEO)).toEqual(['MembersDeparted']);
    expect(scenario.depart(DAN)).toEqual(['MembersDeparted', 'PlaybackMoved:vote']);
    expect(scenario.wait(LEAD_MS).now).toBe('playing b 0');
  });

  it('are enough to remove as soon as they are', () => {
    const scenario = friends();
    scenario.arrive(CLEO, DAN);
    scenario.do({ type: 'VoteEntry', entryId: scenario.id('b'), value: -1 }, BEN);
    expect(scenario.depart(CLEO, DAN)).toContain('QueueRemoved:vote');
    expect(scenario.order).toEqual(['a', 'c']);
  });

  it('are counted again when the same vote is given again', () => {
    const scenario = friends('a b');
    scenario.arrive(CLEO, DAN);
    const vote = { type: 'VoteSkip', entryId: scenario.id('a') } as const;
    scenario.do(vote, BEN);
    scenario.present = [ANA, BEN];
    expect(scenario.do(vote, BEN)).toEqual(['PlaybackMoved:vote']);
  });

  it('go with those who gave them', () => {
    const scenario = friends('a b');
    scenario.arrive(CLEO, DAN, EVE);
    scenario.do({ type: 'UpdateRoom', settings: { skipVoteShare: 1 } }, ANA);
    const vote = { type: 'VoteSkip', entryId: scenario.id('a') } as const;
    scenario.do(vote, BEN);
    scenario.do(vote, CLEO);
    const votes = () => scenario.state.public.queue[scenario.id('a')]?.skipVotes;
    expect(votes()).toBe(2);
    scenario.depart(BEN);
    expect(votes()).toBe(1);
    scenario.do(vote, DAN);
    expect(votes()).toBe(2);
    scenario.do({ type: 'BanMember', userId: CLEO }, ANA);
    expect(votes()).toBe(1);
    scenario.do({ type: 'BanMember', userId: BEN }, ANA);
    expect(votes()).toBe(1);
  });
});
