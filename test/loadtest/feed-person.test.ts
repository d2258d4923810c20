// One virtual person of the feed: each thing that may go wrong with what it is shown is found, and named for what it is.
import { afterEach, describe, expect, it } from 'vitest';
import { Arrivals } from '../../loadtest/ledger/arrivals.ts';
import { FeedPerson } from '../../loadtest/listener/feed-person.ts';
import type { Ground } from '../../loadtest/listener/ground.ts';
import { ScriptedHub, faultsOf, groundOf } from '../support/scripted-hub.ts';

const seat = { group: 0, room: 0, place: 0, person: 7, fromLoad: 0 };
const cleanUps: (() => void)[] = [];

afterEach(() => {
  for (const cleanUp of cleanUps.splice(0)) cleanUp();
});

interface World {
  readonly hub: ScriptedHub;
  readonly ground: Ground;
  readonly person: FeedPerson;
  /** Each track that was acknowledged, and how many were begun by then. */
  readonly played: { readonly activityId: string; readonly nth: number; readonly begun: number }[];
  readonly push: (push: object | string) => void;
}

/** Friends are those whose name begins with "f". @param held what the subscription is answered with */
async function world(...held: readonly object[]): Promise<World> {
  const played: World['played'] = [];
  const hub = await ScriptedHub.start(({ type, body }) => {
    if (type === 'feed.subscribe') return { items: held, audience: {} };
    if (type === 'activity.set') return { activityId: (body['track'] as { title: string }).title };
    return undefined;
  });
  const ground = groundOf(hub);
  const person: FeedPerson = new FeedPerson({
    ...{ ground, seat, isPrivate: false },
    onPlay: (activityId, _, nth) => played.push({ activityId, nth, begun: person.plays }),
    maySee: (userId) => userId.startsWith('f'),
    arrivals: new Arrivals({ each: () => undefined, last: () => undefined }),
  });
  cleanUps.push(
    () => hub.close(),
    () => ground.agenda.close(),
    () => person.close(),
  );
  const push = (what: object | string): void => {
    const text = typeof what === 'string' ? what : JSON.stringify(what);
    person.push(Buffer.from(text), 1_000);
  };
  return { hub, ground, person, played, push };
}

/** As `world`, and looking. */
async function looking(...held: readonly object[]): Promise<World> {
  const all = await world(...held);
  all.person.come(0);
  // The answer to the subscription comes before the one to what is asked after it.
  await expect.poll(() => all.person.isJoined).toBe(true);
  return all;
}

function item(userId: string, activityId: string, seq: number): object {
  return { activityId, user: { id: userId }, seq };
}

function items(...upsert: readonly object[]): object {
  return { type: 'feed.items', upsert, remove: [] };
}

function snapshot(...held: readonly object[]): object {
  return { type: 'feed.snapshot', reason: 'behind', items: held, audience: {} };
}

describe('what a person plays', () => {
  it('is known by its number when it is acknowledged, though another one was begun meanwhile', async () => {
    const { person, played } = await looking();
    person.play(0);
    person.play(0);
    await expect
      .poll(() => played)
      .toEqual([
        { activityId: 'Track 7 1', nth: 1, begun: 2 },
        { activityId: 'Track 7 2', nth: 2, begun: 2 },
      ]);
  });
});

describe('what a person is shown of the feed', () => {
  it.each<[string, (all: World) => void, string[]]>([
    ['nothing wrong', ({ push }) => push(items(item('f1', 'b', 2), item('f2', 'c', 9))), []],
    [
      'an item that came twice',
      ({ push }) => {
        push(items(item('f1', 'b', 2)));
        push(items(item('f1', 'b', 2)));
      },
      ['feed twice 1'],
    ],
    [
      'an item that a later one overtook',
      ({ push }) => {
        push(items(item('f1', 'b', 3)));
        push(items(item('f1', 'b', 2)));
      },
      ['feed out_of_order 1'],
    ],
    [
      'an item of somebody who is no friend',
      ({ push }) => push(items(item('stranger', 'b', 2))),
      ['feed leaked 1'],
    ],
    [
      'one in a snapshot',
      ({ push }) => push(snapshot(item('stranger', 'b', 2))),
      ['feed leaked 1'],
    ],
    ['no JSON', ({ push }) => push('{"type":"feed.'), ['frame unreadable 1']],
    [
      'a type that there is not',
      ({ push }) => push({ type: 'feed.works' }),
      ['frame unreadable 1'],
    ],
    [
      'a push of a room',
      ({ push }) => push({ type: 'room.chat', roomId: 'x', items: [] }),
      ['frame wrong_room 1'],
    ],
    ['nothing in what any client may get', ({ push }) => push({ type: 'friends.changed' }), []],
  ])('names %s', async (_, happens, kinds) => {
    const all = await looking(item('f1', 'a', 1));
    happens(all);
    expect(faultsOf(all.ground)).toEqual(kinds);
  });

  it('names items that come without a subscription', async () => {
    const { ground, person, push } = await world();
    push(items(item('f1', 'b', 2)));
    push(snapshot(item('f1', 'b', 2)));
    expect(faultsOf(ground)).toEqual(['feed leaked 2']);
    expect(person.activityOf('f1')).toBeUndefined();
  });
});

describe('what a person should be shown by now', () => {
  it.each<[string, (all: World) => void, string[]]>([
    ['was in the answer to the subscription', ({ person }) => person.shouldHave('f1', 'a'), []],
    [
      'came, and so did the next one',
      ({ person, push }) => {
        push(items(item('f1', 'b', 2)));
        push(items(item('f1', 'c', 3)));
        person.shouldHave('f1', 'b');
        person.shouldHave('f1', 'c');
      },
      [],
    ],
    [
      'came late',
      ({ person, push }) => {
        person.shouldHave('f1', 'b');
        push(items(item('f1', 'b', 2)));
      },
      [],
    ],
    [
      'was told by a snapshot, or by one that is past it (FE3)',
      ({ person, push }) => {
        person.shouldHave('f1', 'b');
        person.shouldHave('f2', 'd');
        push(snapshot(item('f1', 'b', 2), item('f2', 'e', 2)));
      },
      [],
    ],
    [
      'is not in a snapshot either',
      ({ person, push }) => {
        person.shouldHave('f1', 'b');
        push(snapshot(item('f1', 'a', 1)));
      },
      ['feed missing 1'],
    ],
    ['never came', ({ person }) => person.shouldHave('f2', 'd'), ['feed missing 1']],
    [
      'never came, though the one before it changed and the next one came',
      ({ person, push }) => {
        person.shouldHave('f1', 'b');
        push(items(item('f1', 'a', 2)));
        push(items(item('f1', 'c', 4)));
      },
      ['feed missing 1'],
    ],
    [
      'never came, twice',
      ({ person }) => {
        person.shouldHave('f1', 'b');
        person.shouldHave('f1', 'c');
      },
      ['feed missing 2'],
    ],
    [
      'was on its way when the connection was lost',
      ({ person }) => {
        person.shouldHave('f1', 'b');
        person.lost();
      },
      [],
    ],
  ])('%s', async (_, happens, kinds) => {
    const all = await looking(item('f1', 'a', 1));
    happens(all);
    all.person.settle();
    expect(faultsOf(all.ground)).toEqual(kinds);
  });

  it('counts from the subscription on, over one connection', async () => {
    const { person } = await looking();
    expect(person.hasLookedFor(60_000, performance.timeOrigin * 2)).toBe(true);
    person.lost();
    expect(person.hasLookedFor(0, performance.timeOrigin * 2)).toBe(false);
  });
});
