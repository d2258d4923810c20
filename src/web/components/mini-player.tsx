// Owns the strip that keeps the music in reach on a phone while another part of the room is shown.
import { useRoom } from './room-context.ts';
import { Icon } from './icons.tsx';
import { PlayButton } from './transport.tsx';

export function MiniPlayer({ onOpen }: { onOpen: () => void }) {
  const model = useRoom();
  const entry = model.shown.value?.entry;
  const locked = model.playerState.value.mode === 'locked';
  return (
    <aside class="mini" aria-label="Playing now">
      <button type="button" class="mini-track" onClick={onOpen}>
        <span class="mini-title">{entry?.title ?? 'Nothing on yet'}</span>
        {entry !== undefined && <span class="mini-artist">{entry.artist}</span>}
      </button>
      {locked ? (
        <button type="button" class="button compact primary" onClick={() => model.listen()}>
          <Icon name="play" solid />
          Listen
        </button>
      ) : (
        <PlayButton class="icon-button" />
      )}
    </aside>
  );
}
