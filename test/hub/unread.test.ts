// What a peer was sent and has not shown to have read.
import { describe, expect, it } from 'vitest';
import { Unread } from '../../src/ports/unread.ts';

const KIB = 1_024;

describe('what is unread', () => {
  it('is all that was sent until the peer shows that it has read what came before a ping', () => {
    const unread = new Unread();
    unread.sent(60 * KIB);
    expect(unread.due()).toBeUndefined();
    unread.sent(10 * KIB);
    const proof = unread.due();
    unread.sent(30 * KIB);
    expect(unread.bytes).toBe(100 * KIB);
    // One ping at a time.
    expect(unread.due()).toBeUndefined();
    expect(unread.proved(proof!)).toBe(true);
    expect(unread.bytes).toBe(30 * KIB);
  });

  it('is not proved by what is guessed, said twice, or was not asked for', () => {
    const unread = new Unread();
    expect(unread.proved(new Uint8Array())).toBe(false);
    unread.sent(70 * KIB);
    const proof = unread.due()!;
    for (const guess of [new Uint8Array(), new Uint8Array(8), proof.subarray(1)])
      expect(unread.proved(guess)).toBe(false);
    expect(unread.proved(proof)).toBe(true);
    unread.sent(70 * KIB);
    expect(unread.due()).not.toEqual(proof);
    expect(unread.proved(proof)).toBe(false);
    expect(unread.bytes).toBe(70 * KIB);
  });

  it('is asked for again where more was sent meanwhile, and counts a frame for a quarter of a MiB at most', () => {
    const unread = new Unread();
    unread.sent(5_000 * KIB);
    expect(unread.bytes).toBe(256 * KIB);
    const proof = unread.due()!;
    unread.sent(100 * KIB);
    expect(unread.proved(proof)).toBe(true);
    expect(unread.due()).toBeDefined();
  });

  it('is asked for with the same bytes again, some times, where another pong came', () => {
    const unread = new Unread();
    expect(unread.again()).toBeUndefined();
    unread.sent(70 * KIB);
    const proof = unread.due();
    for (let n = 0; n < 8; n += 1) expect(unread.again()).toEqual(proof);
    expect(unread.again()).toBeUndefined();
    expect(unread.proved(proof!)).toBe(true);
    expect(unread.again()).toBeUndefined();
  });
});
