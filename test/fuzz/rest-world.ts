// REST on stores in memory, with somebody in each of its stories: friends, requests, a room in which two listen, a device, a revoked token, an operator;
// with a track to hear, its cover, and the page.
// Knows how a request is written as text, and the names by which it speaks of what is there.
import { randomUUID } from 'node:crypto';
import { MemoryRevocations } from '../../src/adapters/memory/memory-revocations.ts';
import type { HttpApp } from '../../src/http/http-app.ts';
import { createMediaSignature } from '../../src/http/media-signature.ts';
import { loadPage } from '../../src/http/page.ts';
import { FellowNodes } from '../../src/hub/fellow-nodes.ts';
import { DEFAULT_HUB_OPTIONS, type HubOptions } from '../../src/hub/hub-options.ts';
import { RevokedTokens } from '../../src/hub/revoked-tokens.ts';
import type { Catalogue } from '../../src/ports/catalogue.ts';
import { call, type Answer } from '../support/http-calls.ts';
import { track, trackId, userId } from '../support/hub-world.ts';
import { UNHURRIED } from '../support/kitchen.ts';
import { ListeningWorld, listen, playingRoom } from '../support/listening-world.ts';
import { SocialWorld } from '../support/social-world.ts';
import { termedAuthenticator, tokenOf } from '../support/termed-tokens.ts';

const MOST_WAITS = 100;
const OPERATOR = 99;
const [ME, STRANGER, FRIEND, ASKING, ASKED] = [1, 2, 3, 4, 5] as const;
const LISTENED_MS = 40_000;
const OPTIONS: HubOptions = {
  ...DEFAULT_HUB_OPTIONS,
  ...UNHURRIED,
  guestRate: UNHURRIED.userRate,
  // Else nobody would look at what a stranger says of where they are.
  trustProxy: { kind: 'hops', count: 1 },
};

/** Of those that strangers send, the ones that something here reads. */
const HEADERS: ReadonlySet<string> = new Set([
  ...['range', 'if-range', 'if-none-match', 'if-modified-since'],
  ...['x-forwarded-for', 'accept-encoding', 'content-type'],
]);

const CONTENT = new TextEncoder().encode('0123456789'.repeat(10));
const TAG = '"tag"';
const CATALOGUE: Catalogue = {
  get: (id) => (id === trackId(1) ? track(1) : undefined),
  search: (_query, { offset, limit }) => ({
    tracks: [track(1)].slice(offset, offset + limit),
    total: 1,
  }),
  open: (id) =>
    Promise.resolve(
      id === trackId(1)
        ? {
            ...{ mimeType: 'audio/wav', sizeBytes: CONTENT.length, etag: TAG },
            lastModified: new Date(1_577_934_245_000),
            read: ({ start, end }) => new Blob([CONTENT.slice(start, end + 1)]).stream(),
          }
        : undefined,
    ),
  cover: (id) =>
    Promise.resolve(
      id === trackId(1) ? { mimeType: 'image/png', bytes: CONTENT, etag: TAG } : undefined,
    ),
  onChange: () => () => undefined,
  stop: () => Promise.resolve(),
};
const SIGNATURE = createMediaSignature({ key: 'a key of at least sixteen bytes' });
/** As it is before it is built: a page all the same, with files that are worth compressing. */
const PAGE = loadPage('src/web');

/** By who is named behind the target; nobody is named for Ana. */
const TOKENS: Readonly<Record<string, string | undefined>> = {
  nobody: undefined,
  operator: tokenOf(OPERATOR, { isOperator: true }),
  revoked: tokenOf(ME, { tokenId: 'stolen' }),
};
/** Good whatever the operator takes back, but for a ban. */
const MINE = tokenOf(ME, { issuedAtMs: Number.MAX_SAFE_INTEGER });

export interface Route {
  /** In capitals. */
  readonly method: string;
  /** As the document has it: `/v1/rooms/{room}`. */
  readonly path: string;
}

export interface Performed {
  readonly who: string;
  readonly method: string;
  /** As the application sees it. */
  readonly pathname: string;
  readonly answer: Answer;
}

export class RestWorld {
  readonly social: SocialWorld;
  readonly #names: ReadonlyMap<string, string>;

  private constructor(social: SocialWorld, names: ReadonlyMap<string, string>) {
    this.social = social;
    this.#names = names;
  }

  static async create(): Promise<RestWorld> {
    const { social, revoked } = await operated();
    await social.people(ME, STRANGER, FRIEND, ASKING, ASKED);
    const { world, accounts } = social;
    const { friends, archive } = world.stores;
    await world.befriend(ME, FRIEND);
    await friends.request(userId(ASKING), userId(ME), world.time.now());
    await friends.request(userId(ME), userId(ASKED), world.time.now());
    const [host, friend] = [await world.connect(ME), await world.connect(FRIEND)];
    const roomId = await playingRoom(host, [trackId(1), trackId(2)], 'public');
    await friend.ask('room.join', { roomId });
    await listen([host, friend], roomId, LISTENED_MS);
    const { id: revocation } = await revoked.revoke({
      ...{ kind: 'token', tokenId: 'stolen', at: Date.now(), by: userId(OPERATOR) },
      ...{ endsAt: undefined, reason: undefined },
    });
    const device = await accounts.createToken(userId(ME), 'phone', world.time.now());
    const link = await accounts.createLink(userId(ME), world.time.now());
    const [session] = await archive.sessionsOf(roomId, { limit: 1 });
    const names = {
      ...{ room: roomId, revocation, secret: device?.secret, device: device?.token.id },
      ...{ code: (await world.hub.rooms.open(roomId))?.state.public.code, link: link?.code },
      ...{ session: session?.sessionId, activity: world.outbox.played(ME)[0]?.activityId },
      friend: await friends.codeOf(userId(STRANGER)),
      media: SIGNATURE.sign(trackId(1), Date.now()).url,
    };
    const known = new Map<string, string>();
    for (const [name, value] of Object.entries(names)) {
      if (value === undefined) throw new Error(`there is no ${name}`);
      known.set(`@${name}`, value);
    }
    return new RestWorld(social, known);
  }

  /**
   * Sends what is written as a line with method, target and, where it is not Ana, whose token comes with it, then lines of headers, then
   * the body.
   * @returns undefined for what the transports refuse before anybody is asked
   */
  async perform(input: Uint8Array): Promise<Performed | undefined> {
    const text = Buffer.from(input)
      .toString('latin1')
      .replaceAll(/@[a-z]+/g, (name) => this.#names.get(name) ?? name);
    const [head = '', ...rest] = text.split('\n');
    const [method = '', target = '', who = ''] = head.split(' ');
    const headers = headersOf(rest);
    const raw = rest.join('\n');
    if (!/^(?:GET|POST|PUT|PATCH|DELETE|HEAD|OPTIONS)$/.test(method) || !target.startsWith('/'))
      return undefined;
    if (headers === undefined || !URL.canParse(`http://hub.example${target}`)) return undefined;
    const { pathname } = new URL(`http://hub.example${target}`);
    const isBare = raw === '' || method === 'GET' || method === 'HEAD';
    const token = Object.hasOwn(TOKENS, who) ? TOKENS[who] : MINE;
    const answer = await this.#answered(
      call(this.social.app, target, {
        ...{ method, headers },
        ...(token === undefined ? {} : { token }),
        ...(isBare ? {} : { raw }),
      }),
    );
    return { who: Object.hasOwn(TOKENS, who) ? who : 'me', method, pathname, answer };
  }

  /** Lets the world's time go on until there is an answer: some wait for what the hub does a little later. */
  async #answered(answer: Promise<Answer>): Promise<Answer> {
    const box: { answer?: Answer; error?: unknown } = {};
    const done = answer.then(
      (value) => (box.answer = value),
      (error: unknown) => (box.error = error),
    );
    for (let tries = 0; tries < MOST_WAITS; tries += 1) {
      if (box.answer !== undefined) return box.answer;
      if (box.error !== undefined) throw box.error as Error;
      await Promise.race([done, new Promise((resolve) => setTimeout(resolve, 1))]);
      await this.social.world.time.advance(200);
    }
    throw new Error('it was never answered');
  }
}

/** Takes the lines away that are headers. Undefined where one of them is none that could be sent. */
function headersOf(lines: string[]): Record<string, string> | undefined {
  const headers = new Headers();
  for (;;) {
    const [, name = '', value = ''] = /^([a-z-]+): (.*)$/is.exec(lines[0] ?? '') ?? [];
    if (!HEADERS.has(name.toLowerCase())) return Object.fromEntries(headers);
    lines.shift();
    try {
      headers.append(name, value);
    } catch {
      return undefined;
    }
  }
}

/** With all that operators can ask for: two nodes' words go over a feed of their own, and draining one moves nobody. */
async function operated(): Promise<{
  readonly social: SocialWorld;
  readonly revoked: RevokedTokens;
}> {
  const { feed, time: timers, log } = new ListeningWorld();
  const revocations = new MemoryRevocations();
  const revoked = new RevokedTokens({
    ...{ revocations, feed, timers, log },
    wallNow: () => Date.now(),
    clockToleranceMs: 5_000,
  });
  const fellows: FellowNodes = new FellowNodes({
    ...{ nodeId: 'here', feed, timers, log },
    alive: () => new Set(['here']),
    report: () => ({
      ...{ id: 'here', version: '1', startedAt: 5, isReady: true, reasons: [], away: [] },
      connections: social.world.hub.connectionCount,
      rooms: social.world.hub.rooms.count,
    }),
    rooms: () =>
      [...social.world.hub.rooms.all()].map(({ state, members }) => ({
        ...state.public,
        hereCount: members.count,
      })),
    drain: () => undefined,
    newId: () => randomUUID(),
  });
  const backups = {
    make: () => Promise.resolve({ name: 'earshot-1', takenAt: 1, tookMs: 1, bytes: 1 }),
  };
  const authenticator = termedAuthenticator(() => Date.now());
  const social: SocialWorld = new SocialWorld({
    revoked,
    fellows,
    backups,
    authenticator,
    options: OPTIONS,
    ...{ catalogue: CATALOGUE, signature: SIGNATURE, page: await PAGE },
  });
  return { social, revoked };
}

/** All that the OpenAPI document describes. */
export async function routesOf(app: HttpApp): Promise<readonly Route[]> {
  const { body } = await call(app, '/openapi.json');
  const paths = Object.entries(body['paths'] as Record<string, Record<string, unknown>>);
  return paths.flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => ({ method: method.toUpperCase(), path })),
  );
}

/** Which of them it is: of several that fit, the one with the fewest places to fill in. */
export function routeOf(
  routes: readonly Route[],
  { method, pathname }: Pick<Performed, 'method' | 'pathname'>,
): Route | undefined {
  const fitting = routes.filter(
    (route) =>
      // Hono answers a HEAD by the handler of GET.
      route.method === (method === 'HEAD' ? 'GET' : method) && fits(route.path, pathname),
  );
  const places = ({ path }: Route): number => path.split('{').length;
  return fitting.sort((a, b) => places(a) - places(b))[0];
}

function fits(path: string, pathname: string): boolean {
  const [wanted, given] = [path.split('/'), pathname.split('/')];
  return (
    wanted.length === given.length &&
    wanted.every((part, at) => (part.startsWith('{') ? given[at] !== '' : part === given[at]))
  );
}
