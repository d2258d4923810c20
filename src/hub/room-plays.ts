// What a room has played of late, and under which names: an entry may have left the queue before what was heard of it is told.
// Knows the room's public state; knows nobody who listens.
import type { EntryId, HubMs, SessionId } from '../../protocol/ids.ts';
import { hasTrack } from '../../protocol/schemas/playback.ts';
import type { PublicRoom } from '../../protocol/schemas/room.ts';
import { within, type Span } from '../domain/now-playing.ts';
import { playedSegments } from '../domain/plays.ts';
import { lookup } from '../domain/records.ts';
import type { ActivityTrack } from '../../protocol/schemas/feed.ts';

/** One play of a room: the same for all who hear it, on whatever node. */
export interface RoomPlay {
  readonly playKey: string;
  readonly sessionId: SessionId;
  readonly track: ActivityTrack;
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
  #public: PublicRoom;
  #plays: ReadonlyMap<EntryId, RoomPlay>;
  readonly #segments: Segment[] = [];
  #capturedUntil: HubMs;

  /** @param from the earliest time that somebody may vouch for */
  constructor(room: PublicRoom, from: HubMs) {
    this.#public = room;
    this.#plays = playsOf(room);
    this.#capturedUntil = from;
  }

  /** Of an entry that plays or is planned; undefined where there is no gathering to hear it. */
  playOf(entryId: EntryId): RoomPlay | undefined {
    return this.#plays.get(entryId);
  }

  /** The room is this from `now` on. */
  follow(room: PublicRoom, now: HubMs): void {
    this.capture(now);
    this.#public = room;
    this.#plays = playsOf(room);
  }

  /** Puts down what was played until `now`. */
  capture(now: HubMs): void {
    if (now <= this.#capturedUntil) return;
    const { timeline } = this.#public.playback;
    for (const played of playedSegments(timeline, this.#capturedUntil, now)) {
      const play = this.#plays.get(played.entryId);
      if (play === undefined) continue;
      const last = this.#segments.at(-1);
      if (last?.playKey === play.playKey && last.to >= played.startedAt) last.to = played.endedAt;
      else this.#segments.push({ ...play, from: played.startedAt, to: played.endedAt });
    }
    this.#capturedUntil = now;
    while ((this.#segments[0]?.to ?? now) < now - KEPT_MS) this.#segments.shift();
  }

  /** What was played in these spans, by play. */
  within(spans: readonly Span[]): Iterable<HeardPlay> {
    const byPlay = new Map<string, HeardPlay>();
    const first = spans[0];
    if (first === undefined) return [];
    for (const { playKey, sessionId, track, from, to } of this.#segments) {
      if (to <= first[0]) continue;
      const parts = within(spans, from, to);
      if (parts.length === 0) continue;
      const known = byPlay.get(playKey);
      if (known === undefined)
        byPlay.set(playKey, { play: { playKey, sessionId, track }, spans: parts });
      else known.spans.push(...parts);
    }
    return byPlay.values();
  }
}

function playsOf(room: PublicRoom): ReadonlyMap<EntryId, RoomPlay> {
  const { id, playback, queue, session } = room;
  const plays = new Map<EntryId, RoomPlay>();
  if (session === undefined) return plays;
  for (const anchor of playback.timeline) {
    if (!hasTrack(anchor) || plays.has(anchor.entryId)) continue;
    const { entryId, trackId } = anchor;
    const entry = lookup(queue, entryId);
    if (entry === undefined) continue;
    const { title, artist, album, durationMs, hasCover } = entry;
    plays.set(entryId, {
      playKey: `${id}:${entryId}:${session.id}`,
      sessionId: session.id,
      track: {
        trackId,
        title,
        artist,
        ...(album === undefined ? {} : { album }),
        durationMs,
        hasCover,
      },
    });
  }
  return plays;
}
