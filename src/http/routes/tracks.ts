// The catalogue, as REST shows it.
import { createRoute, z } from '@hono/zod-openapi';
import { refuse } from '../../../protocol/errors.ts';
import type { TrackId } from '../../../protocol/ids.ts';
import type { Track } from '../../ports/catalogue.ts';
import type { HttpDeps } from '../http-deps.ts';
import { ProblemError } from '../problem.ts';
import { TrackDetailBody, TrackPageBody, TrackQuery } from '../schemas.ts';
import {
  BAD_REQUEST,
  BEARER,
  NOT_FOUND,
  UNAUTHORISED,
  authenticated,
  json,
  type App,
} from './route-parts.ts';

export function addTracks(app: App, deps: HttpDeps): void {
  const summary = ({
    id,
    title,
    artist,
    album,
    durationMs,
    mimeType,
    sizeBytes,
    hasCover,
    gainDb,
    peak,
  }: Track) => ({
    ...{ id, title, artist, durationMs, mimeType, sizeBytes, hasCover },
    ...(album === undefined ? {} : { album }),
    ...(gainDb === undefined ? {} : { gainDb }),
    ...(peak === undefined ? {} : { peak }),
  });
  app.openapi(
    createRoute({
      method: 'get',
      path: '/v1/tracks',
      summary: 'Searches the catalogue; all of it for an empty query',
      security: BEARER,
      middleware: authenticated(deps),
      request: { query: TrackQuery },
      responses: { 200: json(TrackPageBody, 'a page of tracks'), ...BAD_REQUEST, ...UNAUTHORISED },
    }),
    (context) => {
      const { q, offset, limit } = context.req.valid('query');
      const { tracks, total } = deps.catalogue.search(q, { offset, limit });
      return context.json({ tracks: tracks.map(summary), total }, 200);
    },
  );
  app.openapi(
    createRoute({
      method: 'get',
      path: '/v1/tracks/{trackId}',
      summary: 'One track, with a signed URL of its media',
      security: BEARER,
      middleware: authenticated(deps),
      request: { params: z.object({ trackId: z.string().max(64) }) },
      responses: { 200: json(TrackDetailBody, 'the track'), ...UNAUTHORISED, ...NOT_FOUND },
    }),
    (context) => {
      const track = deps.catalogue.get(context.req.valid('param').trackId as TrackId);
      if (track === undefined) throw new ProblemError(refuse('not_found', 'no such track'));
      const now = Date.now();
      const { url, expiresAtMs } = deps.signature.sign(track.id, now);
      return context.json(
        { ...summary(track), mediaUrl: url, mediaUrlExpiresInMs: expiresAtMs - now },
        200,
      );
    },
  );
}
