// Which faults say that something the hub needs is away: whoever asked may ask again. For the socket and for REST.
import { refuse, type Refusal } from '../../protocol/errors.ts';
import { StoreUnavailable } from '../ports/room-log.ts';

const RETRY_AFTER_MS = 1_000;

/** @returns undefined for a fault that asking again does not mend */
export function unavailability(error: unknown): Refusal | undefined {
  if (error instanceof StoreUnavailable)
    return refuse('unavailable', error.message, RETRY_AFTER_MS);
  return undefined;
}
