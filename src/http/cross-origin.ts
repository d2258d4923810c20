// Pages of other origins at REST (CORS): the allowed ones may call it as our own page does, the others can neither read nor change anything.
import { refuse } from '../../protocol/errors.ts';
import type { HubOptions } from '../hub/hub-options.ts';
import { problemResponse } from './problem.ts';

/** These change nothing, and what they answer a browser keeps from a page that is not allowed. */
const READING: ReadonlySet<string> = new Set(['GET', 'HEAD']);
/** Tokens travel in a header of their own, so no page needs to be allowed to send cookies. */
const PREFLIGHT_ALLOWS = {
  'access-control-allow-methods': 'GET, HEAD, POST, PUT, PATCH, DELETE',
  'access-control-allow-headers':
    'authorization, content-type, if-modified-since, if-none-match, if-range, range',
  'access-control-max-age': '600',
};
const EXPOSED =
  'accept-ranges, content-disposition, content-length, content-range, etag, retry-after';

const FOREIGN = refuse('forbidden', 'pages of this origin may not use this hub');

export interface CrossOrigin {
  /** What is answered without asking the service; undefined where it is to be asked. */
  readonly answer: Response | undefined;
  /** Writes into an answer of the service who may read it. */
  mark(headers: Headers): void;
}

/** Judges a request by the page that sends it. What is no page sends no origin, and is judged by its token alone. */
export function crossOrigin(
  request: Request,
  options: Pick<HubOptions, 'isAllowedOrigin'>,
): CrossOrigin {
  const origin = request.headers.get('origin') ?? undefined;
  const isAllowed = options.isAllowedOrigin(origin, request.headers.get('host') ?? undefined);
  const mark = (headers: Headers): void => {
    // Also where it is not allowed: a cache must not give one page what was answered to another.
    headers.append('vary', 'origin');
    if (origin === undefined || !isAllowed) return;
    headers.set('access-control-allow-origin', origin);
    headers.set('access-control-expose-headers', EXPOSED);
  };
  return { answer: answerOf(request, isAllowed), mark };
}

function answerOf(request: Request, isAllowed: boolean): Response | undefined {
  const isPreflight =
    request.method === 'OPTIONS' && request.headers.has('access-control-request-method');
  if (!isAllowed && !READING.has(request.method)) return problemResponse(FOREIGN);
  return isPreflight ? new Response(null, { status: 204, headers: PREFLIGHT_ALLOWS }) : undefined;
}
