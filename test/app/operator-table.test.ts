import { describe, expect, it } from 'vitest';
import { table } from '../../src/operator-table.ts';

describe('a table for a terminal', () => {
  it('has columns as wide as what stands in them', () => {
    expect(table(['code', 'people'], [['ABCD2345', 3]])).toBe('code      people\nABCD2345  3');
  });

  it('shows names without what would move the cursor or turn the reader round', () => {
    const text = table(['name'], [['\u001b[2J\u202eKitchen\u0007\nroot#']]);
    expect(text).toBe('name\n[2JKitchenroot#');
  });
});
