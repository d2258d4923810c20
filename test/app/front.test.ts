// What answers on the port before the service can.
import { describe, expect, it } from 'vitest';
import { Front } from '../../src/front.ts';
import { DATA_HEADERS } from '../../src/ports/sockets.ts';

describe('before the service has started', () => {
  it.each([
    ['/healthz', 200],
    ['/readyz', 503],
    ['/v1/rooms', 503],
    ['/', 503],
  ])('%s is answered %i, as data that is no document', async (target, status) => {
    const front = new Front();
    front.waitFor('Redis');
    const peer = { remoteAddress: '127.0.0.1' };
    const answer = await front.fetch(new Request(`http://a${target}`), peer);
    expect(answer.status).toBe(status);
    expect(Object.fromEntries(answer.headers)).toMatchObject(DATA_HEADERS);
  });
});
