// HTTP on uWebSockets.js: its requests become WHATWG Requests, and their Responses go back. Knows no route.

import { STATUS_CODES } from 'node:http';
import type { HttpRequest, HttpResponse } from 'uWebSockets.js';
import { DATA_HEADERS, type ListenOptions } from '../../ports/sockets.ts';
import { ResponseWriter, statusLine } from './uws-response.ts';

const bodiless: ReadonlySet<string> = new Set(['GET', 'HEAD']);
const mappedPrefix = /^(?:0000:){5}ffff:|^::ffff:/i;

/** Nothing that would move the boundary between the host and the path of the URL that is made of it. */
const hostPattern = /^[\w.:[\]%~-]*$/;

/** The peer's address; IPv4 mapped into IPv6 as IPv4, IPv6 in its short form. */
export function remoteAddressOf(res: HttpResponse): string {
  const text = Buffer.from(res.getRemoteAddressAsText()).toString();
  if (!text.includes(':')) return text;
  const rest = text.replace(mappedPrefix, '');
  if (rest.includes('.')) return rest;
  if (rest !== text) {
    const value = Number.parseInt(rest.replace(':', ''), 16);
    return [value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255].join('.');
  }
  return URL.canParse(`http://[${text}]`)
    ? new URL(`http://[${text}]`).hostname.slice(1, -1)
    : text;
}

/** Answers with a status and RFC 9457 problem text. Must be corked, as every handler of uWebSockets.js is on entry. */
export function answerProblem(
  res: HttpResponse,
  status: number,
  detail: string,
  closeConnection = false,
): void {
  const title = STATUS_CODES[status] ?? 'Error';
  res.writeStatus(statusLine(status, ''));
  res.writeHeader('content-type', 'application/problem+json');
  for (const [name, value] of Object.entries(DATA_HEADERS)) res.writeHeader(name, value);
  res.end(JSON.stringify({ type: 'about:blank', title, status, detail }), closeConnection);
}

/** What must be read of a request before its handler returns, for it lives on the native stack. */
interface RequestHead {
  readonly method: string;
  readonly target: string;
  readonly headers: [string, string][];
  readonly host: string;
  readonly remoteAddress: string;
}

/** Without its `?`; empty where there is none. */
export function queryOf(req: HttpRequest): string {
  // Where there is no `?`, the binary answers undefined, whatever its types say.
  return req.getQuery() || '';
}

function readHead(res: HttpResponse, req: HttpRequest): RequestHead {
  const headers: [string, string][] = [];
  req.forEach((name, value) => headers.push([name, value]));
  const query = queryOf(req);
  return {
    method: req.getCaseSensitiveMethod(),
    target: query === '' ? req.getUrl() : `${req.getUrl()}?${query}`,
    headers,
    host: req.getHeader('host'),
    remoteAddress: remoteAddressOf(res),
  };
}

/** Of target, names and values together: about what node:http takes. */
export const maxHeadBytes = 16_384;
/** The colon, the space and the end of the line. */
const FIELD_BYTES = 4;

/**
 * Ends a connection on which it cannot be told where this request ends, or whose head is too large. uWebSockets.js takes the first of two
 * lengths, and any transfer coding for `chunked`; whoever is before it may take it otherwise, and then what one of them holds for a body is a
 * request to the other. There an answer would not do: behind one that ends the connection uWebSockets.js goes on with what has arrived already.
 * The head it bounds only where it comes in pieces: in one it takes as much as it reads at once, over a hundred KiB. That is answered, as the
 * proxy before it would take a connection that ends without a word for a node that is gone.
 * @returns whether it was ended
 */
export function endUnfit(res: HttpResponse, req: HttpRequest): boolean {
  let framings = 0;
  let isChunked = true;
  let headBytes = req.getUrl().length + queryOf(req).length;
  req.forEach((name, value) => {
    headBytes += name.length + value.length + FIELD_BYTES;
    if (name === 'content-length') framings += 1;
    if (name !== 'transfer-encoding') return;
    framings += 1;
    isChunked = value.trim().toLowerCase() === 'chunked';
  });
  const isUnclear = framings > 1 || !isChunked;
  const isLarge = headBytes > maxHeadBytes;
  if (isUnclear) res.close();
  else if (isLarge)
    answerProblem(res, 431, `the head of a request may have ${maxHeadBytes} bytes`, true);
  return isUnclear || isLarge;
}

/** Undefined where the request cannot be put into a WHATWG Request: a bad target, host, header or method. */
function toRequest(
  head: RequestHead,
  body: Uint8Array<ArrayBuffer> | undefined,
  signal: AbortSignal,
  scheme: 'http' | 'https',
): Request | undefined {
  try {
    if (!head.target.startsWith('/') || !hostPattern.test(head.host)) return undefined;
    // The first is not the one that somebody else may go by.
    if (head.headers.filter(([name]) => name === 'host').length > 1) return undefined;
    return new Request(new URL(`${scheme}://${head.host || 'localhost'}${head.target}`), {
      method: head.method,
      headers: head.headers,
      signal,
      ...(body === undefined ? {} : { body }),
    });
  } catch {
    return undefined;
  }
}

/** Serves one request. */
export function handleHttp(
  res: HttpResponse,
  req: HttpRequest,
  options: ListenOptions,
  underWay: Set<ResponseWriter>,
): void {
  if (endUnfit(res, req)) return;
  const head = readHead(res, req);
  const writer = new ResponseWriter(res, underWay);
  if (bodiless.has(head.method) || !declaresBody(req)) {
    respond(writer, head, undefined, options);
    return;
  }
  if (Number(req.getHeader('content-length')) > options.maxBodyBytes) {
    writer.answer(() => answerProblem(res, 413, 'the body is too large', true));
    return;
  }
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  let bodyBytes = 0;
  res.onData((chunk, isLast) => {
    if (writer.isDone) return;
    bodyBytes += chunk.byteLength;
    if (bodyBytes > options.maxBodyBytes) {
      writer.answer(() => answerProblem(res, 413, 'the body is too large', true));
      return;
    }
    // A copy: the chunk is detached when this returns.
    if (chunk.byteLength > 0) chunks.push(new Uint8Array(chunk.slice(0)));
    if (isLast) respond(writer, head, concat(chunks, bodyBytes), options);
  });
}

function declaresBody(req: HttpRequest): boolean {
  const length = req.getHeader('content-length');
  return (length !== '' && length !== '0') || req.getHeader('transfer-encoding') !== '';
}

function concat(chunks: Uint8Array<ArrayBuffer>[], totalBytes: number): Uint8Array<ArrayBuffer> {
  const [only] = chunks;
  if (only && chunks.length === 1) return only;
  const whole = new Uint8Array(totalBytes);
  let offset = 0;
  for (const chunk of chunks) {
    whole.set(chunk, offset);
    offset += chunk.byteLength;
  }
  return whole;
}

function respond(
  writer: ResponseWriter,
  head: RequestHead,
  body: Uint8Array<ArrayBuffer> | undefined,
  options: ListenOptions,
): void {
  const request = toRequest(
    head,
    body,
    writer.signal,
    options.tls === undefined ? 'http' : 'https',
  );
  if (request === undefined) {
    writer.answer((res) => answerProblem(res, 400, 'the request is not well formed', true));
    return;
  }
  void serve(writer, request, head, options);
}

async function serve(
  writer: ResponseWriter,
  request: Request,
  head: RequestHead,
  options: ListenOptions,
): Promise<void> {
  let response: Response;
  try {
    response = await options.fetch(request, { remoteAddress: head.remoteAddress });
  } catch {
    writer.answer((res) => answerProblem(res, 500, 'internal error'));
    return;
  }
  try {
    await writer.write(response, head.method === 'HEAD');
  } catch {
    // The source of the body failed half-way: only a cut connection tells the peer that what it has is not the whole.
    writer.abandon();
  }
}
