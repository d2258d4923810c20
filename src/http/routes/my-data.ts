// What is kept of me: listens in and out, everything out, everything gone.
import { createRoute, z } from '@hono/zod-openapi';
import { refuse } from '../../../protocol/errors.ts';
import type { UserId } from '../../../protocol/ids.ts';
import { importedEntry } from '../../domain/imported-listen.ts';
import { exportedListen, importedListens } from '../../domain/listenbrainz.ts';
import { personalData } from '../../hub/personal-data.ts';
import type { ExportedRecord } from '../../ports/activity-log.ts';
import type { HttpDeps } from '../http-deps.ts';
import { documentResponse, listText, objectText } from '../json-stream.ts';
import { ProblemError } from '../problem.ts';
import { ImportedBody, ListenBrainzBody } from '../schemas-listening.ts';
import { SharedBuckets } from '../shared-buckets.ts';
import type { SocialDeps } from '../social-deps.ts';
import {
  BAD_REQUEST,
  BEARER,
  RATE_LIMITED,
  UNAUTHORISED,
  authenticated,
  body,
  json,
  type App,
} from './route-parts.ts';

/** Each reads or writes a lot. */
const BULK_COST = 20;
/** Of one request; what it writes has a rate of its own. */
const IMPORT_COST = 2;
/** In listens, of a person: nobody fills the store faster than this, and nobody's sockets wait for what they bring. */
const IMPORT_RATE = { perSecond: 400, burst: 1_200 };
/** The same in the long run: more than the longest histories have, and no more than that again each few days. */
const HISTORY_RATE = { perSecond: 100_000 / 86_400, burst: 500_000 };
/** Of one that was known: it is looked up, and not written. An import that was cut off is soon where it was. */
const KNOWN_COST = 0.1;
const MOST_PROBLEMS = 5;
/** Where a large body may come to. */
export const IMPORT_PATH = '/v1/me/listenbrainz';
export const DocumentBody = z.looseObject({}).openapi('Document');

export function addMyData(app: App, deps: HttpDeps, social: SocialDeps): void {
  const { activityLog, erasure } = social;
  const bulk = { security: BEARER, middleware: authenticated(deps, BULK_COST) } as const;
  const imports = new SharedBuckets<UserId>('imports', IMPORT_RATE, deps.sharedRates);
  const histories = new SharedBuckets<UserId>('histories', HISTORY_RATE, deps.sharedRates);
  const ERRORS = { ...BAD_REQUEST, ...UNAUTHORISED, ...RATE_LIMITED };

  app.openapi(
    createRoute({
      security: BEARER,
      middleware: authenticated(deps, IMPORT_COST),
      method: 'post',
      path: IMPORT_PATH,
      summary: 'Takes in listens in ListenBrainz’s JSON; the same one twice is one',
      description: `What is no listen is left out, and counted. An optional field that is malformed is left out alone. A person brings ${IMPORT_RATE.burst} listens at once, and ${IMPORT_RATE.perSecond} a second from then on; those that were known count a tenth. In the long run they are ${HISTORY_RATE.burst} and ${Math.round(HISTORY_RATE.perSecond * 86_400)} a day. This is beside what their other requests may be.`,
      request: body(ListenBrainzBody),
      responses: { 200: json(ImportedBody, 'how many'), ...ERRORS },
    }),
    async (context) => {
      const me = context.get('user').id;
      const now = deps.clock.now();
      const idOf = (seed: string): string => deps.random.activityId(seed);
      const sent = context.req.valid('json');
      const { listens, skipped } = importedListens(sent, now);
      const historyMs = await histories.take(me, listens.length, now);
      if (historyMs > 0)
        throw new ProblemError(refuse('rate_limited', 'too many listens in all', historyMs));
      const waitMs = await imports.take(me, listens.length, now);
      if (waitMs > 0) {
        await histories.giveBack(me, listens.length);
        throw new ProblemError(refuse('rate_limited', 'too many listens at once', waitMs));
      }
      const entries = listens.map((listen) => importedEntry(me, listen, idOf));
      const added = await activityLog.importListens(entries, now);
      const unspent = (entries.length - added) * (1 - KNOWN_COST);
      await Promise.all([imports.giveBack(me, unspent), histories.giveBack(me, unspent)]);
      const problems = skipped.slice(0, MOST_PROBLEMS);
      return context.json(
        { received: sent.payload.length, added, skipped: skipped.length, problems },
        200,
      );
    },
  );
  app.openapi(
    createRoute({
      ...bulk,
      method: 'get',
      path: IMPORT_PATH,
      summary: 'All my listens in ListenBrainz’s JSON, the oldest first',
      responses: {
        200: json(z.array(z.looseObject({})), 'a list as ListenBrainz’s export has it'),
        ...UNAUTHORISED,
        ...RATE_LIMITED,
      },
    }),
    async (context) => {
      const all = counted(activityLog.export(context.get('user').id));
      return documentResponse(listText(all), 'listens.json') as Promise<never>;
    },
  );
  app.openapi(
    createRoute({
      ...bulk,
      method: 'get',
      path: '/v1/me/data',
      summary: 'All that is kept of me, as one document',
      description:
        'The profile, the audience, friends, all requests, blocks and devices; `rooms`: when I was in which (`stay`), what I said (`message`) and what I did there, as queueing, voting and playing (`act`, with the event as the room was told of it); `listening`: what I heard.',
      responses: { 200: json(DocumentBody, 'the document'), ...UNAUTHORISED, ...RATE_LIMITED },
    }),
    (context) => exportOf(deps, social, context.get('user').id) as Promise<never>,
  );
  app.openapi(
    createRoute({
      ...bulk,
      method: 'delete',
      path: '/v1/me/data',
      summary: 'Erases me: the account, friends, what I listened to, and my name wherever I was',
      description:
        'It cannot be undone. Rooms keep what happened in them, told of somebody without a name. Tokens of a guest work no more.',
      request: {
        query: z.object({
          confirm: z
            .string()
            .max(64)
            .openapi({ description: 'my user id, so that nothing goes by mistake' }),
        }),
      },
      responses: { 204: { description: 'done' }, ...ERRORS },
    }),
    async (context) => {
      const me = context.get('user').id;
      if (context.req.valid('query').confirm !== me)
        throw new ProblemError(refuse('bad_request', 'confirm: send your own user id'));
      await erasure.erase(me);
      return context.body(null, 204);
    },
  );
}

/** All that is kept of a person, as one document. */
export async function exportOf(
  { clock }: Pick<HttpDeps, 'clock'>,
  social: SocialDeps,
  userId: UserId,
): Promise<Response> {
  const sections = await personalData(social, userId);
  const head = [
    { name: 'format', value: 'earshot-export' },
    { name: 'exportedAt', value: Math.round(clock.now()) },
  ];
  return documentResponse(objectText([...head, ...sections]), 'earshot.json');
}

async function* counted(records: AsyncIterable<ExportedRecord>): AsyncIterable<unknown> {
  for await (const record of records)
    if (record.kind === 'listen' && record.countedAt !== undefined) yield exportedListen(record);
}
