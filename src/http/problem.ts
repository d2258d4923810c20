// Errors of REST: application/problem+json (RFC 9457), from the same table of codes as the socket's.
import { ERROR_CODES, type ErrorCode, type Refusal } from '../../protocol/errors.ts';

export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: ErrorCode;
  readonly retryAfterMs?: number;
}

export function problemOf({ code, message, retryAfterMs }: Refusal): Problem {
  const { status, means } = ERROR_CODES[code];
  return {
    type: `urn:earshot:error:${code}`,
    title: means,
    status,
    detail: message,
    code,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs: Math.ceil(retryAfterMs) }),
  };
}

/** The refusal as a response. Also usable where there is no Hono context. */
export function problemResponse(refusal: Refusal): Response {
  const problem = problemOf(refusal);
  const headers: Record<string, string> = {
    'content-type': 'application/problem+json',
    'cache-control': 'no-store',
  };
  if (problem.retryAfterMs !== undefined)
    headers['retry-after'] = String(Math.ceil(problem.retryAfterMs / 1_000));
  if (refusal.code === 'unauthorised') headers['www-authenticate'] = 'Bearer';
  return new Response(JSON.stringify(problem), { status: problem.status, headers });
}

/** Carries a refusal out of a route to the one place that answers it. */
export class ProblemError extends Error {
  readonly refusal: Refusal;
  constructor(refusal: Refusal) {
    super(refusal.message);
    this.name = 'ProblemError';
    this.refusal = refusal;
  }
}
