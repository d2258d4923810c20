// How many listens a person brings in the long run: they are kept for good.
import { describe, expect, it } from 'vitest';
import { FakeSharedRates } from '../support/fake-shared-rates.ts';
import { userId } from '../support/hub-world.ts';
import { SocialWorld } from '../support/social-world.ts';

const NOW = 1_200_000_000_000;
const DAY_MS = 86_400_000;
const LIMIT = { perSecond: 100_000 / 86_400, burst: 500_000 };

const listens = (count: number, first = 0) => ({
  listen_type: 'import',
  payload: Array.from({ length: count }, (_, n) => ({
    listened_at: 1_100_000_000 + (first + n) * 300,
    track_metadata: { artist_name: 'Artist', track_name: `Song ${first + n}` },
  })),
});

describe('what a person imports', () => {
  it('is as much as a long history at first, and then so much a day', async () => {
    let nowMs = NOW;
    const sharedRates = new FakeSharedRates(() => nowMs);
    const clock = { now: () => nowMs, timelineId: 1 };
    const social = new SocialWorld({ sharedRates, clock });
    await social.people(1, 2);
    const bring = (n: number, count: number, first = 0) =>
      social.as(n, '/v1/me/listenbrainz', { json: listens(count, first) });
    expect((await bring(1, 500)).body).toMatchObject({ added: 500 });
    // By other nodes, until all but the next five hundred is used up.
    expect(await sharedRates.take('histories', userId(1), LIMIT, 499_000)).toBe(0);
    nowMs += 2_000;
    expect((await bring(1, 500, 500)).status).toBe(200);
    nowMs += 2_000;
    const refused = await bring(1, 500, 1_000);
    expect([refused.status, refused.body['code']]).toEqual([429, 'rate_limited']);
    const waitMs = refused.body['retryAfterMs'] as number;
    expect(waitMs).toBeGreaterThan((DAY_MS * 490) / 100_000);
    // What was known costs a tenth.
    expect((await bring(2, 500)).status).toBe(200);
    nowMs += waitMs;
    expect((await bring(1, 500, 1_000)).body).toMatchObject({ added: 500 });
    nowMs += DAY_MS / 200;
    expect((await bring(1, 500, 1_000)).body).toMatchObject({ added: 0 });
    nowMs += 2_000;
    expect((await bring(1, 400, 1_500)).body).toMatchObject({ added: 400 });
  });

  it('loses nothing of that where it only comes too fast', async () => {
    const sharedRates = new FakeSharedRates(() => NOW);
    const social = new SocialWorld({ sharedRates, clock: { now: () => NOW, timelineId: 1 } });
    await social.people(1);
    const statuses = [];
    for (let n = 0; n < 4; n += 1)
      statuses.push(
        (await social.as(1, '/v1/me/listenbrainz', { json: listens(500, n * 500) })).status,
      );
    expect(statuses).toEqual([200, 200, 429, 429]);
    expect(await sharedRates.take('histories', userId(1), LIMIT, 499_001)).toBeGreaterThan(0);
    expect(await sharedRates.take('histories', userId(1), LIMIT, 499_000)).toBe(0);
  });
});
