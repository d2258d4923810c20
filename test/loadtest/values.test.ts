// What the values of flags may be.
import { describe, expect, it } from 'vitest';
import { ipAddress, listed, pid, positive, wholeNumber } from '../../loadtest/cli/values.ts';

describe('the value of a flag', () => {
  it.each<[string, (text: string) => unknown, string, unknown]>([
    ['a number above 0', positive, '0.5', 0.5],
    ['whole, in a range', wholeNumber(1, 256), '256', 256],
    ['a process', pid, '4242', 4_242],
    ['an address', ipAddress, ' ::1 ', '::1'],
  ])('is %s', (_, read, text, value) => {
    expect(read(text)).toBe(value);
  });

  it.each<[(text: string) => unknown, string, RegExp]>([
    ...['0', '-1', 'many', '', ' ', 'Infinity'].map((text): [typeof positive, string, RegExp] => [
      positive,
      text,
      /a number above 0/,
    ]),
    ...['0.5', '0', '257', 'abc', '', 'NaN'].map((text): [typeof positive, string, RegExp] => [
      ...([wholeNumber(1, 256), text, /a whole number from 1 to 256/] as const),
    ]),
    ...['abc', '0', '-1', '1.5', ''].map((text): [typeof positive, string, RegExp] => [
      ...([pid, text, /is no id of a process/] as const),
    ]),
    [ipAddress, 'here', /"here" is no IP address/],
  ])('is refused in words: %o %j', (read, text, words) => {
    expect(() => read(text)).toThrow(words);
  });

  it('may be several', () => {
    expect(listed(pid)('2,3', listed(pid)('1', []))).toEqual([1, 2, 3]);
    expect(() => listed(pid)('1,x', [])).toThrow(/"x"/);
  });
});
