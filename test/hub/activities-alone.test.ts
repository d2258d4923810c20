import { describe, expect, it } from 'vitest';
import type { ConnectionId } from '../../protocol/ids.ts';
import type { JsonObject } from '../../protocol/merge-patch.ts';
import type { User } from '../../protocol/schemas/pushes.ts';
import { isPlaying } from '../../src/domain/playback.ts';
import { Activities, type SoloRequest } from '../../src/hub/activity/activities.ts';
import { Connection } from '../../src/hub/connection.ts';
import { DEFAULT_HUB_OPTIONS } from '../../src/hub/hub-options.ts';
import { EVERY_NODE } from '../../src/hub/listening/live-head.ts';
import type { PastActivity } from '../../src/ports/activity-log.ts';
import { FakeSocket } from '../support/fake-socket.ts';
import { trackId, userId } from '../support/hub-world.ts';
import { ListeningWorld, listen } from '../support/listening-world.ts';

const ada: User = { id: userId(1), name: 'Ada', guest: true };
const ben: User = { id: userId(2), name: 'Ben', guest: true };
const eve: User = { id: userId(3), name: 'Eve', guest: true };

/** A node of its own beside the hub: what is set here is told as from another connection of the same process. */
const ADDRESS = '192.0.2.1';

class Alone {
  readonly world = new ListeningWorld();
  readonly signals: { readonly to: string; readonly push: JsonObject }[] = [];
  readonly activities: Activities;
  latest: PastActivity | undefined;

  constructor() {
    const { feed, stores, ports } = this.world;
    this.activities = new Activities({
      presence: { aliveNodes: EVERY_NODE },
      ports: { ...ports, feed, friends: stores.friends, activityOutbox: stores.outbox },
      options: DEFAULT_HUB_OPTIONS,
      rooms: () => this.world.hub.rooms,
      connectionsOf: () => [],
      latestOf: () => Promise.resolve(this.latest),
      lastOf: () => Promise.resolve(undefined),
      signal: (to, push) => {
        this.signals.push({ to, push });
        return Promise.resolve();
      },
    });
  }

  static async of(...people: User[]): Promise<Alone> {
    const alone = new Alone();
    for (const user of people) await alone.world.stores.users.save(user);
    await alone.world.hub.start();
    return alone;
  }

  connection(user: User = ada): Connection {
    return new Connection('c' as ConnectionId, new FakeSocket(), 'here', {
      phase: 'active',
      user,
      terms: { endsAtMs: Infinity },
      isStored: true,
      expiresAt: Infinity,
      warned: false,
    });
  }

  /** Says that it plays every twenty seconds, for `ms`, as time goes by. */
  async play(connection: Connection, ms: number, fromMs = 0, track = trackId(1)): Promise<string> {
    let id = '';
    for (let passed = 0; passed < ms; passed += 20_000) {
      const answer = await this.activities.set(
        ada,
        { track: { trackId: track }, positionMs: fromMs + passed, state: 'playing' },
        connection,
      );
      if ('code' in answer) throw new Error(answer.message);
      id = answer.activityId ?? '';
      await this.world.time.advance(Math.min(20_000, ms - passed));
    }
    return id;
  }
}

const paused = (positionMs: number): SoloRequest => ({
  track: { trackId: trackId(1) },
  positionMs,
  state: 'paused',
});

describe('listening alone', () => {
  it('shows after five seconds, with how a friend comes in', async () => {
    const alone = await Alone.of(ada);
    const connection = alone.connection();
    await alone.play(connection, 4_900);
    expect(alone.world.live(1)).toBeUndefined();
    const id = await alone.play(connection, 3_000, 4_900);
    expect(alone.world.live(1)).toMatchObject({
      activityId: id,
      state: 'playing',
      join: 'solo',
      track: { trackId: 'track1' },
      positionMs: 4_900,
    });
  });

  it('keeps its id through a pause, and is another one for another track or a replay', async () => {
    const alone = await Alone.of(ada);
    const connection = alone.connection();
    const first = await alone.play(connection, 20_000);
    const held = await alone.activities.set(ada, paused(20_000), connection);
    expect(held).toEqual({ activityId: first });
    await alone.world.time.advance(30_000);
    expect(alone.world.live(1)).toMatchObject({ state: 'paused', positionMs: 20_000 });
    expect(await alone.play(connection, 39_000, 20_000)).toBe(first);
    const again = await alone.play(connection, 20_000, 0);
    expect(again).not.toBe(first);
    const other = await alone.play(connection, 20_000, 0, trackId(2));
    expect(new Set([first, again, other]).size).toBe(3);
    expect(alone.world.outbox.history(1).map(({ activityId }) => activityId)).toEqual([
      first,
      again,
      other,
    ]);
  });

  it('has heard what it said to play, and not the pause', async () => {
    const alone = await Alone.of(ada);
    const connection = alone.connection();
    await alone.play(connection, 20_000);
    await alone.activities.set(ada, paused(20_000), connection);
    await alone.world.time.advance(30_000);
    await alone.play(connection, 10_000, 20_000);
    await alone.activities.set(
      ada,
      { track: { trackId: trackId(1) }, positionMs: 30_000, state: 'stopped' },
      connection,
    );
    await alone.world.time.advance(1_500);
    expect(alone.world.outbox.heardMs(1, 'Title 1')).toBe(30_000);
    expect(alone.world.live(1)).toBeUndefined();
  });

  it('has ended a minute after the last word, and counts no more than that minute', async () => {
    const alone = await Alone.of(ada);
    const connection = alone.connection();
    const said = alone.world.time.now();
    await alone.activities.set(
      ada,
      {
        track: { title: 'Elsewhere', artist: 'Somebody', durationMs: 600_000 },
        positionMs: 0,
        state: 'playing',
      },
      connection,
    );
    await alone.world.time.advance(58_000);
    expect(alone.world.live(1)).toMatchObject({ track: { title: 'Elsewhere' } });
    // Nobody can join what we do not have.
    expect(alone.world.live(1)).not.toHaveProperty('join');
    await alone.world.time.advance(5_000);
    expect(alone.world.live(1)).toBeUndefined();
    expect(alone.world.outbox.history(1)).toMatchObject([{ endedAt: said + 60_000 }]);
  });

  it('goes with its socket when the grace has ended, and not before', async () => {
    const alone = await Alone.of(ada);
    const connection = alone.connection();
    await alone.play(connection, 10_000);
    alone.activities.closed(connection, ada.id);
    await alone.world.time.advance(14_000);
    expect(alone.world.live(1)).toBeDefined();
    await alone.world.time.advance(3_000);
    expect(alone.world.live(1)).toBeUndefined();
  });

  it('goes on as what it was when it is told over another node', async () => {
    const alone = await Alone.of(ada);
    const id = await alone.play(alone.connection(), 10_000);
    const there = new ListeningWorld();
    const other = new Activities({
      presence: { aliveNodes: EVERY_NODE },
      ports: {
        ...alone.world.ports,
        feed: alone.world.stores.feeds.join('there'),
        friends: alone.world.stores.friends,
        activityOutbox: there.outbox,
      },
      options: DEFAULT_HUB_OPTIONS,
      rooms: () => there.hub.rooms,
      connectionsOf: () => [],
      latestOf: () => Promise.resolve(undefined),
      lastOf: () => Promise.resolve(undefined),
      signal: () => Promise.resolve(),
    });
    const answer = await other.set(
      ada,
      { track: { trackId: trackId(1) }, positionMs: 10_000, state: 'playing' },
      alone.connection(),
    );
    expect(answer).toEqual({ activityId: id });
  });

  it('is over when that was said last, whatever a store took its time with', async () => {
    const alone = await Alone.of(ada);
    const connection = alone.connection();
    const { feed } = alone.world;
    const heads = feed.heads.bind(feed);
    const answers: (() => void)[] = [];
    feed.heads = async (authors) => {
      await new Promise<void>((resolve) => answers.push(resolve));
      return heads(authors);
    };
    const word = { track: { trackId: trackId(1) }, positionMs: 0, state: 'playing' } as const;
    const said = alone.activities.set(ada, word, connection);
    expect(await alone.activities.set(ada, { ...word, state: 'stopped' }, connection)).toEqual({});
    const other = { ...word, track: { trackId: trackId(2) } };
    const overtaken = alone.activities.set(ada, other, connection);
    const saidLast = alone.activities.set(ada, paused(3_000), connection);
    for (const answer of answers.splice(0).reverse()) answer();
    expect([await said, await overtaken]).toEqual([{}, {}]);
    expect(await saidLast).toHaveProperty('activityId');
    await alone.world.time.advance(10_000);
    for (const answer of answers) answer();
    await alone.world.time.advance(10_000);
    expect(alone.world.live(1)).toBeUndefined();
    expect(alone.world.outbox.entries).toEqual([]);
  });

  it('knows no track that is not in the catalogue', async () => {
    const alone = await Alone.of(ada);
    const answer = await alone.activities.set(
      ada,
      { track: { trackId: trackId(999) }, positionMs: 0, state: 'playing' },
      alone.connection(),
    );
    expect(answer).toMatchObject({ code: 'not_found' });
  });
});

describe('what its author removes', () => {
  it('is gone from the feed and the history, and does not come back while it plays on', async () => {
    const alone = await Alone.of(ada);
    const connection = alone.connection();
    const id = await alone.play(connection, 30_000);
    expect(alone.world.live(1)).toMatchObject({ activityId: id });
    await alone.activities.remove(ada.id, id);
    await alone.world.time.advance(1_500);
    expect(alone.world.live(1)).toBeUndefined();
    expect(alone.world.withheld(1)).toEqual({ removed: [id], hidden: [] });
    expect(alone.world.outbox.entries.at(-1)).toEqual({
      kind: 'remove',
      at: 1_030_000,
      activityId: id,
      userId: ada.id,
    });
    const told = alone.world.outbox.entries.length;
    expect(await alone.play(connection, 20_000, 30_000)).toBe(id);
    await alone.world.time.advance(60_000);
    expect(alone.world.live(1)).toBeUndefined();
    expect(alone.world.withheld(1)).toEqual({ removed: [id], hidden: [] });
    expect(alone.world.outbox.entries.slice(told)).toEqual([]);
  });

  it('is refused, and can be asked again, where the history cannot be told', async () => {
    const alone = await Alone.of(ada);
    const id = await alone.play(alone.connection(), 30_000);
    alone.world.outbox.isAway = true;
    await expect(alone.activities.remove(ada.id, id)).rejects.toThrow('the outbox');
    alone.world.outbox.isAway = false;
    await alone.activities.remove(ada.id, id);
    expect(alone.world.outbox.entries.at(-1)).toMatchObject({ kind: 'remove', activityId: id });
  });
});

describe('a friend', () => {
  async function listening() {
    const alone = await Alone.of(ada, ben, eve);
    await alone.world.befriend(1, 2);
    const connection = alone.connection();
    const id = await alone.play(connection, 20_000);
    return { alone, connection, id };
  }

  it('joins: a room of the author’s, playing where they are, the same for all', async () => {
    const { alone, id } = await listening();
    const joins = Promise.all([
      alone.activities.join(ben, ada.id, id, ADDRESS),
      alone.activities.join(ben, ada.id, id, ADDRESS),
    ]);
    await alone.world.time.settle();
    const [roomId, again] = await joins;
    if (typeof roomId !== 'string') throw new Error(roomId.message);
    expect(again).toBe(roomId);
    const state = alone.world.hub.rooms.get(roomId)?.state.public;
    expect(state?.ownerId).toBe(ada.id);
    expect(Object.values(state?.queue ?? {}).map(({ trackId: track }) => track)).toEqual([
      'track1',
    ]);
    const start = state?.playback.timeline.find((anchor) => anchor.state === 'playing');
    // Twenty seconds were played; the room starts a moment later, and a moment further.
    const ahead = (start?.at ?? 0) - alone.world.time.now();
    expect(ahead).toBeGreaterThan(0);
    expect(start?.positionMs).toBe(Math.round(20_000 + ahead));
    // Nor was anybody told of a start at the beginning, at any moment before that.
    const epoch = alone.world.hub.rooms.get(roomId)?.head.epoch ?? 0;
    const told = await alone.world.ports.roomLog.read(roomId, { epoch, revision: 0 });
    if (told.kind !== 'events') throw new Error(told.kind);
    const moves = told.events.filter((event) => event.type === 'PlaybackMoved');
    const starts = moves.flatMap(({ timeline }) => timeline.filter(isPlaying));
    expect(starts.length).toBeGreaterThan(0);
    for (const { positionMs } of starts) expect(positionMs).toBeGreaterThanOrEqual(20_000);
    expect(alone.signals[0]).toEqual({
      to: ada.id,
      push: {
        type: 'activity.joined',
        activityId: id,
        roomId,
        user: { id: ben.id, name: 'Ben' },
      },
    });
    const guest = await alone.world.person(2);
    expect(await guest.ask('room.join', { roomId })).toMatchObject({ type: 'ok' });
    await listen([guest], roomId, 5_000);
  });

  it('joins what pauses: the room is where they are, and waits as they do', async () => {
    const { alone, connection, id } = await listening();
    await alone.activities.set(ada, paused(20_000), connection);
    await alone.world.time.advance(2_000);
    expect(alone.world.live(1)).toMatchObject({ state: 'paused', positionMs: 20_000 });
    const joined = alone.activities.join(ben, ada.id, id, ADDRESS);
    await alone.world.time.settle();
    const roomId = await joined;
    if (typeof roomId !== 'string') throw new Error(roomId.message);
    const { timeline } = alone.world.hub.rooms.get(roomId)!.state.public.playback;
    expect(timeline.map(({ state }) => state)).toEqual(['stopped']);
    expect(timeline[0]).toMatchObject({ positionMs: 20_000 });
  });

  it('is the only one who may: nobody else, nor what is over, hidden or not to be joined', async () => {
    const { alone, connection, id } = await listening();
    const refused = { code: 'not_found', message: 'no such activity' };
    expect(await alone.activities.join(eve, ada.id, id, ADDRESS)).toMatchObject(refused);
    expect(await alone.activities.join(ada, ada.id, id, ADDRESS)).toMatchObject(refused);
    expect(await alone.activities.join(ben, eve.id, id, ADDRESS)).toMatchObject(refused);
    expect(await alone.activities.join(ben, ada.id, 'another', ADDRESS)).toMatchObject(refused);
    const privateUntil = alone.world.time.now() + 60_000;
    await alone.world.stores.friends.setAudience(ada.id, { audience: 'friends', privateUntil });
    expect(await alone.activities.join(ben, ada.id, id, ADDRESS)).toMatchObject(refused);
    await alone.world.stores.friends.setAudience(ada.id, {
      audience: 'friends',
      privateUntil: null,
    });
    await alone.activities.set(
      ada,
      { track: { trackId: trackId(1) }, positionMs: 20_000, state: 'playing', joinable: false },
      connection,
    );
    await alone.world.time.advance(1_500);
    expect(await alone.activities.join(ben, ada.id, id, ADDRESS)).toMatchObject(refused);
    await alone.world.stores.friends.block(ada.id, ben.id, 0);
    expect(await alone.activities.join(ben, ada.id, id, ADDRESS)).toMatchObject(refused);
    expect(alone.signals).toEqual([]);
  });

  it('reacts to what is live or was the latest, and to nothing else, and not without end', async () => {
    const { alone, id } = await listening();
    expect(await alone.activities.react(ben, ada.id, id, '🔥')).toBeUndefined();
    expect(alone.signals).toEqual([
      {
        to: ada.id,
        push: {
          type: 'activity.reacted',
          activityId: id,
          user: { id: ben.id, name: 'Ben' },
          emoji: '🔥',
        },
      },
    ]);
    const was = { track: { title: 'Earlier', artist: 'A', durationMs: 1_000, hasCover: false } };
    alone.latest = { ...was, activityId: 'earlier', userId: ada.id, at: 0, isPrivate: false };
    expect(await alone.activities.react(ben, ada.id, 'earlier', '🔥')).toBeUndefined();
    expect(await alone.activities.react(ben, ada.id, 'older', '🔥')).toMatchObject({
      code: 'not_found',
    });
    expect(await alone.activities.react(eve, ada.id, id, '🔥')).toMatchObject({
      code: 'not_found',
    });
    const answers = [];
    for (let n = 0; n < 10; n += 1)
      answers.push(await alone.activities.react(ben, ada.id, id, '🔥'));
    expect(answers.at(-1)).toMatchObject({ code: 'rate_limited' });
  });

  it('is counted in what all see', async () => {
    const { alone, id } = await listening();
    alone.activities.reacted(ada.id, id, '🔥');
    alone.activities.reacted(ada.id, id, '🔥');
    alone.activities.reacted(ada.id, 'another', '👍');
    await alone.world.time.advance(1_500);
    expect(alone.world.live(1)).toMatchObject({ reactions: { '🔥': 2 } });
  });
});
