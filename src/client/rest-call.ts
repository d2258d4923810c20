// Owns one call by REST: the token on it, its time limit, and what its answer means. Knows no path.
import { EarshotError, isErrorCode } from './errors.ts';
import { isRecord } from './inbound.ts';

/** Rejects with an `EarshotError`: the hub's refusal, or `connection_lost` or `timeout` where there was no answer. */
export type RestCall = <T>(method: string, path: string, body?: object) => Promise<T>;
/** A document, as it was sent. */
export type RestBlob = (path: string) => Promise<Blob>;

export interface RestCallOptions {
  /** The hub's origin over http(s), without a slash at the end. */
  readonly base: string;
  /** Read anew for each call. */
  readonly token: () => string | undefined;
  readonly fetch: typeof fetch;
  /** From the call to the whole answer, ms. */
  readonly timeoutMs: number;
}

/** A long history takes long to be written. */
const DOCUMENT_TIMEOUT_MS = 300_000;

export function restCall(options: RestCallOptions): RestCall {
  return async <T>(method: string, path: string, body?: object): Promise<T> => {
    const { response, text } = await answered(options, method, path, body, (each) => each.text());
    if (response.status === 204) return undefined as T;
    const value = parse(text);
    if (!response.ok) throw problemError(response.status, value);
    if (!isRecord(value)) {
      throw new EarshotError('internal', `${method} ${path} was answered with no JSON object`, {
        status: response.status,
      });
    }
    return value as T;
  };
}

export function restBlob(options: RestCallOptions): RestBlob {
  return async (path) => {
    const patient = { ...options, timeoutMs: DOCUMENT_TIMEOUT_MS };
    const { response, text } = await answered(patient, 'GET', path, undefined, (each) =>
      each.blob(),
    );
    if (!response.ok) throw problemError(response.status, parse(await text.text()));
    return text;
  };
}

async function answered<Body>(
  { base, token: tokenNow, fetch: fetchWith, timeoutMs }: RestCallOptions,
  method: string,
  path: string,
  body: object | undefined,
  read: (response: Response) => Promise<Body>,
): Promise<{ readonly response: Response; readonly text: Body }> {
  const token = tokenNow();
  const headers: Record<string, string> = { accept: 'application/json' };
  if (token !== undefined) headers.authorization = `Bearer ${token}`;
  if (body !== undefined) headers['content-type'] = 'application/json';
  const signal = AbortSignal.timeout(timeoutMs);
  try {
    const response = await fetchWith(base + path, {
      method,
      headers,
      signal,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { response, text: await read(response) };
  } catch (error) {
    const message = `${method} ${path} had no answer`;
    throw signal.aborted
      ? new EarshotError('timeout', `${message} within ${timeoutMs} ms`, { cause: error })
      : new EarshotError('connection_lost', message, { cause: error });
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** A problem+json of the hub, or whatever a proxy before it says. */
function problemError(status: number, value: unknown): EarshotError {
  const problem = isRecord(value) ? value : {};
  const { code, detail, retryAfterMs } = problem;
  return new EarshotError(
    isErrorCode(code) ? code : status >= 502 && status <= 504 ? 'unavailable' : 'internal',
    typeof detail === 'string' ? detail : `the answer was ${status}`,
    { status, ...(typeof retryAfterMs === 'number' ? { retryAfterMs } : {}) },
  );
}
