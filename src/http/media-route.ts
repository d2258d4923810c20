// GET and HEAD of a track's bytes (ranges, conditions, signed URLs) and of its cover. Knows the catalogue, not where it keeps its files.
import { Hono } from 'hono';
import { refuse } from '../../protocol/errors.ts';
import type { TrackId } from '../../protocol/ids.ts';
import type { RateLimit } from '../domain/rate-limit.ts';
import type { Catalogue, MediaFile } from '../ports/catalogue.ts';
import { parseByteRange } from './byte-range.ts';
import type { MediaSignature } from './media-signature.ts';
import { problemOf, problemResponse } from './problem.ts';
import { ratedByAddress, type Env } from './routes/route-parts.ts';

export interface MediaRoutesDeps {
  readonly catalogue: Catalogue;
  readonly signature: MediaSignature;
  /** Unix ms: signatures expire by it. */
  readonly nowMs: () => number;
}

const COVER_MAX_AGE_SECONDS = 86_400;
/** Covers for one address: a page shows dozens at once and keeps them for a day, and behind one address there may be a whole school. */
export const COVER_RATE: RateLimit = { perSecond: 50, burst: 500 };
/** How much of a cover is handed over at once. */
const PIECE_BYTES = 64 * 1024;

/** `GET|HEAD /media/:trackId`, for signed URLs, and `GET|HEAD /v1/tracks/:trackId/cover`, for all. */
export function createMediaRoutes({ catalogue, signature, nowMs }: MediaRoutesDeps): Hono<Env> {
  const routes = new Hono<Env>();

  // Hono answers a HEAD by the handler of GET.
  routes.get('/media/:trackId', async (context) => {
    const trackId = context.req.param('trackId');
    const expires = context.req.query('expires');
    const now = nowMs();
    const verdict = signature.verify(
      trackId,
      { expires, signature: context.req.query('signature') },
      now,
    );
    if (verdict === 'expired') {
      return problemResponse(
        refuse('forbidden', 'this media URL has expired: ask for the track again to get a new one'),
      );
    }
    if (verdict === 'invalid') {
      return problemResponse(
        refuse(
          'forbidden',
          'this media URL is not signed by this hub: ask for the track to get one',
        ),
      );
    }
    const file = await catalogue.open(trackId as TrackId);
    if (!file) return problemResponse(refuse('not_found', 'no such track, or its file has gone'));
    const maxAgeSeconds = Math.max(0, Number(expires) - Math.ceil(now / 1000));
    return mediaResponse(context.req.raw, file, maxAgeSeconds);
  });

  routes.get('/v1/tracks/:trackId/cover', ratedByAddress(COVER_RATE), async (context) => {
    const cover = await catalogue.cover(context.req.param('trackId') as TrackId);
    if (!cover) return problemResponse(refuse('not_found', 'no such track, or it has no cover'));
    const headers = {
      etag: cover.etag,
      'cache-control': `public, max-age=${COVER_MAX_AGE_SECONDS}`,
      // An image from a tag or a folder is a stranger's: it is never sniffed into a page, and an SVG opened by itself runs nothing.
      'x-content-type-options': 'nosniff',
      'content-security-policy': "sandbox; default-src 'none'; style-src 'unsafe-inline'",
    };
    if (namesEtag(context.req.header('if-none-match'), cover.etag)) {
      return new Response(null, { status: 304, headers });
    }
    const body = context.req.method === 'HEAD' ? null : inPieces(cover.bytes);
    return new Response(body, {
      headers: {
        ...headers,
        'content-type': cover.mimeType,
        'content-length': String(cover.bytes.length),
      },
    });
  });

  return routes;
}

/** What is kept itself: a copy for each who asks would stay in memory for as long as the slowest of them reads. */
function inPieces(bytes: Uint8Array): ReadableStream<Uint8Array> {
  let at = 0;
  return new ReadableStream(
    {
      pull(controller) {
        controller.enqueue(bytes.subarray(at, at + PIECE_BYTES));
        at += PIECE_BYTES;
        if (at >= bytes.length) controller.close();
      },
    },
    { highWaterMark: 0 },
  );
}

/** Conditions first, then the range, in the order of RFC 9110 §13.2.2. */
function mediaResponse(request: Request, file: MediaFile, maxAgeSeconds: number): Response {
  const { etag, sizeBytes } = file;
  const lastModified = file.lastModified.toUTCString();
  const headers: Record<string, string> = {
    etag,
    'last-modified': lastModified,
    'accept-ranges': 'bytes',
    'cache-control': `private, max-age=${maxAgeSeconds}`,
    'x-content-type-options': 'nosniff',
  };
  if (isNotModified(request.headers, etag, file.lastModified)) {
    return new Response(null, { status: 304, headers });
  }
  headers['content-type'] = file.mimeType;
  if (request.method === 'HEAD') {
    // A range is defined for GET alone (RFC 9110 §14.2).
    return new Response(null, { headers: { ...headers, 'content-length': String(sizeBytes) } });
  }
  const ifRange = request.headers.get('if-range');
  const isRangeMeant = ifRange === null || ifRange === etag || ifRange === lastModified;
  const asked = parseByteRange(
    isRangeMeant ? (request.headers.get('range') ?? undefined) : undefined,
    sizeBytes,
  );
  switch (asked.kind) {
    case 'unsatisfiable':
      return unsatisfiable(sizeBytes);
    case 'part': {
      const { start, end } = asked.range;
      headers['content-range'] = `bytes ${start}-${end}/${sizeBytes}`;
      headers['content-length'] = String(end - start + 1);
      return new Response(file.read(asked.range), { status: 206, headers });
    }
    case 'whole':
      headers['content-length'] = String(sizeBytes);
      return new Response(file.read({ start: 0, end: sizeBytes - 1 }), { headers });
  }
}

function unsatisfiable(sizeBytes: number): Response {
  const refusal = refuse('bad_request', `the range begins after the track's ${sizeBytes} bytes`);
  return new Response(
    JSON.stringify({ ...problemOf(refusal), title: 'Range Not Satisfiable', status: 416 }),
    {
      status: 416,
      headers: {
        'content-type': 'application/problem+json',
        'content-range': `bytes */${sizeBytes}`,
        'cache-control': 'no-store',
      },
    },
  );
}

function isNotModified(headers: Headers, etag: string, lastModified: Date): boolean {
  const ifNoneMatch = headers.get('if-none-match');
  if (ifNoneMatch !== null) return namesEtag(ifNoneMatch, etag);
  const since = Date.parse(headers.get('if-modified-since') ?? '');
  // The header has whole seconds.
  return Math.trunc(lastModified.getTime() / 1000) * 1000 <= since;
}

/** The weak comparison of If-None-Match: a list, a `W/` before a tag, or `*`. */
function namesEtag(header: string | undefined, etag: string): boolean {
  if (header === undefined) return false;
  return header.split(',').some((part) => {
    const tag = part.trim();
    return tag === '*' || tag.replace(/^W\//u, '') === etag;
  });
}
