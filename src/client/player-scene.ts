// Owns what is to be heard and loaded at one moment, by the room or by oneself; pure, knows no audio.
import type { TrackId } from '../../protocol/ids.ts';
import { anchorAt, hasTrack, positionAt } from '../../protocol/schemas/playback.ts';
import type { Stretch, WantedTrack } from './audio-output.ts';
import { planStretches, wantedEntries, type WantedEntry } from './player-plan.ts';
import type { PlayerClock, PlayerRoomView } from './player-room.ts';
import type { SelfPlayback } from './player-self.ts';

export interface Scene {
  readonly stretches: readonly Stretch[];
  /** In order of need; the first is that of `track`. */
  readonly wanted: readonly WantedTrack[];
  /** What is shown as current, playing or not. */
  readonly track: { readonly trackId: TrackId; readonly positionMs: number } | undefined;
  /** The room's own wants, for readiness: the same whatever one listens to. */
  readonly entries: readonly WantedEntry[];
}

const aheadEntries = 2;
const nothing: Scene = { stretches: [], wanted: [], track: undefined, entries: [] };

/** @param nudgeMs by how much everything is to be sent earlier */
export function roomScene(view: PlayerRoomView, clock: PlayerClock, nudgeMs: number): Scene {
  const hubNow = clock.now();
  if (hubNow === undefined || view.status === 'left') return nothing;
  const { timeline } = view.room.playback;
  const anchor = anchorAt(timeline, hubNow);
  const entries = wantedEntries(view.room, hubNow, aheadEntries);
  // From now, at the hub's pace: what the hub counts since a start is what has to have been heard, however the local crystal counts it.
  // A clock that knows the hub's time knows the way back; 0 would only be long ago.
  const localNow = (clock.toLocal(hubNow) ?? 0) - nudgeMs;
  return {
    stretches: planStretches(timeline, hubNow, (at) => localNow + (at - hubNow)),
    wanted: entries,
    track: hasTrack(anchor)
      ? { trackId: anchor.trackId, positionMs: positionAt(anchor, hubNow) }
      : undefined,
    entries,
  };
}

/** One's own track, while the room's are kept ready for the way back. */
export function selfScene(self: SelfPlayback, room: Scene, nowMs: number): Scene {
  const { trackId } = self.track;
  return {
    stretches: self.stretches(nowMs),
    wanted: [self.wanted(nowMs), ...room.wanted.filter((track) => track.trackId !== trackId)],
    track: { trackId, positionMs: self.positionAt(nowMs) },
    entries: room.entries,
  };
}
