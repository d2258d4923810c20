// Who has a turn, and who is next.
import { describe, expect, it } from 'vitest';
import { Turns, type Turn } from '../../src/hub/turns.ts';

/** The names of those whose turn has come, in their order. */
function taking(turns: Turns) {
  const come: string[] = [];
  const take = (name: string): Turn => {
    const turn = turns.take();
    void turn.come.then(() => come.push(name));
    return turn;
  };
  const settled = async (): Promise<readonly string[]> => {
    await new Promise(setImmediate);
    return come;
  };
  return { take, settled };
}

describe('turns', () => {
  it('come for so many at once, and for the others in their order', async () => {
    const turns = new Turns(2);
    const { take, settled } = taking(turns);
    const a = take('a');
    const b = take('b');
    take('c');
    take('d');
    expect(await settled()).toEqual(['a', 'b']);
    expect(turns.waiting).toBe(2);
    b.giveBack();
    expect(await settled()).toEqual(['a', 'b', 'c']);
    a.giveBack();
    expect(await settled()).toEqual(['a', 'b', 'c', 'd']);
  });

  it('are given back once, however often that is said', async () => {
    const turns = new Turns(1);
    const { take, settled } = taking(turns);
    const a = take('a');
    take('b');
    take('c');
    a.giveBack();
    a.giveBack();
    expect(await settled()).toEqual(['a', 'b']);
  });

  it('never come for whoever left before', async () => {
    const turns = new Turns(1);
    const { take, settled } = taking(turns);
    const a = take('a');
    take('b').giveBack();
    take('c');
    expect(turns.waiting).toBe(1);
    a.giveBack();
    expect(await settled()).toEqual(['a', 'c']);
  });
});
