// Two real nodes over a real Redis and a real Postgres: one room, and what is left of it when a node or a server goes.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stateHash } from '../../protocol/state-hash.ts';
import type { PublicRoom } from '../../protocol/schemas/room.ts';
import { EarshotProcess } from '../support/earshot-process.ts';
import type { Message } from '../support/hub-world.ts';
import { SharedServers } from '../support/shared-servers.ts';
import { WireClient, guestToken, type GuestToken } from '../support/wire-client.ts';

const servers = await SharedServers.start();
afterAll(async () => servers?.stop());

async function until<T>(what: string, find: () => Promise<T | undefined>): Promise<T> {
  const deadline = performance.now() + 20_000;
  for (;;) {
    const found = await find();
    if (found !== undefined) return found;
    if (performance.now() > deadline) throw new Error(`waited in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

function snapshotOf(reply: Message | undefined): PublicRoom {
  return (reply?.['snapshot'] as { room: PublicRoom }).room;
}

async function readiness(url: string): Promise<{ ready: boolean; reasons: string[] }> {
  const response = await fetch(`${url}/readyz`);
  return (await response.json()) as { ready: boolean; reasons: string[] };
}

describe.skipIf(servers === undefined)('two nodes', () => {
  let east: EarshotProcess;
  let west: EarshotProcess;
  let ana: GuestToken;
  let ben: GuestToken;

  beforeAll(async () => {
    [east, west] = await Promise.all([servers!.node(), servers!.node()]);
    ana = await guestToken(east.url, 'Ana');
    ben = await guestToken(west.url, 'Ben');
  });

  it('serve one room: what is done on one is heard on the other, in the same order', async () => {
    const here = await WireClient.enter(east.url, ana);
    const there = await WireClient.enter(west.url, ben);
    const roomId = (await here.ask('room.create', { name: 'Kitchen' }))!['roomId'];
    await there.ask('room.join', { roomId });
    await here.ask('room.update', { roomId, name: 'Attic' });
    await there.ask('chat.send', { roomId, text: 'hello from the west' });
    const heard = await there.push(
      (push) => push.type === 'room.events' && JSON.stringify(push).includes('Attic'),
    );
    expect(heard).toBeDefined();
    const said = await here.push((push) => push.type === 'room.chat');
    expect(said).toMatchObject({ items: [{ text: 'hello from the west' }] });
    const seen = await here.push(
      (push) => push.type === 'room.presence' && (push['count'] as number) === 2,
    );
    expect(seen).toBeDefined();
    const [a, b] = [
      snapshotOf(await here.ask('room.join', { roomId })),
      snapshotOf(await there.ask('room.join', { roomId })),
    ];
    expect(stateHash(a)).toBe(stateHash(b));
    here.close();
    there.close();
  });

  it('go on for each other: who loses a node by kill -9 comes back on the other, and nobody was gone', async () => {
    const dying = await servers!.node();
    const here = await WireClient.enter(dying.url, ana);
    const there = await WireClient.enter(west.url, ben);
    const roomId = (await here.ask('room.create', { name: 'Cellar' }))!['roomId'];
    await there.ask('room.join', { roomId });
    // Arrivals are told to the log in batches: who has not arrived cannot be missed.
    await until('the arrivals', async () => {
      const joined = snapshotOf(await there.ask('room.join', { roomId }));
      return joined.hereCount === 2 ? true : undefined;
    });
    for (let i = 0; i < 20; i += 1) await here.ask('room.update', { roomId, name: `Cellar ${i}` });
    await dying.kill();
    const again = await WireClient.enter(west.url, ana);
    const room = snapshotOf(await again.ask('room.join', { roomId }));
    expect(room.name).toBe('Cellar 19');
    expect(room.hereCount).toBe(2);
    // Longer than the grace and the dead node's lease together.
    await new Promise((resolve) => setTimeout(resolve, 25_000));
    expect(there.pushes.filter((push) => JSON.stringify(push).includes('MembersDeparted'))).toEqual(
      [],
    );
    again.close();
    there.close();
  });

  it('let those go who do not come back from a dead node', async () => {
    const dying = await servers!.node({ PRESENCE_GRACE_MS: '3000' });
    const witness = await servers!.node({ PRESENCE_GRACE_MS: '3000' });
    const here = await WireClient.enter(dying.url, ana);
    const there = await WireClient.enter(witness.url, ben);
    const roomId = (await here.ask('room.create', { name: 'Loft' }))!['roomId'];
    await there.ask('room.join', { roomId });
    await there.push((push) => push.type === 'room.presence' && (push['count'] as number) === 2);
    await until('the arrival', async () => {
      const room = snapshotOf(await there.ask('room.join', { roomId }));
      return room.hereCount === 2 ? room : undefined;
    });
    await dying.kill();
    const departed = await there.push(
      (push) => push.type === 'room.events' && JSON.stringify(push).includes('MembersDeparted'),
    );
    expect(departed).toBeDefined();
    there.close();
  });
});

describe.skipIf(servers === undefined)('a server that is away', () => {
  it.each([
    ['Postgres', { POSTGRES_URL: 'postgres://postgres@127.0.0.1:1/earshot' }],
    ['Redis', { REDIS_URL: 'redis://127.0.0.1:1' }],
    ['Redis', { REDIS_URL: 'redis://127.0.0.1:1,redis://127.0.0.1:2' }],
  ])(
    'at start is waited for: the node lives, is not ready, and says why (%s %o)',
    async (server, away) => {
      const node = await EarshotProcess.launch({ ...(await servers!.env()), ...away });
      try {
        expect((await fetch(`${node.url}/healthz`)).status).toBe(200);
        const { ready, reasons } = await until('a reason', async () => {
          const answer = await readiness(node.url);
          return answer.reasons[0]?.includes(server) === true ? answer : undefined;
        });
        expect({ ready, reasons }).toEqual({
          ready: false,
          reasons: [`${server} cannot be reached`],
        });
        expect((await fetch(`${node.url}/v1/rooms`)).status).toBe(503);
        await expect(WireClient.open(node.url)).rejects.toThrow('503');
        expect(await node.end('SIGTERM')).toBe(0);
      } finally {
        await node.kill();
      }
    },
  );

  it('in flight costs an answer, no socket: it goes on when the server is back', async () => {
    const node = await servers!.node();
    const ana = await guestToken(node.url, 'Ana');
    const here = await WireClient.enter(node.url, ana);
    const roomId = (await here.ask('room.create', { name: 'Kitchen' }))!['roomId'];
    await here.ask('chat.send', { roomId, text: 'before' });
    servers!.redis.process.kill('SIGSTOP');
    const refused = await here.ask('room.update', { roomId, name: 'Attic' });
    expect(refused).toMatchObject({ type: 'error', code: 'unavailable' });
    expect(refused!['retryAfterMs']).toBeGreaterThan(0);
    await until('not ready', async () =>
      (await readiness(node.url)).ready ? undefined : (true as const),
    );
    servers!.redis.process.kill('SIGCONT');
    await until('ready', async () => ((await readiness(node.url)).ready ? true : undefined));
    expect(here.closed).toBeUndefined();
    const done = await until('an answer', async () => {
      const reply = await here.ask('room.update', { roomId, name: 'Loft' });
      return reply?.type === 'ok' ? reply : undefined;
    });
    expect(done.type).toBe('ok');
    here.close();
  });
});
