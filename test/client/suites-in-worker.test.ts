// The suites of being connected, of requests and of rooms once more, with the socket in a worker: nothing may differ.
import { afterAll, describe } from 'vitest';
import { FakeHub } from './fake-hub.ts';

describe('with the socket in a worker', async () => {
  FakeHub.thread = 'worker';
  afterAll(() => {
    FakeHub.thread = 'page';
  });
  await import('./connection.test.ts');
  await import('./requests.test.ts');
  await import('./room-return.test.ts');
});
