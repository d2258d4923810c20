// Writes that share a transaction, and what one that is at fault does to its neighbours.
import { describe, expect, it } from 'vitest';
import { GroupCommit } from '../../../src/adapters/postgres/group-commit.ts';
import { StoreUnavailable } from '../../../src/ports/room-log.ts';

interface Commit {
  readonly items: readonly string[];
  readonly finish: () => void;
  readonly fail: (error: Error) => void;
}

/** A store whose commits end when the test says so. */
function manual(options: { laneOf?: (item: string) => string; maxItems?: number } = {}): {
  group: GroupCommit<string, string>;
  readonly next: () => Promise<Commit>;
} {
  const started: Commit[] = [];
  const waiting: ((commit: Commit) => void)[] = [];
  const group = new GroupCommit<string, string>({
    maxItems: options.maxItems ?? 100,
    ...(options.laneOf === undefined ? {} : { laneOf: options.laneOf }),
    commit: (items) =>
      new Promise((resolve, reject) => {
        const commit: Commit = {
          items,
          finish: () => resolve(items.map((item) => `done ${item}`)),
          fail: reject,
        };
        const waiter = waiting.shift();
        if (waiter === undefined) started.push(commit);
        else waiter(commit);
      }),
  });
  return {
    group,
    next: () =>
      new Promise((resolve) => {
        const commit = started.shift();
        if (commit === undefined) waiting.push(resolve);
        else resolve(commit);
      }),
  };
}

describe('GroupCommit', () => {
  it('commits together what arrives while a commit is under way', async () => {
    const { group, next } = manual();
    const a = group.add('a');
    const first = await next();
    const b = group.add('b');
    const c = group.add('c');
    expect(first.items).toEqual(['a']);
    first.finish();
    expect(await a).toBe('done a');
    const second = await next();
    expect(second.items).toEqual(['b', 'c']);
    second.finish();
    expect(await Promise.all([b, c])).toEqual(['done b', 'done c']);
  });

  it('keeps items of one lane apart and in order', async () => {
    const { group, next } = manual({ laneOf: (item) => item.charAt(0) });
    const all = ['a1', 'a2', 'b1', 'a3'].map((item) => group.add(item));
    for (const items of [['a1', 'b1'], ['a2'], ['a3']]) {
      const commit = await next();
      expect(commit.items).toEqual(items);
      commit.finish();
    }
    await Promise.all(all);
  });

  it('does not let the rest overtake an item of their lane that found no place', async () => {
    const { group, next } = manual({ laneOf: (item) => item.charAt(0), maxItems: 1 });
    const all = ['a1', 'b1', 'b2'].map((item) => group.add(item));
    for (const items of [['a1'], ['b1'], ['b2']]) {
      const commit = await next();
      expect(commit.items).toEqual(items);
      commit.finish();
    }
    await Promise.all(all);
  });

  it('commits the neighbours of one that is at fault', async () => {
    const { group, next } = manual();
    const all = Promise.allSettled(['a', 'bad', 'c'].map((item) => group.add(item)));
    const whole = await next();
    whole.fail(new Error('which one it was, nobody knows'));
    for (let i = 0; i < 3; i += 1) {
      const single = await next();
      if (single.items[0] === 'bad') single.fail(new Error('bad'));
      else single.finish();
    }
    expect((await all).map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  });

  it('fails all at once when the store is away, and tries again with the next', async () => {
    const { group, next } = manual();
    const all = Promise.allSettled(['a', 'b'].map((item) => group.add(item)));
    (await next()).fail(new StoreUnavailable('it'));
    expect((await all).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    const c = group.add('c');
    (await next()).finish();
    expect(await c).toBe('done c');
  });
});
