// Owns what the system's own media controls show and do for the open room.
import { useEffect } from 'preact/hooks';
import type { RoomModel } from '../room-model.ts';
import { SilentTrack } from '../silent-track.ts';

/** The system counts on by itself; what drifts apart (a detached place, a throttled page) is put right this often. */
const POSITION_EVERY_MS = 5_000;
const ARTWORK_SIZES = '512x512';

const ACTIONS = ['play', 'pause', 'nexttrack', 'previoustrack', 'seekto'] as const;

export function useMediaSession(model: RoomModel): void {
  useMetadata(model);
  useActions(model);
  usePosition(model);
  useSilence(model);
}

function useMetadata(model: RoomModel): void {
  const shown = model.shown.value;
  useEffect(() => {
    if (!('mediaSession' in navigator)) return undefined;
    const { mediaSession } = navigator;
    const entry = shown?.entry;
    if (entry !== undefined) {
      const { title, artist, album, hasCover, trackId } = entry;
      mediaSession.metadata = new MediaMetadata({
        title,
        artist,
        ...(album !== undefined && { album }),
        ...(hasCover && {
          artwork: [{ src: model.api.coverUrl(trackId), sizes: ARTWORK_SIZES }],
        }),
      });
    }
    return () => (mediaSession.metadata = null);
  }, [model, shown?.id]);
}

/** As the page's own buttons: the room for those who steer it, oneself for those who are detached or may not. */
function useActions(model: RoomModel): void {
  const playing = model.running.value;
  const detached = model.detached.value;
  const { control } = model.rights.value;
  const canListen = model.playerState.value.mode !== 'locked';
  useEffect(() => {
    if (!('mediaSession' in navigator)) return undefined;
    const { mediaSession } = navigator;
    const { room } = model;
    mediaSession.playbackState = playing ? 'playing' : 'paused';
    const steers = control && !detached;
    const handlers: Record<(typeof ACTIONS)[number], MediaSessionActionHandler | null> = {
      play: control || canListen ? () => model.steer('play') : null,
      pause: control || canListen ? () => model.steer('pause') : null,
      nexttrack: control ? () => model.run(() => room.skip()) : null,
      previoustrack: control ? () => model.run(() => room.previous()) : null,
      seekto:
        steers || detached
          ? ({ seekTime }) => seekTime !== undefined && model.seek(seekTime * 1_000)
          : null,
    };
    for (const action of ACTIONS) setHandler(mediaSession, action, handlers[action]);
    return () => {
      for (const action of ACTIONS) setHandler(mediaSession, action, null);
    };
  }, [model, playing, control, detached, canListen]);
}

function setHandler(
  mediaSession: MediaSession,
  action: (typeof ACTIONS)[number],
  handler: MediaSessionActionHandler | null,
): void {
  try {
    mediaSession.setActionHandler(action, handler);
  } catch (error) {
    // An older browser throws at an action that it does not know.
    if (!(error instanceof TypeError)) throw error;
  }
}

function usePosition(model: RoomModel): void {
  const shown = model.shown.value;
  const anchor = model.anchor.value;
  const playing = model.running.value;
  const detached = model.detached.value;
  const durationMs = shown?.entry.durationMs;
  useEffect(() => {
    if (!('mediaSession' in navigator) || durationMs === undefined) return undefined;
    const { mediaSession } = navigator;
    const tell = (): void => {
      const positionMs = Math.min(Math.max(0, model.positionMs()), durationMs);
      mediaSession.setPositionState({
        duration: durationMs / 1_000,
        position: positionMs / 1_000,
        playbackRate: 1,
      });
    };
    tell();
    const telling = setInterval(tell, POSITION_EVERY_MS);
    return () => {
      clearInterval(telling);
      mediaSession.setPositionState();
    };
  }, [model, durationMs, anchor, playing, detached]);
}

/** An element of media sounds elsewhere only where the tracks are not decoded: what the system steers is this one. */
function useSilence(model: RoomModel): void {
  const unlocked = model.playerState.value.mode !== 'locked';
  const playing = model.running.value;
  useEffect(() => {
    if (!unlocked || !('mediaSession' in navigator)) return undefined;
    model.silence ??= new SilentTrack();
    if (playing) model.silence.play();
    else model.silence.pause();
    return undefined;
  }, [model, unlocked, playing]);
}
