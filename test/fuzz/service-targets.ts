// The whole service on stores in memory: frames to a hub in which somebody is in a room, and requests to REST.
import assert from 'node:assert/strict';
import { ERROR_CODES } from '../../protocol/errors.ts';
import type { Answer } from '../support/http-calls.ts';
import { HubWorld, type TestClient } from '../support/hub-world.ts';
import { UNHURRIED, kitchen } from '../support/kitchen.ts';
import type { Target } from './fuzzer.ts';
import { inShort, nothingPolluted } from './invariants.ts';
import { frameSeeds } from './pure-targets.ts';
import {
  REST_SEEDS,
  SEEDS_BESIDE,
  SEEDS_WITH_HEADERS,
  SEEDS_WITH_MUCH,
  textOf,
} from './rest-seeds.ts';
import { RestWorld, routeOf, routesOf, type Route } from './rest-world.ts';

/** After so many inputs a world is left for a new one: what they did to it must not decide for ever what can be found. */
const INPUTS_A_WORLD = 100;

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

class RestStage {
  #world: RestWorld | undefined;
  #routes: readonly Route[] = [];
  #inputs = 0;

  async run(input: Uint8Array): Promise<string> {
    this.#inputs += 1;
    if (this.#inputs % INPUTS_A_WORLD === 1 || this.#world === undefined) {
      this.#world = await RestWorld.create();
      this.#routes = await routesOf(this.#world.social.app);
    }
    const performed = await this.#world.perform(input);
    nothingPolluted();
    noFaults(this.#world.social.world.log.lines);
    if (performed === undefined) return 'no request';
    const { who, method, answer } = performed;
    const { status, headers, body } = answer;
    assert(status < 500, `answered ${status}`);
    assert.equal(headers.get('x-content-type-options'), 'nosniff');
    assert(headers.has('content-security-policy'));
    if (status === 206 && method === 'GET')
      assert.equal(String(body['text']).length, Number(headers.get('content-length')));
    // By the route, not by what stands in its places: else each name that is made up would be an outcome of its own.
    const route = routeOf(this.#routes, performed)?.path ?? 'beside';
    const way = `${who} ${method} ${route} ${status}`;
    if (status < 400) return `${way} ${shapeOf(answer)}`;
    assert.equal(headers.get('content-type'), 'application/problem+json');
    if (method === 'HEAD') return way;
    const { code, detail } = body as { code: string; detail: string };
    assert(Object.hasOwn(ERROR_CODES, code), `an unknown code ${code}`);
    if (status === 404 && detail.startsWith('nothing at')) return 'nowhere';
    return `${way} ${inShort(detail)}`;
  }
}

/** Which members an answer has, and which of its lists hold something. */
function shapeOf({ headers, body }: Answer): string {
  if (!(headers.get('content-type') ?? '').includes('json')) return '';
  if (Array.isArray(body)) return `list ${Math.min(1, body.length)}`;
  return Object.entries(body)
    .map(([name, value]) => (Array.isArray(value) ? `${name}:${Math.min(1, value.length)}` : name))
    .sort()
    .join();
}

export function restTarget(): Target {
  const stage = new RestStage();
  const utf8 = new TextEncoder();
  const seeds = (): Uint8Array[] =>
    [...REST_SEEDS, ...SEEDS_BESIDE, ...SEEDS_WITH_HEADERS, ...SEEDS_WITH_MUCH].map((seed) =>
      utf8.encode(textOf(seed)),
    );
  return { name: 'rest', seeds, run: (input) => stage.run(input) };
}
