// What the page computes without a browser: addresses, the order while a move is under way, sentences, the guest's token.
import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { EntryId, EventId, TrackId, UserId } from '../../protocol/ids.ts';
import type { PublicEvent } from '../../protocol/schemas/events.ts';
import { normalCode, parseTyped, pathOf, readableCode, targetOf } from '../../src/web/address.ts';
import { Guest } from '../../src/web/guest.ts';
import type { PageApi } from '../../src/web/page-sdk.ts';
import { followerOf, moved, shownOrder } from '../../src/web/queue-order.ts';
import {
  clockLabel,
  errorLabel,
  eventLabel,
  refusalLabel,
  spokenTime,
} from '../../src/web/wording.ts';
import { entryOf, CATALOGUE, ME, viewOf } from './fixture/scene.ts';

describe('addresses', () => {
  it('lead to a room by code, with or without an invite, and nowhere else', () => {
    const target = (path: string) => targetOf(new URL(path, 'https://earshot.example'));
    expect(target('/r/ABCD2345')).toEqual({ code: 'ABCD2345' });
    expect(target('/r/abcd-2345/?invite=x%2By')).toEqual({ code: 'ABCD2345', invite: 'x+y' });
    expect(target('/r/ABCD2345?invite=')).toEqual({ code: 'ABCD2345' });
    expect(target('/')).toBeUndefined();
    expect(target('/r/')).toBeUndefined();
    expect(target('/r/a/b')).toBeUndefined();
    expect(target('/r/%')).toBeUndefined();
    expect(target('/r/%20')).toBeUndefined();
    expect(target('/r/%41BCD2345')).toEqual({ code: 'ABCD2345' });
  });

  it('are read back as they were made', () => {
    const target = { code: 'ABCD2345', invite: 'a/b?c&d=e' };
    expect(targetOf(new URL(pathOf(target), 'https://earshot.example'))).toEqual(target);
  });

  it('accept what people type or paste', () => {
    expect(parseTyped(' abcd 2345 ')).toEqual({ code: 'ABCD2345' });
    expect(parseTyped('https://earshot.example/r/ABCD2345?invite=q')).toEqual({
      code: 'ABCD2345',
      invite: 'q',
    });
    expect(parseTyped('https://earshot.example/')).toBeUndefined();
    expect(parseTyped('https://')).toBeUndefined();
    expect(parseTyped(' - ')).toBeUndefined();
    expect(parseTyped('https://earshot.example/r/%E0%A4%A')).toBeUndefined();
    expect(readableCode(normalCode('abcd2345'))).toBe('ABCD 2345');
  });
});

describe('the order while a move is under way', () => {
  const ids = ['a', 'b', 'c', 'd'] as EntryId[];
  const id = (text: string) => text as EntryId;

  it('puts an entry where it was let go and names the one that follows', () => {
    expect(moved(ids, 0, 2)).toEqual(['b', 'c', 'a', 'd']);
    expect(moved(ids, 3, 0)).toEqual(['d', 'a', 'b', 'c']);
    expect(moved(ids, 9, 0)).toEqual(ids);
    expect(followerOf(moved(ids, 0, 2), id('a'))).toBe('d');
    expect(followerOf(moved(ids, 0, 3), id('a'))).toBeUndefined();
  });

  it('shows the wish only as long as it is about the very same entries', () => {
    const wanted = moved(ids, 0, 2);
    expect(shownOrder(ids, wanted)).toBe(wanted);
    expect(shownOrder(ids, undefined)).toBe(ids);
    expect(shownOrder(ids.slice(1), wanted)).toEqual(['b', 'c', 'd']);
    const other = ['a', 'b', 'c', 'e'] as EntryId[];
    expect(shownOrder(other, wanted)).toBe(other);
  });
});

describe('words', () => {
  it('tell times as people read, say and compare them', () => {
    expect([0, 59_999, 60_000, 3_725_000].map(clockLabel)).toEqual([
      '0:00',
      '0:59',
      '1:00',
      '1:02:05',
    ]);
    expect(spokenTime(61_000)).toBe('1 minute 1 second');
    expect([-2.6, 99, 400, 12_300].map(errorLabel)).toEqual(['3 ms', '99 ms', '0.4 s', '12 s']);
  });

  const { room } = viewOf({ role: 'host', empty: false });
  const bruno = '00000000-0000-4000-8000-000000000002' as UserId;
  const names = { me: ME, nameOf: (userId: UserId) => (userId === bruno ? 'Bruno' : undefined) };
  const base = { id: 'v1' as EventId, at: 0 };
  const say = (event: PublicEvent) => eventLabel(event, room, names);

  it('tell who did what', () => {
    const timeline = room.playback.timeline.slice();
    expect(say({ ...base, type: 'PlaybackMoved', by: bruno, cause: 'skip', timeline })).toBe(
      'Bruno skipped',
    );
    expect(say({ ...base, type: 'PlaybackMoved', by: ME, cause: 'pause', timeline })).toBe(
      'You paused',
    );
    expect(say({ ...base, type: 'PlaybackMoved', cause: 'horizon', timeline })).toBeUndefined();
    const [track] = CATALOGUE;
    if (track === undefined) throw new Error('an empty catalogue');
    const entries = { x: entryOf({ ...track, id: 't' as TrackId }, bruno, 'Bruno', 'a') };
    expect(say({ ...base, type: 'QueueAdded', by: bruno, entries })).toBe(
      'Bruno added “Slow Tide at Noon”',
    );
  });

  it('do not greet oneself, and count whom they do not name', () => {
    const me = { userId: ME, name: 'Ana' };
    const other = { userId: bruno, name: 'Bruno' };
    expect(say({ ...base, type: 'MembersArrived', members: [me], count: 1 })).toBeUndefined();
    expect(say({ ...base, type: 'MembersArrived', members: [me, other], count: 2 })).toBe(
      'Bruno came in',
    );
    expect(say({ ...base, type: 'MembersArrived', members: [other], count: 31 })).toBe(
      'Bruno and 30 others came in',
    );
  });

  it('have a sentence for a code that they do not know', () => {
    expect(refusalLabel('from_the_future')).toBe('That did not work.');
  });

  it('are silent about an event that they do not know', () => {
    expect(say({ ...base, type: 'FromTheFuture' } as unknown as PublicEvent)).toBeUndefined();
  });
});

describe('the guest of this browser', () => {
  let stored: Map<string, string>;
  let nowMs: number;
  const DAY_MS = 86_400_000;

  beforeEach(() => {
    stored = new Map();
    nowMs = 1_000;
    vi.stubGlobal('localStorage', {
      getItem: (key: string) => stored.get(key) ?? null,
      setItem: (key: string, value: string) => stored.set(key, value),
    });
  });

  const codeOf = (error: unknown): string | undefined => (error as { code?: string }).code;

  function createApi() {
    const asked: string[] = [];
    const grant = (how: string) => (name: string) => {
      asked.push(`${how} ${name}`);
      const token = `token ${asked.length}`;
      return Promise.resolve({ token, expiresInMs: DAY_MS, user: { id: ME, name, guest: true } });
    };
    const api = { createGuest: grant('create'), rename: grant('rename') };
    return { api: api as unknown as PageApi, asked, grant };
  }

  it('is made once, remembered, and renewed in the last quarter as the same person', async () => {
    const { api: base, asked, grant } = createApi();
    const api = {
      ...base,
      createGuest: async (name: string) => ({
        ...(await grant('create')(name)),
        device: { id: ME, secret: 'esd_secret' },
      }),
      tokenFor: (secret: string) => grant(`renew by ${secret}, as`)('Ana'),
    } as unknown as PageApi;
    const guest = new Guest(() => nowMs, codeOf);
    await guest.rename(api, 'Ana');
    await guest.rename(api, 'Ana');
    expect(await guest.token(api)).toBe('token 1');
    expect(new Guest(() => nowMs, codeOf).name).toBe('Ana');
    nowMs += DAY_MS * 0.8;
    expect(await Promise.all([guest.token(api), guest.token(api)])).toEqual(['token 2', 'token 2']);
    expect(asked).toEqual(['create Ana', 'renew by esd_secret, as Ana']);
  });

  it('keeps the token that it has to its end where it was given no secret', async () => {
    const { api, asked } = createApi();
    const guest = new Guest(() => nowMs, codeOf);
    await guest.rename(api, 'Ana');
    nowMs += DAY_MS * 0.8;
    expect(await guest.token(api)).toBe('token 1');
    nowMs += DAY_MS * 0.3;
    expect(await guest.token(api)).toBe('token 2');
    expect(asked).toEqual(['create Ana', 'create Ana']);
  });

  it('is a new person under the old name when the token is over', async () => {
    const { api, asked } = createApi();
    const guest = new Guest(() => nowMs, codeOf);
    await guest.rename(api, 'Ana');
    guest.expire();
    expect(guest.storedToken).toBeUndefined();
    expect(await guest.token(api)).toBe('token 2');
    expect(asked).toEqual(['create Ana', 'create Ana']);
  });

  it('takes nothing from a store that holds something else', () => {
    stored.set('earshot.guest', '{"name":7}');
    expect(new Guest(() => nowMs, codeOf).name).toBeUndefined();
    stored.set('earshot.guest', '{');
    expect(new Guest(() => nowMs, codeOf).name).toBeUndefined();
  });
});
