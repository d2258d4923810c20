// Owns the reading of what a hub says unasked, but for the pushes of rooms, which are read once for all who get them.
import { PushSchemas, type Push } from '../../protocol/schemas/pushes.ts';
import { objectOf } from './session.ts';

const TYPES: ReadonlySet<unknown> = new Set(Object.keys(PushSchemas));

/** Undefined where it is no JSON object, or of a type that no hub sends. */
export function pushOf(payload: Buffer): Push | undefined {
  const push = objectOf(payload);
  return TYPES.has(push?.['type']) ? (push as unknown as Push) : undefined;
}
