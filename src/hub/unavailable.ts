// Which faults say that something the hub needs is away or full: whoever asked may ask again. For the socket and for REST.
import { refuse, type Refusal } from '../../protocol/errors.ts';
import { ActivityOutboxFull } from '../ports/activity-outbox.ts';
import { StoreUnavailable } from '../ports/room-log.ts';

const RETRY_AFTER_MS = 1_000;
/** Its store has been away for long: it is not there the next second. */
const RETRY_WHEN_FULL_MS = 5_000;

/** @returns undefined for a fault that asking again does not mend */
export function unavailability(error: unknown): Refusal | undefined {
  if (error instanceof StoreUnavailable)
    return refuse('unavailable', error.message, RETRY_AFTER_MS);
  if (error instanceof ActivityOutboxFull) {
    const message = 'the listening history takes nothing for the moment';
    return refuse('unavailable', message, RETRY_WHEN_FULL_MS);
  }
  return undefined;
}
