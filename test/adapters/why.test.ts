// What is told of a call that did not arrive, and of a server that is away.
import { describe, expect, it } from 'vitest';
import { whyOf } from '../../src/adapters/system/why.ts';
import { StoreUnavailable } from '../../src/ports/room-log.ts';

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

  it('names the server that an error repeats its cause for', () => {
    const closed = new Error('Socket closed unexpectedly');
    const ofMaster = new Error(`Master Client (10.0.0.5:6379): ${closed.message}`, {
      cause: closed,
    });
    expect(whyOf(new StoreUnavailable('Redis', { cause: ofMaster }))).toBe(ofMaster.message);
  });

  it('is one line, however many its error has', () => {
    const wrongVersion = new Error('write EPROTO 40:error:\nwrong version number:\n');
    expect(whyOf(wrongVersion)).toBe('write EPROTO 40:error: wrong version number:');
  });

  it('is a code where there is no message', () => {
    expect(whyOf(Object.assign(new AggregateError([]), { code: 'ETIMEDOUT' }))).toBe('ETIMEDOUT');
  });

  it('is what an error says that holds something else than an error', () => {
    expect(whyOf(new Error('no answer', { cause: { tried: 3 } }))).toBe('no answer');
    expect(whyOf('gone')).toBe('gone');
  });
});
