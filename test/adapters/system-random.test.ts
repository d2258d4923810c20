// What is made of the platform's randomness.
import { describe, expect, it } from 'vitest';
import { newNodeId } from '../../src/adapters/system/system-random.ts';

describe('the id of a node', () => {
  it('is what a command line takes as it is, whatever it begins with', () => {
    const made = Array.from({ length: 2_000 }, newNodeId);
    expect(made.filter((id) => !/^[0-9A-Za-z]{12}$/.test(id))).toEqual([]);
    expect(new Set(made).size).toBe(made.length);
  });
});
