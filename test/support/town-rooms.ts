// The rooms of a town: who listens in which, what it plays and whether it shows that, and what follows of it for the model.
import type { EntryId, RoomId } from '../../protocol/ids.ts';
import { playStarts } from '../../src/domain/play-starts.ts';
import type { FeedModel, Played } from './feed-model.ts';
import { trackId, userId, type TestClient } from './hub-world.ts';
import { report } from './listening-world.ts';
import { SeededRandom } from './seeded-random.ts';

export interface TownRoom {
  readonly roomId: RoomId;
  readonly owner: number;
  readonly members: Map<number, TestClient>;
  isShown: boolean;
  /** Since when it plays this track. */
  startedAt: number;
  entryId: EntryId;
  /** When its track began: by it the play is known. */
  beganAt: number;
}

/** A start has its lead, and reports come every five seconds. */
const ROOM_SLACK_MS = 6_000;
/** By then nothing of the track before is shown any more. */
const SETTLED_MS = 14_000;
/** Whoever is on another node may be shown by the one they have left with what they heard there, where the new one shows nothing. */
const LEFT_BEHIND_MS = 22_000;
const REPORTS_EVERY_MS = 5_000;
const TRACKS = 49;

export class TownRooms {
  readonly #model: FeedModel;
  readonly #now: () => number;
  readonly #rooms = new Set<TownRoom>();
  readonly #ids = new SeededRandom(1);
  readonly #movedAt = new Map<number, number>();
  #tracks = 0;
  #reportedAt = 0;

  constructor(model: FeedModel, now: () => number) {
    this.#model = model;
    this.#now = now;
  }

  /** Those whose track is long enough there for nothing of the one before to be in the way. */
  get settled(): TownRoom[] {
    return [...this.#rooms].filter(({ startedAt }) => this.#now() - startedAt >= SETTLED_MS);
  }

  of(n: number): TownRoom | undefined {
    return [...this.#rooms].find(({ members }) => members.has(n));
  }

  async open(n: number, client: TestClient): Promise<string> {
    const made = await client.ask('room.create', { name: 'Kitchen', visibility: 'public' });
    const roomId = made['roomId'] as RoomId;
    await client.world.time.advance(100);
    await client.ask('queue.add', { roomId, trackIds: [this.#nextTrack()] });
    await client.ask('playback.play', { roomId });
    const members = new Map([[n, client]]);
    const room: TownRoom = {
      ...{ roomId, owner: n, members, isShown: true, startedAt: this.#now() },
      ...this.#startOf(client, roomId),
    };
    this.#rooms.add(room);
    this.#begin(room, n, client);
    return `${n} opens a room`;
  }

  async join(room: TownRoom, n: number, client: TestClient): Promise<string> {
    await client.ask('room.join', { roomId: room.roomId });
    room.members.set(n, client);
    this.#begin(room, n, client);
    return `${n} joins the room of ${room.owner}`;
  }

  async leave(n: number): Promise<void> {
    const room = this.of(n);
    const client = room?.members.get(n);
    if (room === undefined || client === undefined) return;
    this.#model.end(n);
    await client.ask('room.leave', { roomId: room.roomId });
    this.lose(n);
  }

  /** Their socket is gone: what they heard there is over when the grace is. */
  lose(n: number): void {
    const room = this.of(n);
    room?.members.delete(n);
    if (room?.members.size === 0) this.#rooms.delete(room);
  }

  /** The same person over another node: they go on with what they heard. */
  async moveTo(room: TownRoom, n: number, client: TestClient): Promise<void> {
    await client.ask('room.join', { roomId: room.roomId });
    room.members.set(n, client);
    this.#movedAt.set(n, this.#now());
    report(client, room.roomId);
  }

  async skip(room: TownRoom): Promise<string | undefined> {
    const client = room.members.get(room.owner);
    if (client === undefined) return undefined;
    const { roomId, entryId } = room;
    await client.ask('queue.add', { roomId, trackIds: [this.#nextTrack()] });
    await client.ask('playback.skip', { roomId, entryId });
    room.startedAt = this.#now();
    Object.assign(room, this.#startOf(client, roomId));
    for (const [n, member] of room.members) {
      const { live: before, lingers: left } = this.#model.person(n);
      this.#model.end(n, room.beganAt);
      this.#begin(room, n, member);
      const { live } = this.#model.person(n);
      if (live !== undefined && before !== undefined)
        this.#model.person(n).lingers =
          // Of what was taken back the node that they have left shows nothing, and goes on with what it had.
          before.isRemoved && left !== undefined
            ? left
            : { played: before, until: this.#lingersUntil(n) };
    }
    return `the room of ${room.owner} skips`;
  }

  #lingersUntil(n: number): number {
    const leftBehind = (this.#movedAt.get(n) ?? -Infinity) + LEFT_BEHIND_MS;
    return Math.max(this.#now() + SETTLED_MS, leftBehind);
  }

  async toggle(room: TownRoom): Promise<string | undefined> {
    const client = room.members.get(room.owner);
    const lives = [...room.members.keys()].map((n) => this.#model.person(n).live?.begunAt ?? 0);
    // Who has just come is not taken for listening yet: by then it may be shown again.
    if (client === undefined || lives.some((at) => this.#now() - at < SETTLED_MS)) return undefined;
    room.isShown = !room.isShown;
    const settings = { showActivity: room.isShown };
    const reply = await client.ask('room.update', { roomId: room.roomId, settings });
    if (reply['type'] !== 'ok') throw new Error(JSON.stringify(reply));
    for (const n of room.members.keys()) {
      const person = this.#model.person(n);
      if (room.isShown) person.hasHidden = true;
      else this.#model.hide(person);
    }
    return `the room of ${room.owner} ${room.isShown ? 'shows again' : 'hides'} what it plays`;
  }

  /** To be called each second. */
  tick(): void {
    if (this.#now() - this.#reportedAt < REPORTS_EVERY_MS) return;
    this.#reportedAt = this.#now();
    for (const { roomId, members } of this.#rooms)
      for (const client of members.values()) report(client, roomId);
  }

  #begin(room: TownRoom, n: number, client: TestClient): void {
    report(client, room.roomId);
    const state = client.world.hub.rooms.get(room.roomId)?.state.public;
    const playKey = `${room.roomId}:${room.entryId}:${state?.session?.id ?? ''}:${room.beganAt}`;
    const played: Played = {
      activityId: this.#ids.activityId(`play:${userId(n)}:${playKey}`),
      title: state?.queue[room.entryId]?.title ?? '',
      begunAt: this.#now(),
      soundsAt: room.beganAt,
      slackMs: ROOM_SLACK_MS,
      wasPublic: false,
      isPrivate: !room.isShown,
      isRemoved: false,
    };
    this.#model.begin(n, played);
  }

  #startOf({ world }: TestClient, roomId: RoomId): Pick<TownRoom, 'entryId' | 'beganAt'> {
    const state = world.hub.rooms.get(roomId)?.state;
    const starts = playStarts(state?.public.playback.timeline ?? [], state?.playBegan);
    const start = starts.findLast((each) => each !== undefined);
    if (start === undefined) throw new Error('the room plays nothing');
    return { entryId: start.entryId, beganAt: start.at };
  }

  #nextTrack(): ReturnType<typeof trackId> {
    this.#tracks = (this.#tracks % TRACKS) + 1;
    return trackId(this.#tracks);
  }
}
