// What a body may be before it is read as JSON: reading is where a small hostile text costs most. Knows no route's shape.
import { createMiddleware } from 'hono/factory';
import { refuse, type Refusal } from '../../protocol/errors.ts';
import { ProblemError } from './problem.ts';

/** Five hundred chosen friends are 20 KB. */
export const MAX_SMALL_BODY_BYTES = 64 * 1_024;
/** No body of ours is deeper than six; of what a stranger's export carries beside a listen, nothing is read that deep. */
export const MAX_DEPTH = 64;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPENING: ReadonlySet<number> = new Set([0x5b, 0x7b]);
const CLOSING: ReadonlySet<number> = new Set([0x5d, 0x7d]);

/**
 * Refuses bodies that are large, but on the paths that take in large ones, and those that nest deeper than anything that is meant: 250,000
 * brackets keep `JSON.parse` busy for a fifth of a second, and whoever writes the value again for ever.
 */
export function boundedBodies(largePaths: readonly string[]) {
  return createMiddleware(async (context, next) => {
    if (context.req.raw.body === null) {
      await next();
      return;
    }
    const bytes = new Uint8Array(await context.req.arrayBuffer());
    const refusal = bodyRefusal(bytes, largePaths.includes(context.req.path));
    if (refusal !== undefined) throw new ProblemError(refusal);
    await next();
  });
}

function bodyRefusal(bytes: Uint8Array, isLarge: boolean): Refusal | undefined {
  if (!isLarge && bytes.length > MAX_SMALL_BODY_BYTES)
    return refuse('too_large', `a body here has at most ${MAX_SMALL_BODY_BYTES} bytes`);
  return isDeeperThan(MAX_DEPTH, bytes)
    ? refuse('bad_request', `the body nests more than ${MAX_DEPTH} deep`)
    : undefined;
}

/** By brackets outside of strings. Of what is no JSON it may say anything: it is refused later for that. */
export function isDeeperThan(most: number, bytes: Uint8Array): boolean {
  let depth = 0;
  let isText = false;
  for (let at = 0; at < bytes.length; at += 1) {
    const byte = bytes[at] ?? 0;
    if (isText) {
      if (byte === BACKSLASH) at += 1;
      else if (byte === QUOTE) isText = false;
    } else if (byte === QUOTE) isText = true;
    else if (OPENING.has(byte)) {
      depth += 1;
      if (depth > most) return true;
    } else if (CLOSING.has(byte)) depth -= 1;
  }
  return false;
}
