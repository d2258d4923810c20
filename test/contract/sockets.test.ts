// Runs the contract of the Sockets port on both transports.

import { describe, it } from 'vitest';
import { loadUwsSockets } from '../../src/adapters/uws/uws-sockets.ts';
import { createWsSockets } from '../../src/adapters/ws/ws-sockets.ts';
import { socketsContract } from './sockets.contract.ts';

// Its binaries for Node 22 and later need glibc 2.38: where a system has an older one, ws serves, and nothing can be installed for it.
const isTooNew = (reason: string): boolean =>
  Number(process.versions.node.split('.')[0]) >= 22 && reason.includes('GLIBC');
const uws = await loadUwsSockets();

describe('ws', () => {
  socketsContract(() => Promise.resolve(createWsSockets()), { shortestIdleSeconds: 0.4 });
});

if (uws.kind === 'ok') {
  describe('uws', () => {
    socketsContract(() => Promise.resolve(uws.sockets), { shortestIdleSeconds: 8 });
  });
} else if (process.env.EARSHOT_TEST_REQUIRE_ALL === '1' && !isTooNew(uws.reason)) {
  it('uws can be loaded', () => {
    throw new Error(uws.reason);
  });
} else {
  describe.skip(`uws: ${uws.reason}`, () => {
    it('keeps the contract', () => undefined);
  });
}
