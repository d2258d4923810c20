// JSON as a room's state may be: no null, and names that mean something to prototypes among the others.
import fc from 'fast-check';
import type { JsonObject, JsonValue } from '../../../protocol/merge-patch.ts';

const name = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom('a', 'b', 'c', 'd') },
  {
    weight: 2,
    arbitrary: fc.constantFrom('__proto__', 'constructor', 'prototype', 'toString', 'valueOf'),
  },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 3 }) },
  { weight: 1, arbitrary: fc.constantFrom('', '10', '9', '\ufb33', '\u{1d11e}', 'é', 'e\u0301') },
);

const leaf: fc.Arbitrary<JsonValue> = fc.oneof(
  fc.boolean(),
  fc.integer({ min: -3, max: 3 }),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.string({ unit: 'binary', maxLength: 4 }),
);

/** Built as `JSON.parse` builds it: `__proto__` becomes a member of its own. */
function objectOf(value: fc.Arbitrary<JsonValue>): fc.Arbitrary<JsonObject> {
  return fc
    .array(fc.tuple(name, value), { maxLength: 5 })
    .map((members) => Object.fromEntries(members));
}

interface Kinds {
  readonly value: JsonValue;
  readonly object: JsonObject;
}

function kinds(leaves: fc.Arbitrary<JsonValue>): { [K in keyof Kinds]: fc.Arbitrary<Kinds[K]> } {
  const { value } = fc.letrec<{ value: JsonValue }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 4, withCrossShrink: true },
      leaves,
      fc.array(tie('value'), { maxLength: 3 }),
      objectOf(tie('value')),
    ),
  }));
  return { value, object: objectOf(value) };
}

/** A state: an object without null at any depth (RM5). */
export const stateJson: fc.Arbitrary<JsonObject> = kinds(leaf).object;
/** A patch: null anywhere. */
export const patchJson: fc.Arbitrary<JsonObject> = kinds(
  fc.oneof({ weight: 3, arbitrary: leaf }, { weight: 2, arbitrary: fc.constant(null) }),
).object;

/** The same state with the members of each object in another order. */
export function reordered<T extends JsonValue>(value: T): T {
  if (Array.isArray(value)) return value.map((item: JsonValue) => reordered(item)) as unknown as T;
  if (typeof value !== 'object' || value === null) return value;
  const members = Object.entries(value).map(([key, inner]) => [key, reordered(inner)] as const);
  return Object.fromEntries(members.reverse()) as T;
}
