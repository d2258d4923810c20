// What operators and their tools ask: life, readiness, metrics, and the description of the socket.
import { createRoute, z } from '@hono/zod-openapi';
import { asyncApi } from '../../../protocol/async-api.ts';
import type { HttpDeps } from '../http-deps.ts';
import { ReadyBody } from '../schemas.ts';
import { json, type App } from './route-parts.ts';

/** Asked by whoever starts processes and sends visitors to them. */
export const HEALTH_PATHS = { alive: '/healthz', ready: '/readyz' } as const;

export function addOperations(app: App, deps: HttpDeps): void {
  deps.metrics.gauge(
    {
      name: 'earshot_ready',
      help: 'Whether new visitors should be sent to this process, as /readyz says: 1, or 0.',
    },
    () => (deps.notReady().length === 0 ? 1 : 0),
  );
  app.openapi(
    createRoute({
      method: 'get',
      path: HEALTH_PATHS.alive,
      summary: 'The process lives',
      responses: { 200: json(z.object({ ok: z.literal(true) }), 'it does') },
    }),
    (context) => context.json({ ok: true as const }, 200),
  );
  app.openapi(
    createRoute({
      method: 'get',
      path: HEALTH_PATHS.ready,
      summary: 'Whether new visitors should be sent here',
      description:
        '`reasons` say why not: draining, or what of its stores cannot be reached. `away` are the stores that do not answer, also those without which rooms go on.',
      responses: { 200: json(ReadyBody, 'yes'), 503: json(ReadyBody, 'no, and why') },
    }),
    (context) => {
      const reasons = [...deps.notReady()];
      return context.json(
        { ready: reasons.length === 0, reasons, away: [...deps.awayStores()] },
        reasons.length === 0 ? 200 : 503,
      );
    },
  );
  const socketDocument = JSON.stringify(asyncApi());
  app.get(
    '/asyncapi.json',
    () => new Response(socketDocument, { headers: { 'content-type': 'application/json' } }),
  );
  app.get('/metrics', async () => {
    const { contentType, body: text } = await deps.metrics.exposition();
    return new Response(text, { headers: { 'content-type': contentType } });
  });
}
