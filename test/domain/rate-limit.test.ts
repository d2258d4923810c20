// The token bucket, by hand.
import { describe, expect, it } from 'vitest';
import { KeyedBuckets, fullBucket, takeTokens } from '../../src/domain/rate-limit.ts';

const LIMIT = { perSecond: 10, burst: 4 };

describe('a bucket of tokens', () => {
  it('gives what a rested one holds at once, and tells how long the next takes', () => {
    const bucket = fullBucket(LIMIT, 1_000);
    for (let i = 0; i < 4; i += 1) expect(takeTokens(bucket, LIMIT, 1, 1_000)).toBe(0);
    expect(takeTokens(bucket, LIMIT, 1, 1_000)).toBe(100);
    expect(takeTokens(bucket, LIMIT, 1, 1_060)).toBe(40);
    expect(takeTokens(bucket, LIMIT, 1, 1_100)).toBe(0);
  });

  it('takes nothing where it refuses', () => {
    const bucket = fullBucket(LIMIT, 0);
    expect(takeTokens(bucket, LIMIT, 3, 0)).toBe(0);
    expect(takeTokens(bucket, LIMIT, 2, 0)).toBe(100);
    expect(takeTokens(bucket, LIMIT, 1, 0)).toBe(0);
  });

  it('never holds more than its burst, however long it rests', () => {
    const bucket = fullBucket(LIMIT, 0);
    takeTokens(bucket, LIMIT, 4, 0);
    expect(takeTokens(bucket, LIMIT, 5, 3_600_000)).toBe(100);
    expect(takeTokens(bucket, LIMIT, 4, 3_600_000)).toBe(0);
  });

  it('gains nothing from a clock that runs backward', () => {
    const bucket = fullBucket(LIMIT, 5_000);
    takeTokens(bucket, LIMIT, 4, 5_000);
    expect(takeTokens(bucket, LIMIT, 1, 1_000)).toBe(100);
    expect(takeTokens(bucket, LIMIT, 1, 5_000)).toBe(100);
    expect(takeTokens(bucket, LIMIT, 1, 5_100)).toBe(0);
  });
});

describe('buckets by key', () => {
  it('are each key’s own, and remember who left', () => {
    const buckets = new KeyedBuckets<string>(LIMIT);
    expect(buckets.take('ana', 4, 0)).toBe(0);
    expect(buckets.take('ben', 4, 0)).toBe(0);
    expect(buckets.take('ana', 1, 50)).toBe(50);
  });

  it('forget those that are full again, and only those', () => {
    const buckets = new KeyedBuckets<number>(LIMIT);
    for (let key = 0; key < 10_000; key += 1) buckets.take(key, 4, 0);
    for (let key = 0; key < 10_000; key += 2) buckets.take(key, 2, 400);
    buckets.take(10_000, 1, 400);
    expect(buckets.size).toBe(5_001);
    expect(buckets.take(0, 4, 400)).toBe(200);
  });

  it('are lowered to what is said, below zero too, and never raised', () => {
    const buckets = new KeyedBuckets<string>(LIMIT);
    buckets.lower('ana', 2, 0);
    expect(buckets.take('ana', 3, 0)).toBe(100);
    buckets.lower('ana', -3, 0);
    expect(buckets.take('ana', 1, 0)).toBe(400);
    // One has come back, and is counted before.
    buckets.lower('ana', 1, 100);
    expect(buckets.take('ana', 1, 100)).toBe(300);
    expect(buckets.take('ana', 1, 400)).toBe(0);
    // Nobody is remembered for what is no change.
    buckets.lower('ben', 4, 0);
    expect(buckets.size).toBe(1);
  });
});
