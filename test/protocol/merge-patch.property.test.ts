// Patches against RFC 7396 as written, and what our own making and applying of them promise besides.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { applyPatch, diff, type JsonObject, type JsonValue } from '../../protocol/merge-patch.ts';
import { canonicalJson } from '../../protocol/state-hash.ts';
import { patchJson, stateJson } from './support/arbitrary-json.ts';
import { mergePatchReference, treeOf } from './support/reference.ts';

// The same cases each time: another seed is another test.
fc.configureGlobal({ seed: 7 });

const runs = { numRuns: 1_000 };

/** An object's own member, whatever its name. */
function member(object: JsonObject, key: string): JsonValue | undefined {
  return Object.hasOwn(object, key) ? object[key] : undefined;
}

function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Each object of the result that the patch does not reach into is the very one of the target. */
function checkShared(before: JsonObject, patch: JsonObject, after: JsonObject): void {
  for (const key of Object.keys(after)) {
    if (!Object.hasOwn(patch, key)) {
      expect(Object.is(member(after, key), member(before, key))).toBe(true);
      continue;
    }
    const [from, by, to] = [member(before, key), member(patch, key), member(after, key)];
    if (isObject(from) && isObject(by) && isObject(to)) checkShared(from, by, to);
  }
}

function checkPlain(value: JsonValue): void {
  if (Array.isArray(value)) value.forEach(checkPlain);
  else if (isObject(value)) {
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
    for (const key of Object.keys(value)) checkPlain(member(value, key) ?? null);
  }
}

describe('applyPatch', () => {
  it('RM4: does what RFC 7396 says', () => {
    fc.assert(
      fc.property(stateJson, patchJson, (state, patch) => {
        const expected = mergePatchReference(treeOf(state), treeOf(patch));
        expect(treeOf(applyPatch(state, patch))).toEqual(expected);
      }),
      runs,
    );
  });

  it('leaves target and patch as they were', () => {
    fc.assert(
      fc.property(stateJson, patchJson, (state, patch) => {
        const before = [canonicalJson(state), canonicalJson(patch)];
        applyPatch(state, patch);
        expect([canonicalJson(state), canonicalJson(patch)]).toEqual(before);
      }),
      runs,
    );
  });

  it('shares with the target what the patch does not touch', () => {
    fc.assert(
      fc.property(stateJson, patchJson, (state, patch) => {
        checkShared(state, patch, applyPatch(state, patch));
      }),
      runs,
    );
  });

  it('reaches no prototype, and makes plain objects', () => {
    fc.assert(
      fc.property(stateJson, patchJson, (state, patch) => {
        const names = Object.getOwnPropertyNames(Object.prototype);
        checkPlain(applyPatch(state, patch));
        expect(Object.getOwnPropertyNames(Object.prototype)).toEqual(names);
      }),
      runs,
    );
  });

  it('takes applied twice for applied once', () => {
    fc.assert(
      fc.property(stateJson, patchJson, (state, patch) => {
        const once = applyPatch(state, patch);
        expect(canonicalJson(applyPatch(once, patch))).toBe(canonicalJson(once));
      }),
      runs,
    );
  });
});

describe('diff', () => {
  it('RM5: applied to the one gives the other', () => {
    fc.assert(
      fc.property(stateJson, stateJson, (before, after) => {
        const patched = applyPatch(before, diff(before, after));
        // Canonical, as 0 and −0 are one number there (RM6), and `diff` sends nothing for it.
        expect(canonicalJson(patched)).toBe(canonicalJson(after));
      }),
      runs,
    );
  });

  it('RM5: also over the wire', () => {
    fc.assert(
      fc.property(stateJson, stateJson, (before, after) => {
        const sent = JSON.parse(JSON.stringify(diff(before, after))) as JsonObject;
        expect(canonicalJson(applyPatch(before, sent))).toBe(canonicalJson(after));
      }),
      runs,
    );
  });

  it('of what a patch made is that change: small, and nothing where nothing changed', () => {
    fc.assert(
      fc.property(stateJson, stateJson, (state, change) => {
        expect(diff(state, structuredCopy(state))).toEqual({});
        const after = applyPatch(state, change);
        const patch = diff(state, after);
        expect(canonicalJson(applyPatch(state, patch))).toBe(canonicalJson(after));
        expect(canonicalJson(patch).length).toBeLessThanOrEqual(canonicalJson(change).length);
      }),
      runs,
    );
  });

  it('does not look into what both share', () => {
    let looked = false;
    const shared = new Proxy<Record<string, number>>(
      { x: 1 },
      {
        ownKeys: (target) => {
          looked = true;
          return Reflect.ownKeys(target);
        },
      },
    );
    expect(diff({ queue: shared, n: 1 }, { queue: shared, n: 2 })).toEqual({ n: 2 });
    expect(looked).toBe(false);
  });

  it('takes a member that is undefined for one that is absent', () => {
    expect(diff({ a: 1, b: undefined }, { a: undefined, c: undefined })).toEqual({ a: null });
    expect(diff({ list: [{ x: undefined, y: 1 }] }, { list: [{ y: 1 }] })).toEqual({});
    expect(diff({ list: [{ x: undefined, y: 1 }] }, { list: [{ y: 1, z: 2 }] })).toEqual({
      list: [{ y: 1, z: 2 }],
    });
  });

  it('tells a member called __proto__ from the prototype, inside arrays too', () => {
    const before = JSON.parse('{"list":[{"__proto__":{}}]}') as JsonObject;
    expect(diff(before, { list: [{ x: 1 }] })).toEqual({ list: [{ x: 1 }] });
  });
});

function structuredCopy(state: JsonObject): JsonObject {
  return JSON.parse(JSON.stringify(state)) as JsonObject;
}
