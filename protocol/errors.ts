// The one table of refusals: what a request may be answered with, and whether the same request may succeed later.

export const ERROR_CODES = {
  bad_request: {
    status: 400,
    retryable: false,
    means: 'a field is missing, malformed or out of its range; the message names it',
  },
  unknown_type: { status: 400, retryable: false, means: 'this hub knows no request of that type' },
  unauthorised: { status: 401, retryable: false, means: 'no valid token' },
  forbidden: {
    status: 403,
    retryable: false,
    means: 'the role or a setting of the room does not allow it',
  },
  banned: {
    status: 403,
    retryable: false,
    means: 'this person may not enter the room, for now or for ever',
  },
  invite_needed: {
    status: 403,
    retryable: false,
    means: 'the room is private: an invite or an answered knock lets in',
  },
  invite_invalid: {
    status: 403,
    retryable: false,
    means: 'the invite has expired, is used up, was revoked or never was',
  },
  guests_disabled: { status: 403, retryable: false, means: 'this hub gives no tokens to guests' },
  not_found: {
    status: 404,
    retryable: false,
    means: 'no such thing, or none that this person may know of',
  },
  not_in_room: {
    status: 409,
    retryable: false,
    means: 'the request needs a connection that has joined the room',
  },
  stale: {
    status: 409,
    retryable: false,
    means: 'the room has moved on from what the request was meant for',
  },
  conflict: {
    status: 409,
    retryable: false,
    means: 'the state does not allow it: the message tells why',
  },
  room_closed: { status: 410, retryable: false, means: 'the room was closed for good' },
  queue_full: {
    status: 409,
    retryable: false,
    means: 'the queue holds as many entries as the room allows',
  },
  room_full: {
    status: 409,
    retryable: true,
    means: 'the room holds as many people as the hub allows',
  },
  too_large: {
    status: 413,
    retryable: false,
    means: 'the request is larger than the limit that it names',
  },
  rate_limited: {
    status: 429,
    retryable: true,
    means: 'too many requests: come back after retryAfterMs',
  },
  internal: { status: 500, retryable: true, means: 'the hub failed; it has been logged there' },
  unavailable: {
    status: 503,
    retryable: true,
    means: 'a store is away for the moment; nothing was changed',
  },
} as const;

export type ErrorCode = keyof typeof ERROR_CODES;

/** An expected refusal, as a value. `message` is for a developer, in English, and names what is wrong. */
export interface Refusal {
  readonly code: ErrorCode;
  readonly message: string;
  readonly retryAfterMs?: number;
}

export function refuse(code: ErrorCode, message: string, retryAfterMs?: number): Refusal {
  return retryAfterMs === undefined ? { code, message } : { code, message, retryAfterMs };
}
