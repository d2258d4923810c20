// Requests that mean something: each route of the OpenAPI document is done by one of them, and those of operators are asked for without the role, too.
// Knows the words by which `rest-world.ts` names what is there.
import { userId } from '../support/hub-world.ts';

/** Method, target and whose token it brings (nothing: Ana’s), with a line for each header below, then the body. */
export type RestSeed = readonly [head: string, json?: unknown];

const ME = userId(1);
const STRANGER = userId(2);
const FRIEND = userId(3);
const ASKING = userId(4);
const ASKED = userId(5);

const LISTEN = {
  listened_at: 1_600_000_000,
  track_metadata: { artist_name: 'A', track_name: 'B', additional_info: { duration_ms: 200_000 } },
};

/** As a list makes it. */
function cursor(kind: string, place: object): string {
  return Buffer.from(JSON.stringify([kind, place])).toString('base64url');
}

const PLACE = { at: 1_020_000, id: ME };
const SESSIONS = cursor('sessions', { startedAt: 1_020_000, sessionId: ME });
const ROOMS = cursor('rooms', { hereCount: 3, createdAt: 1_000_000, roomId: ME });

const OF_PEOPLE: readonly RestSeed[] = [
  ['POST /v1/guests nobody', { name: 'Ana', device: 'phone' }],
  ['POST /v1/tokens nobody', { deviceSecret: '@secret' }],
  ['POST /v1/links/@link nobody', { label: 'phone' }],
  ['POST /v1/me/link'],
  ['GET /v1/me'],
  ['GET /v1/me revoked'],
  ['PATCH /v1/me', { name: 'Ben', colour: 'teal', picture: 'https://pictures.example/a.png' }],
  ['GET /v1/me/devices'],
  ['DELETE /v1/me/devices/@device'],
  ['GET /v1/tracks?q=title&limit=10&offset=1'],
  ['GET /v1/tracks/track1'],
  ['POST /v1/rooms', { name: 'Kitchen', visibility: 'public', preset: 'party' }],
  ['GET /v1/rooms?limit=5'],
  [`GET /v1/rooms?cursor=${ROOMS}`],
  ['GET /v1/rooms/@code'],
  ['GET /v1/rooms/@room/sessions?limit=3'],
  [`GET /v1/rooms/@room/sessions?limit=3&cursor=${SESSIONS}`],
  ['GET /v1/sessions/@session'],
  ['GET /v1/friends'],
  ['GET /v1/friends/code'],
  ['POST /v1/friends/code'],
  ['POST /v1/friends/requests', { userId: STRANGER }],
  ['POST /v1/friends/requests', { code: '@friend' }],
  [`POST /v1/friends/requests/${ASKING}/accept`],
  [`POST /v1/friends/requests/${ASKING}/decline`],
  [`DELETE /v1/friends/requests/${ASKED}`],
  [`DELETE /v1/friends/${FRIEND}`],
  [`PUT /v1/blocks/${STRANGER}`],
  [`DELETE /v1/blocks/${STRANGER}`],
  ['GET /v1/people?q=us'],
  ['GET /v1/people/@friend'],
  ['GET /v1/me/audience'],
  ['PUT /v1/me/audience', { audience: 'chosen', userIds: [FRIEND], privateUntil: 2_000_000 }],
  ['PUT /v1/me/audience', { privateUntil: null }],
  ['GET /v1/feed?limit=3'],
  [`GET /v1/feed?cursor=${cursor('feed', PLACE)}`],
  [`GET /v1/users/${FRIEND}/history?limit=1`],
  [`GET /v1/users/${ME}/history?cursor=${cursor('history', PLACE)}`],
  ['GET /v1/me/listens?limit=1'],
  [`GET /v1/me/listens?cursor=${cursor('listens', PLACE)}`],
  ['GET /v1/me/listens/counts?by=track&from=0&to=2000000&limit=5'],
  ['GET /v1/me/listens/counts?by=day&timeZone=Europe/London'],
  ['GET /v1/me/together?from=0&limit=5'],
  ['DELETE /v1/me/activities/@activity'],
  ['POST /v1/me/listenbrainz', { listen_type: 'import', payload: [LISTEN] }],
  ['GET /v1/me/listenbrainz'],
  ['GET /v1/me/data'],
  ['GET /healthz nobody'],
  ['GET /readyz nobody'],
  [`DELETE /v1/me/data?confirm=${ME}`],
];

const OF_OPERATORS: readonly RestSeed[] = [
  ['GET /v1/operator/nodes'],
  ['POST /v1/operator/nodes/here/drain', { withinMs: 5_000 }],
  ['GET /v1/operator/rooms?limit=5'],
  ['GET /v1/operator/rooms/@code'],
  [`GET /v1/operator/people/${FRIEND}/data`],
  ['POST /v1/operator/backups'],
  ['GET /v1/operator/revocations?limit=5'],
  [`GET /v1/operator/revocations?cursor=${cursor('revocations', { id: ME })}`],
  ['POST /v1/operator/revocations', { tokenId: 'lost', expiresAt: 4e12, reason: 'a phone' }],
  ['POST /v1/operator/revocations', { userId: STRANGER, ban: true }],
  ['DELETE /v1/operator/revocations/@revocation'],
  ['DELETE /v1/operator/rooms/@room'],
];

/** All of the document’s routes. */
export const REST_SEEDS: readonly RestSeed[] = [
  ...OF_OPERATORS,
  ...OF_OPERATORS.map(([head, ...json]): RestSeed => [`${head} operator`, ...json]),
  ...OF_PEOPLE,
];

/** What the document does not describe, and what is not there. */
export const SEEDS_BESIDE: readonly RestSeed[] = [
  ['GET /v1/tracks/track2/cover'],
  ['GET /media/track1?expires=1&signature=a'],
  ['GET /openapi.json'],
  ['GET /asyncapi.json'],
  ['GET /metrics'],
  ['GET /nowhere'],
  ['OPTIONS /v1/me'],
  ['HEAD /v1/feed'],
];

/** With headers as strangers send them. */
export const SEEDS_WITH_HEADERS: readonly RestSeed[] = [
  ['GET @media nobody'],
  ['GET @media nobody\nRange: bytes=10-19'],
  ['GET @media nobody\nRange: bytes = - 5\nIf-Range: "tag"'],
  ['GET @media nobody\nRange: bytes=0-1\nIf-Range: Thu, 02 Jan 2020 03:04:05 GMT'],
  ['GET @media nobody\nRange: bytes=0-1\nIf-Range: "old"'],
  ['GET @media nobody\nRange: bytes=0-1,5-6'],
  ['GET @media nobody\nRange: bytes=200-'],
  ['GET @media nobody\nIf-None-Match: *'],
  ['HEAD @media nobody\nIf-Modified-Since: Thu, 02 Jan 2020 03:04:05 GMT'],
  ['GET /v1/tracks/track1/cover nobody'],
  ['GET /v1/tracks/track1/cover nobody\nIf-None-Match: W/"old", "tag"'],
  ['GET / nobody\nAccept-Encoding: br, gzip;q=0.5'],
  ['GET /index.html nobody\nAccept-Encoding: identity'],
  ['GET /v1/rooms nobody\nX-Forwarded-For: 192.0.2.7, [2001:db8::1]:443'],
  ['GET /v1/rooms nobody\nX-Forwarded-For: ::ffff:192.0.2.7, fe80::1%eth0'],
  ['PATCH /v1/me\nContent-Type: application/json; charset=utf-8', { name: 'Ben' }],
  ['PATCH /v1/me\nContent-Type: text/plain;charset=utf-16', { name: 'Ben' }],
  ['PATCH /v1/me\nContent-Type: multipart/form-data; boundary=x', { name: 'Ben' }],
];

const MUCH = ' '.repeat(4_000);

/** Headers of much of the same, on which a reader may work for ever: none is understood. */
export const SEEDS_WITH_MUCH: readonly RestSeed[] = [
  [`GET @media nobody\nRange: bytes=${MUCH}-${MUCH}x`],
  [`GET @media nobody\nIf-Range: "${MUCH}\nRange: bytes=0-1`],
  [`GET @media nobody\nIf-None-Match: ${MUCH.replaceAll(' ', ' ,W/')}`],
  [`GET @media nobody\nIf-Modified-Since: ${MUCH.replaceAll(' ', '(')}`],
  [`GET / nobody\nAccept-Encoding: ${MUCH.replaceAll(' ', ' , gzi')}`],
  [`GET /v1/rooms nobody\nX-Forwarded-For: ${MUCH.replaceAll(' ', '1.')}:${MUCH}x`],
  [`PATCH /v1/me\nContent-Type: application/${MUCH};${MUCH}x`, { name: 'Ben' }],
];

export function textOf([head, json]: RestSeed): string {
  return json === undefined ? head : `${head}\n${JSON.stringify(json)}`;
}
