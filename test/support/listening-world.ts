// A hub whose people's listening is told to a feed and a history in memory, and the few acts that such a test is made of.
import type { RoomId } from '../../protocol/ids.ts';
import type { JsonObject } from '../../protocol/merge-patch.ts';
import { MemoryActivityLog } from '../../src/adapters/memory/memory-activity-log.ts';
import { MemoryArchive } from '../../src/adapters/memory/memory-archive.ts';
import { MemoryFeeds, type MemoryFeed } from '../../src/adapters/memory/memory-feed.ts';
import { MemoryFriends } from '../../src/adapters/memory/memory-friends.ts';
import { MemoryRoomLog } from '../../src/adapters/memory/memory-room-log.ts';
import { MemoryUsers } from '../../src/adapters/memory/memory-users.ts';
import type { HubOptions } from '../../src/hub/hub-options.ts';
import type { HubPorts } from '../../src/hub/hub-ports.ts';
import { readLive, withheldIn, type WithheldIds } from '../../src/hub/listening/live-activity.ts';
import {
  takesBack,
  type ActivityEntry,
  type HeardEntry,
  type PlayedEntry,
} from '../../src/ports/activity-log.ts';
import { ActivityOutboxFull, type ActivityOutbox } from '../../src/ports/activity-outbox.ts';
import { StoreUnavailable } from '../../src/ports/room-log.ts';
import { HubWorld, userId, type TestClient } from './hub-world.ts';
import { ManualTime } from './manual-time.ts';

/** Keeps what it is told in the order in which it came. */
export class KeepingOutbox implements ActivityOutbox {
  readonly entries: ActivityEntry[] = [];
  calls = 0;
  isAway = false;
  isFull = false;
  readonly #log: MemoryActivityLog | undefined;

  /** @param log that is told at once, as by an outbox that nothing keeps waiting */
  constructor(log?: MemoryActivityLog) {
    this.#log = log;
  }

  async add(entries: readonly ActivityEntry[]): Promise<void> {
    this.calls += 1;
    if (this.isAway) throw new StoreUnavailable('the outbox');
    if (this.isFull && !entries.every(takesBack)) throw new ActivityOutboxFull();
    this.entries.push(...structuredClone(entries));
    await this.#log?.append(entries);
  }

  /** Nothing waits here. */
  forget(): Promise<void> {
    return Promise.resolve();
  }

  played(n?: number): PlayedEntry[] {
    const all = this.entries.filter((entry) => entry.kind === 'activity');
    return n === undefined ? all : all.filter((entry) => entry.userId === userId(n));
  }

  heard(n?: number): HeardEntry[] {
    const all = this.entries.filter((entry) => entry.kind === 'heard');
    return n === undefined ? all : all.filter((entry) => entry.userId === userId(n));
  }

  /** The newest word about each activity of a person, in the order in which they began. */
  history(n: number): PlayedEntry[] {
    const newest = new Map<string, PlayedEntry>();
    for (const entry of this.played(n)) {
      const before = newest.get(entry.activityId);
      if (before === undefined || before.version < entry.version)
        newest.set(entry.activityId, entry);
    }
    return [...newest.values()].sort((a, b) => a.at - b.at);
  }

  /** All that a person heard of a track, ms, each moment once. */
  heardMs(n: number, title: string): number {
    const spans = this.heard(n)
      .filter(({ track }) => track.title === title)
      .flatMap((entry) => entry.spans)
      .sort((a, b) => a[0] - b[0]);
    let total = 0;
    let until = -Infinity;
    for (const [from, to] of spans) {
      total += Math.max(0, to - Math.max(from, until));
      until = Math.max(until, to);
    }
    return total;
  }
}

export interface ListeningStores {
  readonly time: ManualTime;
  readonly users: MemoryUsers;
  readonly archive: MemoryArchive;
  readonly friends: MemoryFriends;
  readonly feeds: MemoryFeeds;
  readonly activityLog: MemoryActivityLog;
  readonly outbox: KeepingOutbox;
}

export function listeningStores(time = new ManualTime()): ListeningStores {
  const users = new MemoryUsers();
  const archive = new MemoryArchive();
  const activityLog = new MemoryActivityLog();
  return {
    time,
    users,
    archive,
    friends: new MemoryFriends(users, archive),
    feeds: new MemoryFeeds({ now: () => time.now() }),
    activityLog,
    outbox: new KeepingOutbox(activityLog),
  };
}

export class ListeningWorld extends HubWorld {
  readonly stores: ListeningStores;
  readonly feed: MemoryFeed;

  constructor(options: Partial<HubOptions> = {}, overrides: Partial<HubPorts> = {}) {
    const stores = listeningStores();
    const feed = stores.feeds.join('here');
    super(
      options,
      {
        roomLog: new MemoryRoomLog(stores.archive),
        archive: stores.archive,
        users: stores.users,
        friends: stores.friends,
        feed,
        activityLog: stores.activityLog,
        activityOutbox: stores.outbox,
        ...overrides,
      },
      1,
      stores.time,
    );
    this.stores = stores;
    this.feed = feed;
  }

  get outbox(): KeepingOutbox {
    return this.stores.outbox;
  }

  /** What the feed says that a person listens to now. */
  live(n: number): JsonObject | undefined {
    return readLive(this.#said(n)) as JsonObject | undefined;
  }

  /** The activities that the feed says are to be shown to nobody. */
  withheld(n: number): WithheldIds {
    return withheldIn(this.#said(n));
  }

  #said(n: number): JsonObject | undefined {
    return this.stores.feeds.head(userId(n)).live?.item;
  }

  /** A connected person whom the stores know. */
  async person(n: number): Promise<TestClient> {
    await this.stores.users.save({ id: userId(n), name: `User ${n}`, guest: true });
    return this.connect(n);
  }

  async befriend(a: number, b: number): Promise<void> {
    await this.stores.friends.request(userId(a), userId(b), this.time.now());
    await this.stores.friends.accept(userId(b), userId(a), this.time.now());
  }
}

/** The room that a person has made, with tracks in its queue and the first of them playing. */
export async function playingRoom(
  host: TestClient,
  tracks: readonly string[],
  visibility: 'unlisted' | 'private' | 'public' = 'unlisted',
): Promise<RoomId> {
  const made = await host.ask('room.create', { name: 'Kitchen', visibility });
  const roomId = made['roomId'] as RoomId;
  // The arrival is in the log before anything plays.
  await host.world.time.advance(100);
  await host.ask('queue.add', { roomId, trackIds: [...tracks] });
  await host.ask('playback.play', { roomId });
  return roomId;
}

/** These people report every five seconds, as a player does, for `ms`. */
export async function listen(
  people: readonly TestClient[],
  roomId: string,
  ms: number,
  state: 'following' | 'detached' | 'buffering' = 'following',
): Promise<void> {
  const [first] = people;
  if (first === undefined) return;
  for (let passed = 0; passed < ms; passed += 5_000) {
    for (const person of people) report(person, roomId, state);
    await first.world.time.advance(Math.min(5_000, ms - passed));
  }
}

export function report(
  person: TestClient,
  roomId: string,
  state: 'following' | 'detached' | 'buffering' = 'following',
): void {
  person.send('sync.report', {
    roomId,
    errorMs: 1,
    maxErrorMs: 2,
    rttMs: 30,
    outputLatencyMs: 10,
    state,
  });
}
