// What is told of a call that did not arrive, and of a server that is away.
import { describe, expect, it } from 'vitest';
import { whyOf } from '../../src/adapters/system/why.ts';

describe('why something outside of the process could not be had', () => {
  it('is the innermost reason', () => {
    const refused = new Error('connect ECONNREFUSED 127.0.0.1:9');
    expect(whyOf(new TypeError('fetch failed', { cause: refused }))).toBe(refused.message);
  });

  it('is told for each address of a name that has several', () => {
    const each = ['::1', '127.0.0.1'].map((host) => new Error(`connect ECONNREFUSED ${host}:9`));
    const failed = new TypeError('fetch failed', { cause: new AggregateError(each) });
    expect(whyOf(failed)).toBe('connect ECONNREFUSED ::1:9; connect ECONNREFUSED 127.0.0.1:9');
  });

  it('is a code where there is no message', () => {
    expect(whyOf(Object.assign(new AggregateError([]), { code: 'ETIMEDOUT' }))).toBe('ETIMEDOUT');
  });

  it('is what an error says that holds something else than an error', () => {
    expect(whyOf(new Error('no answer', { cause: { tried: 3 } }))).toBe('no answer');
    expect(whyOf('gone')).toBe('gone');
  });
});
