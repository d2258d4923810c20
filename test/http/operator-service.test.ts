// What operators ask of the whole service over REST: who may, and what they are answered.
import { describe, expect, it } from 'vitest';
import { FellowNodes } from '../../src/hub/fellow-nodes.ts';
import { StoreUnavailable } from '../../src/ports/room-log.ts';
import { call, type Answer } from '../support/http-calls.ts';
import { userId } from '../support/hub-world.ts';
import { SocialWorld } from '../support/social-world.ts';
import { termedAuthenticator, tokenOf } from '../support/termed-tokens.ts';

const OPERATOR = tokenOf(99, { isOperator: true });

class ServiceWorld extends SocialWorld {
  readonly drains: (number | undefined)[] = [];
  isAway = false;

  constructor() {
    const away = (): Promise<never> => Promise.reject(new StoreUnavailable('Redis'));
    const fellows: Pick<FellowNodes, 'nodes' | 'rooms' | 'drain'> = {
      nodes: () => (this.isAway ? away() : this.#fellows.nodes()),
      rooms: () => this.#fellows.rooms(),
      drain: (node, withinMs) =>
        node === 'silent' ? Promise.resolve('missing') : this.#fellows.drain(node, withinMs),
    };
    super({
      authenticator: termedAuthenticator(() => Date.now()),
      fellows: fellows as FellowNodes,
    });
    const { hub, feed, time, log } = this.world;
    this.#fellows = new FellowNodes({
      nodeId: 'here',
      feed,
      timers: time,
      log,
      alive: () => new Set(['here']),
      report: () => ({
        id: 'here',
        host: 'hub-1',
        release: '0.2.0',
        version: '1',
        startedAt: 5,
        connections: hub.connectionCount,
        rooms: hub.rooms.count,
        isReady: hub.isReady,
        reasons: [],
        away: ['mongodb'],
      }),
      rooms: () =>
        [...hub.rooms.all()].map(({ state, members }) => ({
          ...state.public,
          hereCount: members.count,
        })),
      drain: (withinMs) => this.drains.push(withinMs),
      newId: () => 'a question',
    });
  }

  readonly #fellows: FellowNodes;

  operator(method: string, target: string, json?: unknown): Promise<Answer> {
    const init = { method, token: OPERATOR, ...(json === undefined ? {} : { json }) };
    return call(this.app, `/v1/operator${target}`, init);
  }
}

describe('operators of the whole service', () => {
  it('are those with the role', async () => {
    const world = new ServiceWorld();
    for (const [method, target, json] of [
      ['GET', '/nodes', undefined],
      ['POST', '/nodes/here/drain', {}],
      ['GET', '/rooms', undefined],
      ['GET', `/people/${userId(1)}/data`, undefined],
    ] as const) {
      const init = { method, ...(json === undefined ? {} : { json }) };
      const path = `/v1/operator${target}`;
      expect((await call(world.app, path, { ...init, token: tokenOf(1) })).status).toBe(403);
      expect((await call(world.app, path, init)).status).toBe(401);
    }
    expect(world.drains).toEqual([]);
  });

  it('see nodes and rooms, private ones too', async () => {
    const world = new ServiceWorld();
    const [ana] = await world.connected(1);
    await ana?.ask('room.create', { name: 'Kitchen', visibility: 'private' });
    expect((await world.operator('GET', '/nodes')).body).toEqual({
      nodes: [expect.objectContaining({ id: 'here', connections: 1, rooms: 1, away: ['mongodb'] })],
      missing: [],
    });
    // What an alert and the notes of a release are matched with.
    const [node] = (await world.operator('GET', '/nodes')).body['nodes'] as object[];
    expect(node).toMatchObject({ host: 'hub-1', release: '0.2.0' });
    const { body } = await world.operator('GET', '/rooms?limit=1');
    expect(body).toMatchObject({
      rooms: [{ name: 'Kitchen', visibility: 'private', hereCount: 1 }],
      total: 1,
      missing: [],
    });
    // The members of a room, its queue and the ways in are not an operator's to read here.
    expect(Object.keys((body['rooms'] as object[])[0] ?? {}).sort()).toEqual([
      'code',
      'hereCount',
      'id',
      'name',
      'visibility',
    ]);
    world.isAway = true;
    expect((await world.operator('GET', '/nodes')).status).toBe(503);
  });

  it('drain a node that there is, and are told where it does not answer', async () => {
    const world = new ServiceWorld();
    const drained = await world.operator('POST', '/nodes/here/drain', { withinMs: 5_000 });
    expect([drained.status, drained.body['id']]).toEqual([202, 'here']);
    expect((await world.operator('POST', '/nodes/here/drain', {})).status).toBe(202);
    expect(world.drains).toEqual([5_000, undefined]);
    expect((await world.operator('POST', '/nodes/gone/drain', {})).status).toBe(404);
    expect((await world.operator('POST', '/nodes/silent/drain', {})).status).toBe(503);
    for (const bad of [{ withinMs: -1 }, { withinMs: 1e9 }, { within: 1 }])
      expect((await world.operator('POST', '/nodes/here/drain', bad)).status).toBe(400);
    expect(world.drains).toHaveLength(2);
  });

  it('export what is kept of a person, as the person could', async () => {
    const world = new ServiceWorld();
    await world.people(1);
    const mine = await call(world.app, '/v1/me/data', { token: tokenOf(1) });
    const theirs = await world.operator('GET', `/people/${userId(1)}/data`);
    expect(theirs.status).toBe(200);
    expect(theirs.body).toEqual(mine.body);
    expect((await world.operator('GET', `/people/${userId(7)}/data`)).status).toBe(404);
    expect((await world.operator('GET', '/people/ana/data')).status).toBe(400);
  });
});
