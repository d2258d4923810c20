// Reading and changing the id-keyed maps of a room's state. Ids come from outside, so `constructor` and `__proto__` are keys like any other.

/** The value that `record` itself holds under `key`; never one of its prototype. */
export function lookup<K extends string, V>(record: Readonly<Record<K, V>>, key: K): V | undefined {
  return Object.hasOwn(record, key) ? record[key] : undefined;
}

/** Like `Object.keys`, with the type of the keys kept. */
export function keysOf<K extends string>(record: Readonly<Record<K, unknown>>): K[] {
  return Object.keys(record) as K[];
}

export function entriesOf<K extends string, V>(record: Readonly<Record<K, V>>): [K, V][] {
  return Object.entries(record) as [K, V][];
}

/** `record` with `key` set; the same reference where it held that very value. */
export function withKey<K extends string, V>(
  record: Readonly<Record<K, V>>,
  key: K,
  value: V,
): Readonly<Record<K, V>> {
  if (Object.hasOwn(record, key) && record[key] === value) return record;
  return { ...record, [key]: value };
}

/** `record` without `keys`; the same reference where it held none of them. */
export function withoutKeys<K extends string, V>(
  record: Readonly<Record<K, V>>,
  keys: readonly K[],
): Readonly<Record<K, V>> {
  const present = keys.filter((key) => Object.hasOwn(record, key));
  if (present.length === 0) return record;
  const rest = { ...record };
  for (const key of present) Reflect.deleteProperty(rest, key);
  return rest;
}

/** `object` without an optional member; the same reference where it has none. */
export function withoutMember<T extends object, K extends keyof T>(object: T, key: K): Omit<T, K> {
  if (!Object.hasOwn(object, key)) return object;
  const { [key]: _gone, ...rest } = object;
  return rest;
}
