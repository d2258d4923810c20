// The rules between people, for all that a store may find.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { UserId } from '../../protocol/ids.ts';
import { MAX_PRIVATE_MS } from '../../protocol/schemas/feed.ts';
import {
  checkedName,
  checkedProfile,
  checkPrivateUntil,
  colourOf,
  COLOURS,
  DECLINED_REST_MS,
  decideRequest,
  FRIEND_LIMITS,
  isNamed,
  type Ask,
  type RequestFacts,
} from '../../src/domain/people.ts';

const DAY_MS = 86_400_000;
const now = 100 * DAY_MS;
const past = fc.integer({ min: now - 20 * DAY_MS, max: now });
const ask: fc.Arbitrary<Ask> = fc
  .record({
    sentAt: past,
    declinedAt: fc.option(past, { nil: undefined }),
    isWithdrawn: fc.boolean(),
  })
  .map(({ sentAt, declinedAt, isWithdrawn }) =>
    declinedAt === undefined
      ? { sentAt, isWithdrawn: false }
      : { sentAt: Math.min(sentAt, declinedAt), declinedAt, isWithdrawn },
  );
const count = (limit: number) => fc.integer({ min: 0, max: limit });
const facts: fc.Arbitrary<RequestFacts> = fc.record({
  isBlocked: fc.boolean(),
  areFriends: fc.boolean(),
  asked: fc.option(ask, { nil: undefined }),
  askedBack: fc.option(ask, { nil: undefined }),
  friendCounts: fc.tuple(count(FRIEND_LIMITS.friends), count(FRIEND_LIMITS.friends)),
  openRequests: count(FRIEND_LIMITS.openRequests),
  requestTimes: fc.array(past, { maxLength: FRIEND_LIMITS.requestsPerDay }),
});

describe('a request', () => {
  it('answers one that was declined as one that waits', () => {
    fc.assert(
      fc.property(facts, past, (found, declinedAt) => {
        const waiting: Ask = { sentAt: now - 20 * DAY_MS, isWithdrawn: false };
        const [one, other] = [waiting, { ...waiting, declinedAt }].map((asked) =>
          decideRequest({ ...found, asked }, now, FRIEND_LIMITS),
        );
        expect(other?.outcome).toBe(one?.outcome);
      }),
    );
  });

  it('is heard of by nobody within seven days of being declined, and by none who blocks', () => {
    fc.assert(
      fc.property(facts, (found) => {
        const decision = decideRequest(found, now, FRIEND_LIMITS);
        if (found.isBlocked) expect(decision).toEqual({ outcome: 'refused' });
        if (decision.outcome !== 'sent' || decision.ask === undefined) return;
        const declinedAt = found.asked?.declinedAt;
        const isResting = declinedAt !== undefined && now - declinedAt < DECLINED_REST_MS;
        expect(decision.ask.declinedAt).toBe(isResting ? declinedAt : undefined);
        expect(decision.ask).toMatchObject({ sentAt: now, isWithdrawn: false });
      }),
    );
  });

  it('passes no limit, and remembers no more than a day', () => {
    fc.assert(
      fc.property(facts, (found) => {
        const decision = decideRequest(found, now, FRIEND_LIMITS);
        const isFull = found.friendCounts.some((friends) => friends >= FRIEND_LIMITS.friends);
        if (isFull) expect(decision.outcome).not.toBe('friends');
        if (decision.outcome !== 'sent' || decision.requestTimes === undefined) return;
        expect(found.openRequests).toBeLessThan(FRIEND_LIMITS.openRequests);
        expect(found.friendCounts[0]).toBeLessThan(FRIEND_LIMITS.friends);
        expect(decision.requestTimes.length).toBeLessThanOrEqual(FRIEND_LIMITS.requestsPerDay);
        expect(Math.min(...decision.requestTimes)).toBeGreaterThan(now - DAY_MS);
        expect(decision.requestTimes.at(-1)).toBe(now);
      }),
    );
  });
});

describe('a profile', () => {
  it('has a colour of the palette for every person, always the same', () => {
    fc.assert(
      fc.property(fc.uuid(), (id) => {
        expect(COLOURS).toContain(colourOf(id as UserId));
        expect(colourOf(id as UserId)).toBe(colourOf(id as UserId));
      }),
    );
  });

  it.each([
    'https://pictures.example',
    'https://pictures.example:8443/a/b.webp?x=1&y=%20#z',
    'https://bücher.example/ä.png',
    `https://pictures.example/${'a'.repeat(487)}`,
  ])('takes the picture %s', (picture) => {
    expect(checkedProfile({ picture })).toEqual({ picture });
  });

  it.each([
    'javascript:alert(1)',
    'data:image/png;base64,AAAA',
    '//pictures.example/a.png',
    'https:/pictures.example',
    'https://',
    'https://a b.example/',
    'https://user@pictures.example/',
    'https://[::bad/',
    'https://pictures.example/\u202e.png',
    'https://pictures.example/a\nb',
    `https://pictures.example/${'a'.repeat(488)}`,
    '',
  ])('refuses the picture %j', (picture) => {
    expect(() => checkedProfile({ picture })).toThrow(RangeError);
  });

  it('keeps a name as it is shown', () => {
    expect(checkedProfile({ name: ' A\u0308nne ' })).toEqual({ name: 'Änne' });
    for (const name of ['', '\u200b', 'a\u2066b', 'x'.repeat(65), '\ud800']) {
      expect(() => checkedName(name)).toThrow(RangeError);
    }
  });
});

describe('a private session', () => {
  it('ends at a time, at most a year from now, or is ended', () => {
    for (const end of [undefined, null, 0, now, now + MAX_PRIVATE_MS])
      expect(() => checkPrivateUntil(end, now)).not.toThrow();
    for (const end of [-1, NaN, Infinity, now + MAX_PRIVATE_MS + 1])
      expect(() => checkPrivateUntil(end, now)).toThrow(RangeError);
  });
});

describe('a search by name', () => {
  it('minds neither case nor accents nor spaces around it', () => {
    expect(isNamed('Bénédicte Ångström', 'ANGS')).toBe(true);
    expect(isNamed('Bénédicte', ' ne\u0301d ')).toBe(true);
    expect(isNamed('Bénédicte', 'benno')).toBe(false);
    expect(isNamed('100% Ana', '%')).toBe(true);
    expect(isNamed('Ana', '.*')).toBe(false);
    expect(isNamed('Ana', '')).toBe(true);
  });
});
