// What operators ask of the whole service: its nodes, the rooms in use, all that is kept of a person.
import { createRoute, z } from '@hono/zod-openapi';
import { refuse } from '../../../protocol/errors.ts';
import { UserIdSchema } from '../../../protocol/schemas/primitives.ts';
import type { FellowNodes } from '../../hub/fellow-nodes.ts';
import type { HttpDeps } from '../http-deps.ts';
import { ProblemError } from '../problem.ts';
import { BusyRoomListBody, DrainBody, NodeBody, NodeListBody } from '../schemas-operators.ts';
import { MAX_PAGE } from '../schemas.ts';
import type { SocialDeps } from '../social-deps.ts';
import { DocumentBody, exportOf } from './my-data.ts';
import {
  BAD_REQUEST,
  NOT_FOUND,
  OPERATOR_ERRORS,
  body,
  json,
  operatorRoute,
  problem,
  type App,
} from './route-parts.ts';

export function addFellows(app: App, deps: HttpDeps, fellows: FellowNodes): void {
  const operator = operatorRoute(deps);
  app.openapi(
    createRoute({
      ...operator,
      method: 'get',
      path: '/v1/operator/nodes',
      summary: 'All nodes, and what they are at',
      responses: { 200: json(NodeListBody, 'those that answer'), ...OPERATOR_ERRORS },
    }),
    async (context) => {
      const { nodes, missing } = await fellows.nodes();
      return context.json({ nodes: [...nodes], missing: [...missing] }, 200);
    },
  );
  app.openapi(
    createRoute({
      ...operator,
      method: 'post',
      path: '/v1/operator/nodes/{node}/drain',
      summary: 'Sends the people of a node elsewhere, until it is started again',
      description:
        'It is not ready any more and takes no sockets; whoever is there is asked to come back within `withinMs`, which leads them to other nodes, and is closed when that has passed. The process lives on, and answers what it is asked over HTTP.',
      request: { ...body(DrainBody), params: z.object({ node: z.string().max(64) }) },
      responses: {
        202: json(NodeBody, 'it has begun'),
        503: problem('it lives, and did not answer'),
        ...BAD_REQUEST,
        ...NOT_FOUND,
        ...OPERATOR_ERRORS,
      },
    }),
    async (context) => {
      const { node } = context.req.valid('param');
      const { withinMs } = context.req.valid('json');
      // Before it is asked: it may drain and be too busy to say so.
      deps.log.info({ by: context.get('user').id, drained: node }, 'an operator drains a node');
      const report = await fellows.drain(node, withinMs);
      if (report === undefined) throw new ProblemError(refuse('not_found', 'no such node'));
      if (report === 'missing')
        throw new ProblemError(refuse('unavailable', 'the node does not answer', 2_000));
      return context.json(report, 202);
    },
  );
  app.openapi(
    createRoute({
      ...operator,
      method: 'get',
      path: '/v1/operator/rooms',
      summary: 'The rooms in use, of any visibility, the fullest first',
      description: 'Those that a node holds in memory, of each node the fullest 200.',
      request: {
        query: z.object({ limit: z.coerce.number().int().min(1).max(MAX_PAGE).default(50) }),
      },
      responses: { 200: json(BusyRoomListBody, 'rooms'), ...BAD_REQUEST, ...OPERATOR_ERRORS },
    }),
    async (context) => {
      const { rooms, missing } = await fellows.rooms();
      const { limit } = context.req.valid('query');
      return context.json(
        { rooms: rooms.slice(0, limit), total: rooms.length, missing: [...missing] },
        200,
      );
    },
  );
}

export function addExport(app: App, deps: HttpDeps, social: SocialDeps): void {
  app.openapi(
    createRoute({
      ...operatorRoute(deps),
      method: 'get',
      path: '/v1/operator/people/{id}/data',
      summary: 'All that is kept of a person, as one document, for whoever has a right to it',
      description: 'The same as they get by `/v1/me/data`.',
      request: { params: z.object({ id: z.string().max(64).pipe(UserIdSchema) }) },
      responses: {
        200: json(DocumentBody, 'the document'),
        ...BAD_REQUEST,
        ...NOT_FOUND,
        ...OPERATOR_ERRORS,
      },
    }),
    async (context) => {
      const { id } = context.req.valid('param');
      if ((await deps.users.find(id)) === undefined)
        throw new ProblemError(refuse('not_found', 'no such person'));
      deps.log.info({ by: context.get('user').id, userId: id }, 'an operator exported a person');
      return exportOf(deps, social, id) as Promise<never>;
    },
  );
}
