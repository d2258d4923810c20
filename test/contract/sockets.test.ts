// Runs the contract of the Sockets port on both transports.

import { describe, it } from 'vitest';
import { loadUwsSockets } from '../../src/adapters/uws/uws-sockets.ts';
import { createWsSockets } from '../../src/adapters/ws/ws-sockets.ts';
import { socketsContract } from './sockets.contract.ts';

const uws = await loadUwsSockets();

describe('ws', () => {
  socketsContract(() => Promise.resolve(createWsSockets()), { shortestIdleSeconds: 0.4 });
});

if (uws.kind === 'ok') {
  describe('uws', () => {
    socketsContract(() => Promise.resolve(uws.sockets), { shortestIdleSeconds: 8 });
  });
} else if (process.env.EARSHOT_TEST_REQUIRE_ALL === '1') {
  it('uws can be loaded', () => {
    throw new Error(uws.reason);
  });
} else {
  describe.skip(`uws: ${uws.reason}`, () => {
    it('keeps the contract', () => undefined);
  });
}
