// The whole service on stores in memory: frames to a hub in which somebody is in a room, and requests to REST.
import assert from 'node:assert/strict';
import { ERROR_CODES } from '../../protocol/errors.ts';
import { call, type Answer } from '../support/http-calls.ts';
import { HubWorld, userId, type TestClient } from '../support/hub-world.ts';
import { UNHURRIED, kitchen } from '../support/kitchen.ts';
import { SocialWorld } from '../support/social-world.ts';
import type { Target } from './fuzzer.ts';
import { inShort, nothingPolluted } from './invariants.ts';
import { frameSeeds } from './pure-targets.ts';

/** After so many inputs a world is left for a new one: what they did to it must not decide for ever what can be found. */
const INPUTS_A_WORLD = 100;
const MOST_WAITS = 100;

type Faults = { readonly level: string; readonly fields: unknown }[];

function noFaults(lines: readonly { readonly level: string; readonly fields: unknown }[]): void {
  const faults: Faults = lines.filter(({ level }) => level === 'error');
  if (faults.length > 0) throw new Error('a fault was logged', { cause: faults[0]?.fields });
}

class HubStage {
  #world: HubWorld | undefined;
  #host: TestClient | undefined;
  #roomId = '';
  #inputs = 0;

  async run(input: Uint8Array): Promise<string> {
    this.#inputs += 1;
    if (this.#inputs % INPUTS_A_WORLD === 1 || this.#world === undefined) await this.#anew();
    const world = this.#world;
    if (world === undefined) throw new Error('there is no world');
    if (this.#host?.socket.isOpen !== true) {
      this.#host = await world.connect(1);
      await this.#host.ask('room.join', { roomId: this.#roomId });
    }
    const host = this.#host;
    host.socket.take();
    // The seeds speak of rooms that are not here.
    const text = Buffer.from(input)
      .toString('latin1')
      .replaceAll(/[\da-f]{8}-[\da-f-]{27}/g, this.#roomId);
    host.sendRaw(new Uint8Array(Buffer.from(text, 'latin1')));
    await world.time.settle();
    await world.time.advance(60);
    nothingPolluted();
    noFaults(world.log.lines);
    const told = host.socket.take() as {
      readonly type: string;
      readonly code?: string;
      message?: string;
    }[];
    const said = told.map(
      ({ type, code = '', message = '' }) => `${type} ${code} ${inShort(message)}`,
    );
    return `${host.socket.isOpen ? 'open' : 'closed'} ${[...new Set(said)].slice(0, 4).join(', ')}`;
  }

  async #anew(): Promise<void> {
    this.#world = new HubWorld(UNHURRIED);
    const { host, roomId } = await kitchen(this.#world);
    this.#host = host;
    this.#roomId = roomId;
  }
}

/** Frames of a person in a room. */
export function hubTarget(): Target {
  const stage = new HubStage();
  return { name: 'hub', seeds: frameSeeds, run: (input) => stage.run(input) };
}

const ME = userId(1);
const OTHER = userId(2);
const LISTEN = {
  listened_at: 1_600_000_000,
  track_metadata: { artist_name: 'A', track_name: 'B', additional_info: { duration_ms: 200_000 } },
};

/** A line with method and target, then the body. */
const REQUESTS: readonly (readonly [string, unknown?])[] = [
  ['POST /v1/guests', { name: 'Ana', device: 'phone' }],
  ['POST /v1/tokens', { deviceSecret: 'x'.repeat(43) }],
  ['POST /v1/links/ABCDEFGH', { label: 'phone' }],
  ['POST /v1/me/link'],
  ['GET /v1/me'],
  ['PATCH /v1/me', { name: 'Ben', colour: 'teal', picture: 'https://pictures.example/a.png' }],
  ['GET /v1/me/devices'],
  ['DELETE /v1/me/devices/x'],
  ['GET /v1/tracks?q=a&limit=10&offset=0'],
  [`GET /v1/tracks/${'0'.repeat(32)}`],
  [`GET /v1/tracks/${'0'.repeat(32)}/cover`],
  [`GET /media/${'0'.repeat(32)}?expires=1&signature=a`],
  ['POST /v1/rooms', { name: 'Kitchen', visibility: 'public' }],
  ['GET /v1/rooms?limit=5'],
  ['GET /v1/rooms/ABCD2345'],
  ['GET /v1/rooms/ABCD2345/sessions?limit=3&cursor=a'],
  ['GET /v1/sessions/00000000-0000-4000-8000-000000000001'],
  ['GET /v1/friends'],
  ['POST /v1/friends/code'],
  ['POST /v1/friends/requests', { userId: OTHER }],
  ['POST /v1/friends/requests', { code: 'ABCDEFGH' }],
  [`POST /v1/friends/requests/${OTHER}/accept`],
  [`DELETE /v1/friends/${OTHER}`],
  [`PUT /v1/blocks/${OTHER}`],
  ['GET /v1/people?q=be'],
  ['GET /v1/people/ABCDEFGH'],
  ['GET /v1/me/audience'],
  ['PATCH /v1/me/audience', { audience: 'chosen', chosen: [OTHER], privateForMs: 1_000 }],
  ['GET /v1/feed?limit=3'],
  ['GET /v1/me/listens?limit=3'],
  ['GET /v1/me/top?from=0&by=tracks'],
  ['POST /v1/me/listenbrainz', { listen_type: 'import', payload: [LISTEN] }],
  ['GET /v1/me/listenbrainz'],
  ['GET /v1/me/data'],
  [`DELETE /v1/me/data?confirm=${ME}`],
  ['GET /v1/operator/revocations'],
  ['GET /readyz'],
  ['GET /openapi.json'],
  ['GET /nowhere'],
  ['OPTIONS /v1/me'],
];

class RestStage {
  #social: SocialWorld | undefined;
  #inputs = 0;

  async run(input: Uint8Array): Promise<string> {
    this.#inputs += 1;
    if (this.#inputs % INPUTS_A_WORLD === 1 || this.#social === undefined) {
      this.#social = new SocialWorld();
      await this.#social.people(1, 2);
    }
    const text = Buffer.from(input).toString('latin1');
    const [head = '', ...rest] = text.split('\n');
    const [method = '', target = ''] = head.split(' ');
    const raw = rest.join('\n');
    // What the transports refuse before anybody is asked.
    if (!/^(?:GET|POST|PUT|PATCH|DELETE|HEAD|OPTIONS)$/.test(method) || !target.startsWith('/'))
      return 'no request';
    if (!URL.canParse(`http://hub.example${target}`)) return 'no request';
    const isBare = raw === '' || method === 'GET' || method === 'HEAD';
    const { status, headers, body } = await answered(
      this.#social,
      call(this.#social.app, target, {
        method,
        token: `${ME}|Ana`,
        ...(isBare ? {} : { raw }),
      }),
    );
    nothingPolluted();
    noFaults(this.#social.world.log.lines);
    assert(status < 500, `answered ${status}`);
    assert.equal(headers.get('x-content-type-options'), 'nosniff');
    assert(headers.has('content-security-policy'));
    if (status < 400) return `${method} ${wayOf(target)} ${status}`;
    assert.equal(headers.get('content-type'), 'application/problem+json');
    const { code, detail } = body as { code: string; detail: string };
    assert(Object.hasOwn(ERROR_CODES, code), `an unknown code ${code}`);
    if (status === 404 && detail.startsWith('nothing at')) return 'nowhere';
    return `${method} ${wayOf(target)} ${status} ${inShort(detail)}`;
  }
}

/** Lets the world's time go on until there is an answer: some wait for what the hub does a little later. */
async function answered(social: SocialWorld, answer: Promise<Answer>): Promise<Answer> {
  const box: { answer?: Answer; error?: unknown } = {};
  const done = answer.then(
    (value) => (box.answer = value),
    (error: unknown) => (box.error = error),
  );
  for (let tries = 0; tries < MOST_WAITS; tries += 1) {
    if (box.answer !== undefined) return box.answer;
    if (box.error !== undefined) throw box.error as Error;
    await Promise.race([done, new Promise((resolve) => setTimeout(resolve, 1))]);
    await social.world.time.advance(200);
  }
  throw new Error('it was never answered');
}

/** The route, about: without ids, codes and queries. */
function wayOf(target: string): string {
  const parts = target.split(/[?#]/)[0]?.split('/') ?? [];
  return parts
    .map((part) => (/^(?:v1|[a-z.]{2,14})$/.test(part) ? part : '*'))
    .slice(0, 6)
    .join('/');
}

export function restTarget(): Target {
  const stage = new RestStage();
  const seeds = (): Uint8Array[] =>
    REQUESTS.map(([head, json]) =>
      new TextEncoder().encode(json === undefined ? head : `${head}\n${JSON.stringify(json)}`),
    );
  return { name: 'rest', seeds, run: (input) => stage.run(input) };
}
