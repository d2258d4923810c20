// Owns the one error type of the SDK, and how the hub's refusals and closings become one; knows no socket.
import { CLOSE_CODES, mayReconnect, type CloseReason } from '../../protocol/close-codes.ts';
import { ERROR_CODES, type ErrorCode } from '../../protocol/errors.ts';

/** Beside the hub's own codes: the socket died before the answer; no answer in time; the client was closed. */
export type EarshotErrorCode = ErrorCode | 'connection_lost' | 'timeout' | 'closed';

export interface EarshotErrorDetails {
  /** Whether the same request may succeed later. By default as the table of codes has it. */
  readonly retryable?: boolean;
  /** Not before this, ms. */
  readonly retryAfterMs?: number;
  /** HTTP status, where REST was asked. */
  readonly status?: number;
  readonly cause?: unknown;
}

/** What every rejected promise of the SDK carries. `message` is for a developer, in English. */
export class EarshotError extends Error {
  readonly code: EarshotErrorCode;
  readonly retryable: boolean;
  // Declared only: absent where nothing was told, and not there as undefined.
  declare readonly retryAfterMs?: number;
  declare readonly status?: number;

  constructor(code: EarshotErrorCode, message: string, details: EarshotErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = 'EarshotError';
    this.code = code;
    this.retryable = details.retryable ?? isRetryable(code);
    if (details.retryAfterMs !== undefined) this.retryAfterMs = details.retryAfterMs;
    if (details.status !== undefined) this.status = details.status;
  }
}

function isRetryable(code: EarshotErrorCode): boolean {
  if (isErrorCode(code)) return ERROR_CODES[code].retryable;
  return code !== 'closed';
}

export function isErrorCode(code: unknown): code is ErrorCode {
  return typeof code === 'string' && Object.hasOwn(ERROR_CODES, code);
}

/** A refusal as it came over the wire: a code that this version does not know counts as `internal`. */
export function refusalError(
  refusal: {
    readonly code?: unknown;
    readonly message?: unknown;
    readonly retryable?: unknown;
    readonly retryAfterMs?: unknown;
  },
  status?: number,
): EarshotError {
  const { code, message, retryable, retryAfterMs } = refusal;
  const text = typeof message === 'string' ? message : 'the hub refused without a reason';
  return new EarshotError(isErrorCode(code) ? code : 'internal', text, {
    ...(typeof retryable === 'boolean' ? { retryable } : {}),
    ...(typeof retryAfterMs === 'number' && retryAfterMs >= 0 ? { retryAfterMs } : {}),
    ...(status === undefined ? {} : { status }),
  });
}

const CLOSE_NAMES = new Map<number, CloseReason>(
  (Object.entries(CLOSE_CODES) as [CloseReason, number][]).map(([name, code]) => [code, name]),
);

/** The name of a close code, `network` for those of the transport, and a plain name for those of another version. */
export function closeCause(code: number): string {
  return CLOSE_NAMES.get(code) ?? (code >= 4000 && code <= 4999 ? `code_${code}` : 'network');
}

const CODE_OF_CLOSE: Partial<Record<string, EarshotErrorCode>> = {
  unauthorised: 'unauthorised',
  revoked: 'unauthorised',
  token_expired: 'unauthorised',
  forbidden_origin: 'forbidden',
  too_many_connections: 'conflict',
};

/** Why a connection that will not come back was closed. */
export function closeError(code: number, reason: string): EarshotError {
  const cause = closeCause(code);
  return new EarshotError(
    CODE_OF_CLOSE[cause] ?? 'closed',
    reason === '' ? `the hub closed the connection: ${cause}` : reason,
    { retryable: mayReconnect(code) && cause !== 'token_expired' },
  );
}
