// The state hash against a reference with BigInt, and against what canonical JSON has to hold.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalJson, fnv1a64, stateHash } from '../../protocol/state-hash.ts';
import { reordered, stateJson } from './support/arbitrary-json.ts';
import { fnv1a64Reference } from './support/reference.ts';

// The same cases each time: another seed is another test.
fc.configureGlobal({ seed: 7 });

const utf8 = new TextEncoder();

describe('stateHash', () => {
  it('RM6: FNV-1a is what its authors write, on any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (text) => {
        expect(fnv1a64(text)).toBe(fnv1a64Reference(utf8.encode(text)));
      }),
      { numRuns: 1_000 },
    );
  });

  it('RM6: it is that of the UTF-8 of canonical JSON', () => {
    fc.assert(
      fc.property(stateJson, (state) => {
        expect(stateHash(state)).toBe(fnv1a64Reference(utf8.encode(canonicalJson(state))));
      }),
    );
  });

  it('RM6: the order of members is of no account', () => {
    fc.assert(
      fc.property(stateJson, (state) => {
        expect(stateHash(reordered(state))).toBe(stateHash(state));
      }),
      { numRuns: 500 },
    );
  });

  it('RM6: other states have other hashes', () => {
    fc.assert(
      fc.property(stateJson, stateJson, (a, b) => {
        const isSame = canonicalJson(a) === canonicalJson(b);
        expect(stateHash(a) === stateHash(b)).toBe(isSame);
      }),
      { numRuns: 500 },
    );
  });

  it('a member that is undefined is as good as absent', () => {
    expect(stateHash({ a: 1, b: undefined })).toBe(stateHash({ a: 1 }));
  });
});

describe('canonicalJson', () => {
  it('RM6: reads back as it was, without white space, members in order', () => {
    fc.assert(
      fc.property(stateJson, (state) => {
        const text = canonicalJson(state);
        const read = JSON.parse(text, (_key, value: unknown) => {
          if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
            const keys = membersInText(value);
            expect(keys).toEqual([...keys].sort());
          }
          return value;
        }) as object;
        expect(canonicalJson(read)).toBe(text);
        expect(text.length).toBeLessThanOrEqual(JSON.stringify(state).length);
      }),
      { numRuns: 500 },
    );
  });
});

/** Names in the order of the text; those that look like indices come first in an object, whatever the text, and say nothing. */
function membersInText(object: object): string[] {
  return Object.keys(object).filter((key) => !/^(?:0|[1-9][0-9]*)$/.test(key));
}
