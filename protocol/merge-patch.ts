// JSON Merge Patch (RFC 7396) over plain JSON values: making one and applying one, in time proportional to what changed.

export type JsonValue = null | boolean | number | string | readonly JsonValue[] | JsonObject;
export interface JsonObject {
  readonly [key: string]: JsonValue;
}

/**
 * What an object may carry without being mistaken for one: our own types have no index signature, and a patch needs none.
 * Values must be JSON; a member that is `undefined` counts as absent.
 */
export type JsonLike = object;

type Members = Record<string, unknown>;

function isObject(value: unknown): value is Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function equal(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (Array.isArray(a)) {
    return Array.isArray(b) && a.length === b.length && a.every((item, i) => equal(item, b[i]));
  }
  if (!isObject(a) || !isObject(b)) return false;
  const keys = keysOf(a);
  return (
    keys.length === keysOf(b).length &&
    keys.every((key) => Object.hasOwn(b, key) && equal(a[key], b[key]))
  );
}

function keysOf(members: Members): string[] {
  return Object.keys(members).filter((key) => members[key] !== undefined);
}

/**
 * The patch that turns `before` into `after`. Subtrees that are the same reference are skipped, so the cost is that of the change
 * where states share structure. Neither may contain `null`: in a patch it means removal (RM5).
 */
export function diff(before: JsonLike, after: JsonLike): JsonObject {
  return diffMembers(before as Members, after as Members) as JsonObject;
}

function diffMembers(before: Members, after: Members): Members {
  const patch: Members = {};
  for (const key of Object.keys(before)) {
    if (before[key] !== undefined && (!Object.hasOwn(after, key) || after[key] === undefined)) {
      setOwn(patch, key, null);
    }
  }
  for (const key of Object.keys(after)) {
    const to = after[key];
    const from = Object.hasOwn(before, key) ? before[key] : undefined;
    if (to === undefined || to === from) continue;
    if (isObject(to) && isObject(from)) {
      const inner = diffMembers(from, to);
      if (Object.keys(inner).length > 0) setOwn(patch, key, inner);
    } else if (!equal(from, to)) {
      setOwn(patch, key, to);
    }
  }
  return patch;
}

/**
 * `target` with `patch` applied; `target` itself is left as it is, and what the patch does not touch is shared with it.
 * Keys such as `__proto__` become plain members and reach no prototype.
 */
export function applyPatch<T extends JsonLike>(target: T, patch: JsonObject): T {
  return applyMembers(target as unknown as Members, patch) as unknown as T;
}

function applyMembers(target: Members | undefined, patch: Members): Members {
  const result: Members = { ...target };
  for (const key of Object.keys(patch)) {
    const value = patch[key];
    if (value === null) {
      // Reflect: a plain delete of a computed key reads as an accident, and this one is the point.
      Reflect.deleteProperty(result, key);
    } else if (isObject(value)) {
      const inner = Object.hasOwn(result, key) ? result[key] : undefined;
      setOwn(result, key, applyMembers(isObject(inner) ? inner : undefined, value));
    } else {
      setOwn(result, key, value);
    }
  }
  return result;
}

function setOwn(object: Members, key: string, value: unknown): void {
  if (key === '__proto__') {
    Object.defineProperty(object, key, {
      value,
      enumerable: true,
      configurable: true,
      writable: true,
    });
  } else {
    object[key] = value;
  }
}
