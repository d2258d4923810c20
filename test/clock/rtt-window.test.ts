import { describe, expect, it } from 'vitest';
import { RttWindow } from '../../src/clock/rtt-window.ts';

describe('RttWindow', () => {
  const after = (...rtts: number[]): number => {
    const window = new RttWindow();
    for (const rtt of rtts) window.add(rtt);
    return window.usualMs;
  };
  const steady = Array.from({ length: 16 }, () => 40);

  it('knows nothing before the first, and nothing of what is no number', () => {
    expect(after()).toBe(Infinity);
    expect(after(NaN, Infinity)).toBe(Infinity);
  });

  it('is not led astray by one burst that met a stall, but by a link that has become slow', () => {
    expect(after(...steady, 900, 880, 860, 840)).toBe(40);
    expect(after(...steady, ...steady.slice(0, 11).map(() => 300))).toBe(300);
  });

  it('forgets another connection', () => {
    const window = new RttWindow();
    window.add(300);
    window.clear();
    window.add(20);
    expect(window.usualMs).toBe(20);
  });
});
