// What an operator is told of a call that did not arrive.
import { describe, expect, it } from 'vitest';
import { whyOf } from '../../src/operator-calls.ts';

describe('why a call of an operator failed', () => {
  it('is the innermost reason', () => {
    const refused = new Error('connect ECONNREFUSED 127.0.0.1:9');
    expect(whyOf(new TypeError('fetch failed', { cause: refused }))).toBe(refused.message);
  });

  it('is told for each address of a name that has several', () => {
    const each = ['::1', '127.0.0.1'].map((host) => new Error(`connect ECONNREFUSED ${host}:9`));
    const failed = new TypeError('fetch failed', { cause: new AggregateError(each) });
    expect(whyOf(failed)).toBe('connect ECONNREFUSED ::1:9; connect ECONNREFUSED 127.0.0.1:9');
  });
});
