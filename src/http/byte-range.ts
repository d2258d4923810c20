// Reads the Range header (RFC 9110 §14). Pure: knows no files.
import type { ByteRange } from '../ports/catalogue.ts';

export type RequestedRange =
  | { readonly kind: 'whole' }
  | { readonly kind: 'part'; readonly range: ByteRange }
  | { readonly kind: 'unsatisfiable' };

const WHOLE: RequestedRange = { kind: 'whole' };
const UNSATISFIABLE: RequestedRange = { kind: 'unsatisfiable' };
/** Of a header: two numbers and some space need no more. */
const MAX_CHARACTERS = 100;
/** No two parts that repeat may take the same: the header is a stranger's, who could have it tried in ever more ways. */
const ONE_RANGE = /^bytes\s*=\s*(?:(\d+)\s*)?-\s*(?:(\d+)\s*)?$/iu;

/**
 * What `header` asks of a representation of `sizeBytes`. A header that is absent, malformed, too long, in another unit or names several
 * ranges asks for the whole: a server may ignore it, and no player needs a multipart answer.
 */
export function parseByteRange(header: string | undefined, sizeBytes: number): RequestedRange {
  if (header === undefined || header.length > MAX_CHARACTERS) return WHOLE;
  const match = ONE_RANGE.exec(header);
  if (!match) return WHOLE;
  const [, first = '', last = ''] = match;
  if (first === '') {
    if (last === '') return WHOLE;
    const suffixBytes = Number(last);
    if (suffixBytes === 0 || sizeBytes === 0) return UNSATISFIABLE;
    return {
      kind: 'part',
      range: { start: Math.max(0, sizeBytes - suffixBytes), end: sizeBytes - 1 },
    };
  }
  const start = Number(first);
  if (last !== '' && Number(last) < start) return WHOLE; // Invalid, not unsatisfiable (RFC 9110 §14.1.1).
  if (start >= sizeBytes) return UNSATISFIABLE;
  const end = last === '' ? sizeBytes - 1 : Math.min(Number(last), sizeBytes - 1);
  return { kind: 'part', range: { start, end } };
}
