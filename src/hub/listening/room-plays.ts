// What a room has played of late, and under which names: an entry may have left the queue before what was heard of it is told.
// Knows the room's public state; knows nobody who listens.
import type { HubMs, SessionId, UserId } from '../../../protocol/ids.ts';
import type { PublicRoom } from '../../../protocol/schemas/room.ts';
import { within, type Span } from '../../domain/now-playing.ts';
import { playStarts, type PlayStart } from '../../domain/play-starts.ts';
import { soundedSpan } from '../../domain/plays.ts';
import { lookup } from '../../domain/records.ts';
import type { RoomState } from '../../domain/room-state.ts';
import type { ActivityTrack } from '../../../protocol/schemas/feed.ts';

/** As much of a room's state as says what it plays. */
export type PlayedRoom = Pick<RoomState, 'public' | 'playBegan'>;

/** One play of a room: the same for all who hear it, on whatever node. The same entry played again is another one. */
export interface RoomPlay {
  readonly playKey: string;
  /** Since when this play is what the room sounds, playing or not. */
  readonly began: HubMs;
  readonly sessionId: SessionId;
  readonly track: ActivityTrack;
  /** Whose listening alone goes on in it: it was their activity before it was a room's play, and its key is that activity's id. */
  readonly soloOf?: UserId;
}

export interface RoomPlaysDeps {
  /** What the room's owner heard alone, where this play goes on with it. */
  soloOf(room: PublicRoom, play: PlayStart): string | undefined;
}

export interface HeardPlay {
  readonly play: RoomPlay;
  readonly spans: Span[];
}

/** Past this, nobody can vouch for what was played any more. */
const KEPT_MS = 60_000;

interface Segment extends RoomPlay {
  readonly from: HubMs;
  to: HubMs;
}

export class RoomPlays {
  readonly #deps: RoomPlaysDeps;
  #room: PlayedRoom;
  /** Of each anchor of the timeline; undefined where there is no gathering to hear it. */
  #plays: readonly (RoomPlay | undefined)[];
  readonly #segments: Segment[] = [];
  #capturedUntil: HubMs;

  /** @param from the earliest time that somebody may vouch for */
  constructor(room: PlayedRoom, from: HubMs, deps: RoomPlaysDeps) {
    this.#deps = deps;
    this.#room = room;
    this.#plays = playsOf(room, deps);
    this.#capturedUntil = from;
  }

  /** What the room sounds, or holds paused, by the anchor in force at `at`. */
  playAt(at: HubMs): RoomPlay | undefined {
    const { timeline } = this.#room.public.playback;
    const inForce = timeline.findLastIndex((anchor) => anchor.at <= at);
    return this.#plays[Math.max(0, inForce)];
  }

  /** The room is this from `now` on. */
  follow(room: PlayedRoom, now: HubMs): void {
    this.capture(now);
    this.#room = room;
    this.#plays = playsOf(room, this.#deps);
  }

  /** Puts down what was played until `now`. */
  capture(now: HubMs): void {
    if (now <= this.#capturedUntil) return;
    const { timeline } = this.#room.public.playback;
    this.#plays.forEach((play, index) => {
      const span = soundedSpan(timeline, index, this.#capturedUntil, now);
      if (play === undefined || span === undefined) return;
      const [from, to] = span;
      const last = this.#segments.at(-1);
      if (last?.playKey === play.playKey && last.to >= from) last.to = to;
      else this.#segments.push({ ...play, from, to });
    });
    this.#capturedUntil = now;
    while ((this.#segments[0]?.to ?? now) < now - KEPT_MS) this.#segments.shift();
  }

  /** What was played in these spans, by play. */
  within(spans: readonly Span[]): Iterable<HeardPlay> {
    const byPlay = new Map<string, HeardPlay>();
    const first = spans[0];
    if (first === undefined) return [];
    for (const { from, to, ...play } of this.#segments) {
      if (to <= first[0]) continue;
      const parts = within(spans, from, to);
      if (parts.length === 0) continue;
      const known = byPlay.get(play.playKey);
      if (known === undefined) byPlay.set(play.playKey, { play, spans: parts });
      else known.spans.push(...parts);
    }
    return byPlay.values();
  }
}

function playsOf(
  { public: room, playBegan }: PlayedRoom,
  deps: RoomPlaysDeps,
): readonly (RoomPlay | undefined)[] {
  const { id, ownerId, playback, queue, session } = room;
  if (session === undefined) return [];
  return playStarts(playback.timeline, playBegan).map((start) => {
    const entry = start === undefined ? undefined : lookup(queue, start.entryId);
    if (start === undefined || entry === undefined) return undefined;
    const { trackId, title, artist, album, durationMs, hasCover } = entry;
    const solo = deps.soloOf(room, start);
    return {
      playKey: solo ?? `${id}:${start.entryId}:${session.id}:${start.at}`,
      ...(solo === undefined ? {} : { soloOf: ownerId }),
      began: start.at,
      sessionId: session.id,
      track: {
        trackId,
        title,
        artist,
        ...(album === undefined ? {} : { album }),
        durationMs,
        hasCover,
      },
    };
  });
}
