// Cursors of pages: where a page ended, as one opaque word. Knows neither what is listed nor who asks.
import { z } from '@hono/zod-openapi';
import { refuse } from '../../protocol/errors.ts';
import { ProblemError } from './problem.ts';

export interface Cursor<Place> {
  of(place: Place): string;
  /** Throws a `bad_request` for what this kind of cursor never was. */
  read(cursor: string): Place;
}

/**
 * @param kind tells the cursors of one list from those of another
 * @param schema of the place, as JSON
 */
export function cursorOf<Place extends object>(
  kind: string,
  schema: z.ZodType<Place>,
): Cursor<Place> {
  const Cursors = z.tuple([z.literal(kind), schema]);
  return {
    of: (place) => Buffer.from(JSON.stringify([kind, place])).toString('base64url'),
    read: (cursor) => {
      const parsed = Cursors.safeParse(jsonOf(cursor));
      if (parsed.success) return parsed.data[1];
      throw new ProblemError(
        refuse('bad_request', 'cursor: send the `next` of an earlier page of this list, as it was'),
      );
    },
  };
}

function jsonOf(cursor: string): unknown {
  try {
    return JSON.parse(Buffer.from(cursor, 'base64url').toString()) as unknown;
  } catch {
    return undefined;
  }
}

/**
 * The page out of one item more than it holds.
 * @param found at most `limit + 1` items
 */
export function pageOf<Item>(
  found: readonly Item[],
  limit: number,
  next: (last: Item) => string,
): { readonly items: readonly Item[]; readonly next?: string } {
  const items = found.slice(0, limit);
  const last = items.at(-1);
  return found.length > limit && last !== undefined ? { items, next: next(last) } : { items };
}
