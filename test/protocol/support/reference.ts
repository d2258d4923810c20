// The protocol's algorithms once more, written from the RFCs and SPEC.md to be plain and slow: what ours are held against.

/** FNV-1a of 64 bits, as its authors write it. */
export function fnv1a64Reference(bytes: Uint8Array): string {
  let hash = 0xcbf29ce484222325n;
  for (const byte of bytes) {
    hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n);
  }
  return hash.toString(16).padStart(16, '0');
}

/** RFC 7396, section 2, over maps: no key can mean anything there. */
export type Tree = null | boolean | number | string | readonly Tree[] | ReadonlyMap<string, Tree>;

export function mergePatchReference(target: Tree | undefined, patch: Tree): Tree {
  if (!(patch instanceof Map)) return patch;
  const result = new Map<string, Tree>(target instanceof Map ? target : []);
  for (const [name, value] of patch as ReadonlyMap<string, Tree>) {
    if (value === null) result.delete(name);
    else result.set(name, mergePatchReference(result.get(name), value));
  }
  return result;
}

/** JSON as `JSON.parse` gives it, with each object as a map of its own members. */
export function treeOf(json: unknown): Tree {
  if (Array.isArray(json)) return json.map(treeOf);
  if (typeof json === 'object' && json !== null) {
    return new Map(Object.entries(json).map(([name, value]) => [name, treeOf(value)]));
  }
  return json as Tree;
}
