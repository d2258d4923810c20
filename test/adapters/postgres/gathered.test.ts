// Questions of many callers as few statements: what waits for which, and who hears of a failure.
import { describe, expect, it } from 'vitest';
import { Gathered } from '../../../src/adapters/postgres/gathered.ts';

/** What was asked together, and the means to answer it. */
function asker(most = 100) {
  const asked: { readonly questions: readonly number[]; answer(): void; fail(): void }[] = [];
  const gathered = new Gathered<number, string>(
    (questions) =>
      new Promise((resolve, reject) => {
        asked.push({
          questions,
          answer: () => resolve(questions.map((n) => `answer ${n}`)),
          fail: () => reject(new Error('away')),
        });
      }),
    most,
  );
  return { gathered, asked };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

describe('gathered questions', () => {
  it('do not wait where nothing is under way', () => {
    const { gathered, asked } = asker();
    void gathered.ask(1);
    expect(asked.map(({ questions }) => questions)).toEqual([[1]]);
  });

  it('are asked together once the one before is answered, and each gets its own answer', async () => {
    const { gathered, asked } = asker();
    const all = Promise.all([1, 2, 3].map((n) => gathered.ask(n)));
    expect(asked).toHaveLength(1);
    asked[0]?.answer();
    await turn();
    expect(asked.map(({ questions }) => questions)).toEqual([[1], [2, 3]]);
    asked[1]?.answer();
    expect(await all).toEqual(['answer 1', 'answer 2', 'answer 3']);
  });

  it('are no more than may be asked at once', async () => {
    const { gathered, asked } = asker(2);
    const all = Promise.all([1, 2, 3, 4].map((n) => gathered.ask(n)));
    for (let n = 0; n < 3; n += 1) {
      asked[n]?.answer();
      await turn();
    }
    expect(asked.map(({ questions }) => questions)).toEqual([[1], [2, 3], [4]]);
    await all;
  });

  it('fail together, and the next are asked as if nothing had been', async () => {
    const { gathered, asked } = asker();
    const all = Promise.allSettled([1, 2, 3].map((n) => gathered.ask(n)));
    asked[0]?.answer();
    await turn();
    asked[1]?.fail();
    expect((await all).map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected']);
    const next = gathered.ask(4);
    asked[2]?.answer();
    expect(await next).toBe('answer 4');
  });

  it('fail where there are not as many answers', async () => {
    const gathered = new Gathered<number, string>(() => Promise.resolve([]), 10);
    await expect(gathered.ask(1)).rejects.toThrow('not as many answers');
  });
});
