// The hash by which a client proves that it holds the hub's state: FNV-1a, 64 bits, over canonical JSON (RFC 8785) in UTF-8 (RM6).

/**
 * Canonical JSON after RFC 8785: members sorted by the UTF-16 units of their names, no white space, numbers as ECMAScript writes
 * them. Members that are `undefined` are left out.
 */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (typeof value === 'object' && value !== null) {
    const members = value as Record<string, unknown>;
    const parts: string[] = [];
    for (const key of Object.keys(members).sort()) {
      if (members[key] !== undefined)
        parts.push(`${JSON.stringify(key)}:${canonicalJson(members[key])}`);
    }
    return `{${parts.join(',')}}`;
  }
  return value === undefined ? 'null' : JSON.stringify(value);
}

/** FNV-1a of 64 bits as 16 hexadecimal digits. In two halves of 32 bits, as a BigInt for each byte would cost a hundred times more. */
export function fnv1a64(text: string): string {
  let high = 0xcbf29ce4;
  let low = 0x84222325;
  // The prime is 2^40 + 0x1b3: hash·prime = (hash << 40) + hash·0x1b3, modulo 2^64.
  for (const byte of new TextEncoder().encode(text)) {
    low ^= byte;
    const lowProduct = (low >>> 0) * 0x1b3;
    const carry = Math.floor(lowProduct / 0x1_0000_0000);
    high = (Math.imul(high, 0x1b3) + carry + (low << 8)) | 0;
    low = lowProduct | 0;
  }
  return hex(high) + hex(low);
}

/** The hash of a room's public state. */
export function stateHash(state: object): string {
  return fnv1a64(canonicalJson(state));
}

function hex(word: number): string {
  return (word >>> 0).toString(16).padStart(8, '0');
}
