// What is told of a person who was erased: only what they did after it, should they have come back. Pure.
import type { HubMs, UserId } from '../../protocol/ids.ts';

interface Told {
  readonly kind: 'activity' | 'heard' | 'remove';
  readonly userId: UserId;
  readonly at?: HubMs;
  readonly spans?: readonly (readonly [HubMs, HubMs])[];
}

/**
 * Those that are not of before their person's erasure, as an outbox may still hold them. Removals are all kept: they make nothing.
 * @param erasedAt of those who were erased
 */
export function sinceErased<T extends Told>(
  entries: readonly T[],
  erasedAt: ReadonlyMap<UserId, HubMs>,
): T[] {
  return entries.filter(({ kind, userId, at, spans }) => {
    const erased = erasedAt.get(userId);
    if (erased === undefined || kind === 'remove') return true;
    const begun = kind === 'heard' ? Math.min(...(spans ?? []).map(([from]) => from)) : at;
    return begun !== undefined && begun > erased;
  });
}
