// Finds and follows the `$ref`s of a JSON document.

export interface Reference {
  /** Where it stands, as a JSON pointer. */
  readonly from: string;
  readonly to: string;
}

export function referencesIn(value: unknown, from = '#'): Reference[] {
  if (Array.isArray(value)) {
    return value.flatMap((item, i) => referencesIn(item, `${from}/${i}`));
  }
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) =>
    key === '$ref' && typeof inner === 'string'
      ? [{ from, to: inner }]
      : referencesIn(inner, `${from}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`),
  );
}

/** What stands at a JSON pointer (RFC 6901, as a fragment); undefined where nothing does. */
export function resolve(document: unknown, pointer: string): unknown {
  if (!pointer.startsWith('#/')) return undefined;
  return pointer
    .slice(2)
    .split('/')
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'))
    .reduce<unknown>(
      (at, step) =>
        typeof at === 'object' && at !== null && Object.hasOwn(at, step)
          ? (at as Record<string, unknown>)[step]
          : undefined,
      document,
    );
}
