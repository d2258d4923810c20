// A whole load test where it does not come to its first phase.
import { describe, expect, it } from 'vitest';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { LoadTest, type RunOptions } from '../../loadtest/run.ts';
import { readScenario } from '../../loadtest/scenario/read-scenario.ts';
import { targetOf } from '../../loadtest/target.ts';

async function optionsFor(url: string): Promise<RunOptions> {
  return {
    scenario: await readScenario('party', { rooms: 1 }),
    targets: [targetOf(url, {})],
    ...{ secret: undefined, threads: 1, sourceAddresses: [], hubPids: [], drainPids: [] },
    ...{
      findLimit: undefined,
      keepRooms: false,
      isWatching: true,
      isLedgerOnly: false,
      onSecond: () => undefined,
      say: () => undefined,
    },
  };
}

async function withHub(
  answer: (asked: number) => { readonly status: number; readonly body: object },
  act: (url: string) => Promise<void>,
): Promise<void> {
  let asked = 0;
  const server: Server = createServer((_, response) => {
    asked += 1;
    const { status, body } = answer(asked);
    response.writeHead(status).end(JSON.stringify(body));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  await act(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  server.close();
  server.closeAllConnections();
}

const guest = { status: 200, body: { user: { id: 'somebody' }, token: 'x' } };

describe('guests', () => {
  it('who are too many are a matter of the hub’s settings', async () => {
    const tooMany = { status: 429, body: { detail: 'too many', retryAfterMs: 60_000 } };
    await withHub(
      (asked) => (asked < 3 ? guest : tooMany),
      async (url) => {
        const run = new LoadTest(await optionsFor(url)).run();
        await expect(run).rejects.toThrow(
          /guest 3 was not let in: .*too many\n.*GUESTS_PER_MINUTE/s,
        );
      },
    );
  });

  it('whom nobody answers are not', async () => {
    const error: unknown = await new LoadTest(await optionsFor('http://127.0.0.1:1'))
      .run()
      .catch((reason: unknown) => reason);
    expect((error as Error).message).toMatch(/guest 1 was not let in: .*ECONNREFUSED/);
    expect((error as Error).message).not.toContain('GUESTS_PER_MINUTE');
  });
});

describe('a run that is ended before its first phase', () => {
  it('reports what was: nothing', async () => {
    let test: LoadTest | undefined;
    let last = 0;
    await withHub(
      (asked) => {
        last = asked;
        if (asked === 2) test?.interrupt();
        return guest;
      },
      async (url) => {
        test = new LoadTest(await optionsFor(url));
        expect(await test.run()).toMatchObject({
          ...{ verdict: 'interrupted', phases: [], seconds: [], faults: [] },
        });
      },
    );
    expect(last).toBe(2);
  });
});
