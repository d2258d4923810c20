// Taking back changes of the queue, when the room has moved on since.
import { describe, expect, it } from 'vitest';
import { MAX_RANK_LENGTH } from '../../src/domain/ranks.ts';
import { ANA, BEN, CLEO, friends, type Scenario } from './support/room-scenario.ts';

describe('undo', () => {
  it('takes back one’s own last change, and the host anybody’s', () => {
    const scenario = friends('a b');
    scenario.add(BEN, 'c');
    scenario.do({ type: 'RemoveFromQueue', entryIds: [scenario.id('b')] }, ANA);
    scenario.do({ type: 'UndoQueue' }, BEN);
    expect(scenario.order).toEqual(['a']);
    expect(scenario.refusal({ type: 'UndoQueue' }, BEN)).toBe('conflict');
    scenario.do({ type: 'UndoQueue' }, ANA);
    expect(scenario.order).toEqual(['a', 'b']);
    scenario.add(BEN, 'd');
    scenario.do({ type: 'UndoQueue' }, ANA);
    expect(scenario.order).toEqual(['a', 'b']);
  });

  it('puts an entry back where it was, though its rank was taken since', () => {
    const scenario = friends();
    scenario.do({ type: 'RemoveFromQueue', entryIds: [scenario.id('c')] }, ANA);
    scenario.add(BEN, 'd');
    scenario.do({ type: 'UndoQueue' }, BEN);
    scenario.add(BEN, 'e');
    scenario.do({ type: 'UndoQueue' }, ANA);
    scenario.do({ type: 'UndoQueue' }, ANA);
    expect(scenario.order).toEqual(['a', 'b', 'c']);
  });

  it('undoes a move, but not into what has played', () => {
    const scenario = friends('a b c d');
    scenario.do({ type: 'MoveInQueue', entryId: scenario.id('b') }, BEN);
    expect(scenario.order).toEqual(['a', 'c', 'd', 'b']);
    scenario.do({ type: 'Jump', to: scenario.id('c') }, ANA);
    scenario.wait(1_000).do({ type: 'UndoQueue' }, BEN);
    expect(scenario.order).toEqual(['a', 'c', 'b', 'd']);
  });

  it('brings back among those to come what was to come, though the room has passed its place', () => {
    const scenario = friends('a b b2 c d');
    scenario.do({ type: 'RemoveFromQueue', entryIds: [scenario.id('b'), scenario.id('b2')] }, ANA);
    scenario.do({ type: 'Jump', to: scenario.id('c') }, ANA);
    scenario.wait(1_000).do({ type: 'UndoQueue' }, ANA);
    expect(scenario.order).toEqual(['a', 'c', 'b', 'b2', 'd']);
  });

  it('brings back among what has played what was playing', () => {
    const scenario = friends();
    scenario.do({ type: 'Play' }, ANA);
    scenario.wait(5_000).do({ type: 'RemoveFromQueue', entryIds: [scenario.id('a')] }, ANA);
    scenario.wait(5_000).do({ type: 'UndoQueue' }, ANA);
    expect(scenario.order).toEqual(['a', 'b', 'c']);
    expect(scenario.now).toMatch(/^playing b/);
  });

  it('reaches back as far as its limit and no further', () => {
    const scenario = friends('a');
    scenario.limits = { maxUndo: 2 };
    scenario.add(BEN, 'b');
    scenario.add(BEN, 'c');
    scenario.add(BEN, 'd');
    scenario.do({ type: 'UndoQueue' }, BEN);
    scenario.do({ type: 'UndoQueue' }, BEN);
    expect(scenario.order).toEqual(['a', 'b']);
    scenario.limits = { maxUndo: 1 };
    scenario.add(ANA, 'e');
    expect(scenario.refusal({ type: 'UndoQueue' }, BEN)).toBe('conflict');
  });

  it('does not take back a move in an order of chance that is over', () => {
    const scenario = friends('a b c d e f g h');
    scenario.do({ type: 'SetMode', shuffle: true }, ANA);
    const last = scenario.order.at(-1) ?? '';
    const second = scenario.order[1] ?? '';
    const move = { entryId: scenario.id(last), beforeEntryId: scenario.id(second) };
    scenario.do({ type: 'MoveInQueue', ...move }, BEN);
    scenario.do({ type: 'SetMode', shuffle: false }, ANA);
    scenario.do({ type: 'SetMode', shuffle: true }, ANA);
    expect(scenario.refusal({ type: 'UndoQueue' }, BEN)).toBe('conflict');
  });
});

describe('a queue that was numbered anew', () => {
  /** Puts entries between the same two until a rank is as long as it may be. */
  function growRanks(scenario: Scenario): void {
    scenario.limits = { maxQueueEntries: 5_000 };
    const longest = (): number =>
      Math.max(...Object.values(scenario.state.public.queue).map(({ rank }) => rank.length));
    for (let i = 0; longest() < MAX_RANK_LENGTH; i += 1) {
      scenario.add(CLEO, `m${String(i)}`, 'next');
    }
  }

  /** Goes on until the queue has been numbered anew, which must be soon: so many steps are not remembered. */
  function renumber(scenario: Scenario): void {
    for (let i = 0; i < 15; i += 1) {
      const events = scenario.add(CLEO, `o${String(i)}`, 'next');
      if (events.includes('QueueReordered:renumbered')) return;
    }
    throw new Error('the queue was not numbered anew');
  }

  const named = (scenario: Scenario): string =>
    scenario.order.filter((title) => title.length === 1).join('');

  it('takes a move back to between the same two', () => {
    const scenario = friends('a b c d e f');
    growRanks(scenario);
    scenario.do({ type: 'MoveInQueue', entryId: scenario.id('c') }, BEN);
    renumber(scenario);
    expect(named(scenario)).toBe('abdefc');
    scenario.do({ type: 'UndoQueue' }, BEN);
    expect(named(scenario)).toBe('abcdef');
  });

  it('brings removed entries back to where they were', () => {
    const scenario = friends('a b c d e f');
    growRanks(scenario);
    const entryIds = ['c', 'd', 'f'].map((title) => scenario.id(title));
    scenario.do({ type: 'RemoveFromQueue', entryIds }, BEN);
    renumber(scenario);
    expect(named(scenario)).toBe('abe');
    scenario.do({ type: 'UndoQueue' }, BEN);
    expect(named(scenario)).toBe('abcdef');
  });

  it('keeps the order of chance while its ranks are numbered anew', () => {
    const scenario = friends('a b c d');
    scenario.limits = { maxQueueEntries: 5_000 };
    scenario.do({ type: 'SetMode', shuffle: true }, ANA);
    const seen: string[] = [];
    for (let i = 0; !seen.includes('QueueReordered:renumbered'); i += 1) {
      expect(i).toBeLessThan(1_000);
      seen.push(...scenario.add(CLEO, `n${String(i)}`, 'next'));
      expect(scenario.order[1]).toBe(`n${String(i)}`);
    }
    expect(seen).not.toContain('PlaybackModeSet');
  });
});
