// Owns what the system's own media controls show and do for the open room.
import { useEffect } from 'preact/hooks';
import type { RoomModel } from '../room-model.ts';

export function useMediaSession(model: RoomModel): void {
  const shown = model.shown.value;
  const playing = model.running.value;
  const detached = model.detached.value;
  const { control } = model.rights.value;
  useEffect(() => {
    if (!('mediaSession' in navigator)) return;
    const { mediaSession } = navigator;
    const entry = shown?.entry;
    mediaSession.metadata =
      entry === undefined
        ? null
        : new MediaMetadata({
            title: entry.title,
            artist: entry.artist,
            ...(entry.album === undefined ? {} : { album: entry.album }),
            ...(entry.hasCover ? { artwork: [{ src: model.api.coverUrl(entry.trackId) }] } : {}),
          });
  }, [model, shown?.id]);
  useEffect(() => {
    if (!('mediaSession' in navigator)) return undefined;
    const { mediaSession } = navigator;
    mediaSession.playbackState = playing ? 'playing' : 'paused';
    const { room } = model;
    const when = (action: () => Promise<void>) => (control ? () => model.run(action) : null);
    for (const to of ['play', 'pause'] as const) {
      mediaSession.setActionHandler(to, control || detached ? () => model.steer(to) : null);
    }
    mediaSession.setActionHandler(
      'nexttrack',
      when(() => room.skip()),
    );
    mediaSession.setActionHandler(
      'previoustrack',
      when(() => room.previous()),
    );
    return () => {
      for (const action of ['play', 'pause', 'nexttrack', 'previoustrack'] as const) {
        mediaSession.setActionHandler(action, null);
      }
    };
  }, [model, playing, control, detached]);
}
