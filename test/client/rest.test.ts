// The calls over REST: what goes out, what comes back, and how a refusal looks.
import { describe, expect, it } from 'vitest';
import type { TrackId, UserId } from '../../protocol/ids.ts';
import type { EarshotError } from '../../src/client/errors.ts';
import { EarshotApi } from '../../src/client/rest.ts';

interface Call {
  readonly url: string;
  readonly method: string;
  readonly authorization: string | null;
  readonly body: unknown;
}

function apiOver(respond: () => Response | Error, token?: () => string | undefined) {
  const calls: Call[] = [];
  const waits: number[] = [];
  const api = new EarshotApi({
    url: 'wss://hub.test/',
    ...(token === undefined ? {} : { token }),
    wait: (ms) => {
      waits.push(ms);
      return Promise.resolve();
    },
    fetch: (input, init) => {
      const request = new Request(input, init);
      const body = typeof init?.body === 'string' ? (JSON.parse(init.body) as unknown) : undefined;
      const authorization = request.headers.get('authorization');
      calls.push({ url: request.url, method: request.method, authorization, body });
      const response = respond();
      return response instanceof Error ? Promise.reject(response) : Promise.resolve(response);
    },
  });
  return { api, calls, waits };
}

function problem(status: number, body: object | string): () => Response {
  return () => new Response(typeof body === 'string' ? body : JSON.stringify(body), { status });
}

async function failure(promise: Promise<unknown>): Promise<EarshotError> {
  try {
    await promise;
  } catch (error) {
    return error as EarshotError;
  }
  throw new Error('it was expected to fail');
}

describe('EarshotApi', () => {
  it('asks the right addresses with the token of the moment', async () => {
    const tokens = [undefined, 'one', 'two'];
    const { api, calls } = apiOver(
      () => Response.json({ rooms: [], tracks: [], total: 0 }),
      () => tokens.shift(),
    );
    await api.createGuest('Ana');
    await api.rename('Anna');
    await api.tracks('a & b', { offset: 5, limit: 10 });
    await api.track('t/1' as TrackId);
    await api.room('ABCDEFGH');
    expect(await api.publicRooms()).toEqual([]);
    const at = 'https://hub.test/v1';
    expect(calls).toMatchObject([
      { method: 'POST', url: `${at}/guests`, authorization: null, body: { name: 'Ana' } },
      { method: 'PATCH', url: `${at}/me`, authorization: 'Bearer one', body: { name: 'Anna' } },
      { url: `${at}/tracks?q=a+%26+b&offset=5&limit=10`, authorization: 'Bearer two' },
      { url: `${at}/tracks/t%2F1` },
      { url: `${at}/rooms/ABCDEFGH` },
      { url: `${at}/rooms` },
    ]);
    expect(api.coverUrl('t' as TrackId)).toBe(`${at}/tracks/t/cover`);
  });

  it('turns a problem into an error with its code', async () => {
    const body = { code: 'rate_limited', detail: 'too many guests', retryAfterMs: 900 };
    const { api } = apiOver(problem(429, body));
    const error = await failure(api.createGuest('Ana'));
    expect(error).toMatchObject({
      code: 'rate_limited',
      message: 'too many guests',
      status: 429,
      retryable: true,
      retryAfterMs: 900,
    });
  });

  it.each([
    [problem(503, '<html>no upstream</html>'), { code: 'unavailable', status: 503 }],
    [problem(500, { code: 'made_up' }), { code: 'internal', status: 500 }],
    [problem(200, 'not JSON'), { code: 'internal', status: 200 }],
    [() => new TypeError('fetch failed'), { code: 'connection_lost', retryable: true }],
  ])('makes an EarshotError of whatever else comes (%#)', async (respond, expected) => {
    const { api } = apiOver(respond);
    const error = await failure(api.me());
    expect(error).toMatchObject({ name: 'EarshotError', ...expected });
  });

  it('gives up on an answer that does not come', async () => {
    const api = new EarshotApi({
      url: 'https://hub.test',
      timeoutMs: 5,
      fetch: (_, init) =>
        new Promise((__, reject) => {
          const { signal } = init ?? {};
          signal?.addEventListener('abort', () => reject(signal.reason as Error));
        }),
    });
    expect(await failure(api.me())).toMatchObject({ code: 'timeout', retryable: true });
  });
});

describe('the calls about people and listening', () => {
  const ana = { id: 'ana', name: 'Ana', colour: 'teal', at: 5 };
  const person = { userId: 'ana', name: 'Ana', colour: 'teal' };

  it('name people by their user id, and answer nothing where there is nothing to say', async () => {
    const lists = { friends: [ana], incoming: [], incomingCount: 0, outgoing: [], blocked: [] };
    const { api } = apiOver(() => Response.json(lists));
    expect((await api.people.overview()).friends).toEqual([{ ...person, at: 5 }]);
    const done = apiOver(() => new Response(null, { status: 204 }));
    await done.api.people.block('ben' as UserId);
    expect(done.calls).toMatchObject([{ method: 'PUT', url: 'https://hub.test/v1/blocks/ben' }]);
  });

  it('ask for pages by their cursor', async () => {
    const { api, calls } = apiOver(() => Response.json({ listens: [], next: 'n' }));
    expect(await api.listening.listens({ cursor: 'c&', limit: 5 })).toEqual({
      items: [],
      next: 'n',
    });
    expect(calls[0]?.url).toBe('https://hub.test/v1/me/listens?cursor=c%26&limit=5');
    await api.listening.together({ from: 1 }).catch(() => undefined);
    expect(calls[1]?.url).toBe('https://hub.test/v1/me/together?from=1');
  });

  it.each([
    ['a list', JSON.stringify(Array.from({ length: 501 }, (_, n) => ({ n })))],
    ['what the API takes', JSON.stringify({ payload: Array.from({ length: 501 }, () => ({})) })],
    ['lines', Array.from({ length: 501 }, (_, n) => JSON.stringify({ n })).join('\n')],
  ])('bring listens of a file in portions: %s', async (_, text) => {
    const problems = [{ index: 0, why: 'listened_at: no' }];
    const { api, calls } = apiOver(() =>
      Response.json({ received: 2, added: 1, skipped: 1, problems }),
    );
    expect(await api.listening.importListens(text)).toEqual({
      received: 4,
      added: 2,
      skipped: 2,
      problems: [...problems, { index: 500, why: 'listened_at: no' }],
    });
    const sizes = calls.map(({ body }) => (body as { payload: unknown[] }).payload.length);
    expect(sizes).toEqual([500, 1]);
  });

  it('wait as long as the hub says where listens come too fast, and not for ever', async () => {
    const limited = problem(429, { code: 'rate_limited', detail: 'too many', retryAfterMs: 700 });
    const answers = [
      limited,
      limited,
      () => Response.json({ received: 1, added: 1, skipped: 0, problems: [] }),
    ];
    const { api, calls, waits } = apiOver(() => (answers.shift() ?? limited)());
    expect(await api.listening.importListens('{"a":1}')).toMatchObject({ added: 1 });
    expect([calls.length, waits]).toEqual([3, [700, 700]]);
    expect(await failure(api.listening.importListens('{"a":1}'))).toMatchObject({
      code: 'rate_limited',
    });
    expect(calls.length).toBeLessThan(30);
  });

  it('refuse a file that is none, and name the line', async () => {
    const { api, calls } = apiOver(() => Response.json({}));
    const refused = await failure(api.listening.importListens('{"a":1}\nnonsense'));
    expect([refused.code, refused.message]).toEqual(['bad_request', 'line 2 is not JSON']);
    expect(calls).toEqual([]);
  });

  it('give a document as it is, and a refusal for what is none', async () => {
    const { api } = apiOver(() => new Response('{"all":1}', { status: 200 }));
    expect(await (await api.listening.exportData()).text()).toBe('{"all":1}');
    const away = apiOver(problem(503, { code: 'unavailable', detail: 'later' }));
    expect(await failure(away.api.listening.exportData())).toMatchObject({
      code: 'unavailable',
      message: 'later',
    });
  });
});
