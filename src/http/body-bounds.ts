// What a body may be before it is read as JSON: reading is where a small hostile text costs most. Knows no route's shape.
import { createMiddleware } from 'hono/factory';
import { isDeeperThan } from '../../protocol/codec.ts';
import { refuse, type Refusal } from '../../protocol/errors.ts';
import { ProblemError } from './problem.ts';

/** Five hundred chosen friends are 20 KB. */
export const MAX_SMALL_BODY_BYTES = 64 * 1_024;
/** No body of ours is deeper than six; of what a stranger's export carries beside a listen, nothing is read that deep. */
export const MAX_DEPTH = 64;

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
