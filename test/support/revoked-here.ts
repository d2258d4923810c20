// What a node of a test knows of taken-back tokens: kept in memory, told to nobody else.
import { MemoryRevocations } from '../../src/adapters/memory/memory-revocations.ts';
import { RevokedTokens } from '../../src/hub/revoked-tokens.ts';
import { ListeningWorld } from './listening-world.ts';

/** @param clockToleranceMs none by default: a moment after a revocation is after it */
export function revokedHere(
  wallNow: () => number = () => Date.now(),
  clockToleranceMs = 0,
): RevokedTokens {
  const { feed, time: timers, log } = new ListeningWorld();
  return new RevokedTokens({
    revocations: new MemoryRevocations(),
    ...{ feed, timers, log, wallNow, clockToleranceMs },
  });
}
