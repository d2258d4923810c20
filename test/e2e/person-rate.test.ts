// One person on two real nodes at once, as fast as they let them: both together give about one rate.
import { afterAll, describe, expect, it } from 'vitest';
import { SharedServers } from '../support/shared-servers.ts';
import { guestToken, WireClient } from '../support/wire-client.ts';

const PER_SECOND = 5;
const BURST = 20;
/** Until then two nodes that count alone give two thirds more than what is allowed here. */
const FOR_MS = 8_000;
/** Above it, refusals would count as a flood. */
const EVERY_MS = 100;

const servers = await SharedServers.start();
afterAll(async () => servers?.stop());

/** @param ask whether it was answered @returns how often it was, until `isOver` */
async function flood(ask: () => Promise<boolean>, isOver: () => boolean): Promise<number> {
  let answered = 0;
  while (!isOver()) {
    if (await ask()) answered += 1;
    else await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
  }
  return answered;
}

describe.skipIf(servers === undefined)('a person on two nodes', () => {
  it('has one rate, by sockets and by REST', async () => {
    const env = {
      USER_REQUESTS_PER_SECOND: String(PER_SECOND),
      USER_REQUEST_BURST: String(BURST),
    };
    const [east, west] = await Promise.all([servers!.node(env), servers!.node(env)]);
    const ana = await guestToken(east.url, 'Ana');
    const here = await WireClient.enter(east.url, ana);
    const bySocket = async (): Promise<boolean> => {
      const roomId = '00000000-0000-4000-8000-000000000001';
      const reply = await here.ask('room.leave', { roomId });
      return reply?.type === 'ok';
    };
    const byRest = async (): Promise<boolean> => {
      const headers = { authorization: `Bearer ${ana.token}` };
      return (await fetch(`${west.url}/v1/me`, { headers })).ok;
    };
    const startedAt = performance.now();
    const isOver = (): boolean =>
      performance.now() - startedAt > FOR_MS || here.closed !== undefined;
    const [socket, rest] = await Promise.all([flood(bySocket, isOver), flood(byRest, isOver)]);
    expect(here.closed).toBeUndefined();
    const seconds = (performance.now() - startedAt) / 1_000;
    const one = BURST + PER_SECOND * seconds;
    const both = socket + rest;
    const unsettled = await Promise.all(
      [east, west].map((node) => node.metric('earshot_shared_rates_unsettled_total')),
    );
    expect(both).toBeGreaterThan(0.8 * one);
    // A Redis that is late on a busy machine has it counted by each node alone, which is told.
    if (unsettled.every((count) => count === 0)) expect(both).toBeLessThan(1.5 * one);
    // It is no ban: who waits as they are told goes on, here and there.
    await expect.poll(bySocket).toBe(true);
    await expect.poll(byRest).toBe(true);
    here.close();
  });
});
