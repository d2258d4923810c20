// HTTP on node:http: its requests become WHATWG Requests, and their Responses go back as fast as the peer reads. Knows no route.

import { type IncomingMessage, STATUS_CODES, type ServerResponse } from 'node:http';
import { DATA_HEADERS, type ListenOptions } from '../../ports/sockets.ts';

const bodiless: ReadonlySet<string | undefined> = new Set(['GET', 'HEAD']);
/** Nothing that would move the boundary between the host and the path of the URL that is made of it. */
const hostPattern = /^[\w.:[\]%~-]*$/;
/** How much is written at once: what a peer has taken is known a write at a time, and one slower than a large body is no slow peer. */
const pieceBytes = 64 * 1024;

/** IPv4 mapped into IPv6 as IPv4. */
export function unwrapAddress(address: string | undefined): string {
  return (address ?? '').replace(/^::ffff:(?=\d+\.)/i, '');
}

/** node:http takes the first; whoever is before it may take the other. */
export function hasTwoHosts({ rawHeaders }: IncomingMessage): boolean {
  return rawHeaders.filter((name, at) => at % 2 === 0 && name.toLowerCase() === 'host').length > 1;
}

/** Answers with a status and RFC 9457 problem text. */
export function answerProblem(res: ServerResponse, status: number, detail: string): void {
  if (res.headersSent) return;
  const title = STATUS_CODES[status] ?? 'Error';
  const text = JSON.stringify({ type: 'about:blank', title, status, detail });
  res.writeHead(status, {
    ...DATA_HEADERS,
    'content-type': 'application/problem+json',
    'content-length': Buffer.byteLength(text),
  });
  res.end(text);
}

/** Serves one request. */
export function handleHttp(
  req: IncomingMessage,
  res: ServerResponse,
  options: ListenOptions,
): void {
  if (bodiless.has(req.method)) {
    respond(req, res, undefined, options);
    return;
  }
  if (Number(req.headers['content-length'] ?? 0) > options.maxBodyBytes) {
    refuseBody(res);
    return;
  }
  const chunks: Buffer[] = [];
  let bodyBytes = 0;
  req.on('data', (chunk: Buffer) => {
    bodyBytes += chunk.length;
    if (bodyBytes <= options.maxBodyBytes) chunks.push(chunk);
    else refuseBody(res);
  });
  req.on('end', () => {
    if (bodyBytes <= options.maxBodyBytes) respond(req, res, Buffer.concat(chunks), options);
  });
  // The peer went away while it was sending: there is nobody to answer.
  req.on('error', () => undefined);
}

function refuseBody(res: ServerResponse): void {
  // Keep-alive would mean reading the rest of it.
  res.shouldKeepAlive = false;
  answerProblem(res, 413, 'the body is too large');
}

/** Undefined where the request cannot be put into a WHATWG Request: a bad target, host, header or method. */
function toRequest(
  req: IncomingMessage,
  body: Buffer<ArrayBuffer> | undefined,
  signal: AbortSignal,
  scheme: 'http' | 'https',
): Request | undefined {
  try {
    const { host = '' } = req.headers;
    if (hasTwoHosts(req)) return undefined;
    if (!req.url?.startsWith('/') || !hostPattern.test(host)) return undefined;
    const headers: [string, string][] = [];
    for (let at = 0; at + 1 < req.rawHeaders.length; at += 2)
      headers.push([req.rawHeaders[at] ?? '', req.rawHeaders[at + 1] ?? '']);
    return new Request(new URL(`${scheme}://${host || 'localhost'}${req.url}`), {
      method: req.method ?? 'GET',
      headers,
      signal,
      ...(body === undefined || body.length === 0 ? {} : { body }),
    });
  } catch {
    return undefined;
  }
}

function respond(
  req: IncomingMessage,
  res: ServerResponse,
  body: Buffer<ArrayBuffer> | undefined,
  options: ListenOptions,
): void {
  const abort = new AbortController();
  res.once('close', () => {
    if (!res.writableFinished) abort.abort(new Error('the peer went away'));
  });
  const request = toRequest(req, body, abort.signal, options.tls === undefined ? 'http' : 'https');
  if (request === undefined) {
    res.shouldKeepAlive = false;
    answerProblem(res, 400, 'the request is not well formed');
    return;
  }
  void serve(request, req, res, abort.signal, options);
}

async function serve(
  request: Request,
  req: IncomingMessage,
  res: ServerResponse,
  signal: AbortSignal,
  options: ListenOptions,
): Promise<void> {
  let response: Response;
  try {
    const peer = { remoteAddress: unwrapAddress(req.socket.remoteAddress) };
    response = await options.fetch(request, peer);
  } catch {
    answerProblem(res, 500, 'internal error');
    return;
  }
  try {
    await writeResponse(res, response, req.method === 'HEAD', signal);
  } catch {
    // The source of the body failed half-way: only a cut connection tells the peer that what it has is not the whole.
    res.destroy();
  }
}

async function writeResponse(
  res: ServerResponse,
  response: Response,
  isHead: boolean,
  signal: AbortSignal,
): Promise<void> {
  const { body } = response;
  if (isHead || body === null || signal.aborted) {
    void body?.cancel().catch(ignore);
    if (signal.aborted) return;
    writeHead(res, response);
    res.end();
    return;
  }
  const reader = body.getReader();
  signal.addEventListener('abort', () => void reader.cancel(signal.reason).catch(ignore), {
    once: true,
  });
  let result: ReadableStreamReadResult<Uint8Array> = await reader.read();
  const first = result.value;
  // A body that was whole from the start ends within microtasks; it goes out in one piece with its length.
  let next = readAhead(reader);
  const isWhole = result.done || (await Promise.race([next.then(({ done }) => done), nextTurn()]));
  if (isAborted(signal)) return;
  writeHead(res, response);
  if (isWhole) {
    const whole = first ?? new Uint8Array();
    if (whole.length > pieceBytes) {
      if (!res.hasHeader('content-length')) res.setHeader('content-length', whole.length);
      if (!(await writePieces(res, whole, signal))) return;
      res.end();
    } else res.end(whole);
    return;
  }
  while (!result.done) {
    if (!(await writePieces(res, result.value, signal))) return;
    result = await next;
    if (isAborted(signal)) return;
    next = readAhead(reader);
  }
  res.end();
}

/** False when the peer has gone. */
async function writePieces(
  res: ServerResponse,
  chunk: Uint8Array,
  signal: AbortSignal,
): Promise<boolean> {
  for (let at = 0; at < chunk.length; at += pieceBytes) {
    if (!res.write(chunk.subarray(at, at + pieceBytes))) await drained(res, signal);
    if (isAborted(signal)) return false;
  }
  return true;
}

/** Read through a call, so that the compiler does not hold it to be what it was before an await. */
function isAborted(signal: AbortSignal): boolean {
  return signal.aborted;
}

function writeHead(res: ServerResponse, response: Response): void {
  res.statusCode = response.status;
  if (response.statusText) res.statusMessage = response.statusText;
  const cookies = response.headers.getSetCookie();
  for (const [name, value] of response.headers)
    if (name !== 'set-cookie') res.setHeader(name, value);
  if (cookies.length > 0) res.setHeader('set-cookie', cookies);
}

function drained(res: ServerResponse, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      res.off('drain', done);
      signal.removeEventListener('abort', done);
      resolve();
    };
    res.once('drain', done);
    signal.addEventListener('abort', done, { once: true });
  });
}

/** A read that may fail before anybody waits for it. */
function readAhead(
  reader: ReadableStreamDefaultReader<Uint8Array>,
): ReturnType<ReadableStreamDefaultReader<Uint8Array>['read']> {
  const result = reader.read();
  result.catch(ignore);
  return result;
}

/** False in the next turn of the event loop, when the microtasks of this one are done. */
function nextTurn(): Promise<false> {
  return new Promise((resolve) => setImmediate(() => resolve(false)));
}

// A source that fails while it is being cancelled has nobody left to tell.
function ignore(): void {
  return undefined;
}
