// Owns the buttons that steer the room, or only oneself while detached.
import { useRoom } from './room-context.ts';
import { Icon } from './icons.tsx';

const REPEAT_AFTER = { off: 'all', all: 'one', one: 'off' } as const;
const REPEAT_NAMES = { off: 'off', all: 'all', one: 'this track' } as const;

export function PlayButton({ class: name }: { class: string }) {
  const model = useRoom();
  const detached = model.detached.value;
  const playing = model.running.value;
  const hasSomething = model.current.value !== undefined || model.queue.value.next.length > 0;
  const allowed = detached || (model.rights.value.control && hasSomething);
  return (
    <button
      type="button"
      class={name}
      disabled={!allowed}
      aria-label={playing ? 'Pause' : 'Play'}
      onClick={() => model.steer(playing ? 'pause' : 'play')}
    >
      <Icon name={playing ? 'pause' : 'play'} solid={!playing} />
    </button>
  );
}

export function Transport() {
  const model = useRoom();
  const { room } = model;
  const { control } = model.rights.value;
  const { repeat, shuffle } = model.details.value.playback;
  const hasTrack = model.track.value !== undefined;
  return (
    <div class="transport" role="group" aria-label="Playback">
      <button
        type="button"
        class="icon-button toggle"
        aria-label="Shuffle"
        aria-pressed={shuffle}
        disabled={!control}
        onClick={() => model.run(() => room.setMode({ shuffle: !shuffle }))}
      >
        <Icon name="shuffle" />
      </button>
      <button
        type="button"
        class="icon-button"
        aria-label="Previous"
        disabled={!control || !hasTrack}
        onClick={() => model.run(() => room.previous())}
      >
        <Icon name="previous" solid />
      </button>
      <PlayButton class="play-button" />
      <button
        type="button"
        class="icon-button"
        aria-label="Skip"
        disabled={!control || !hasTrack}
        onClick={() => model.run(() => room.skip())}
      >
        <Icon name="next" solid />
      </button>
      <button
        type="button"
        class="icon-button toggle"
        aria-label={`Repeat: ${REPEAT_NAMES[repeat]}`}
        aria-pressed={repeat !== 'off'}
        disabled={!control}
        onClick={() => model.run(() => room.setMode({ repeat: REPEAT_AFTER[repeat] }))}
      >
        <Icon name="repeat" />
        {repeat === 'one' && (
          <span class="badge" aria-hidden="true">
            1
          </span>
        )}
      </button>
    </div>
  );
}

export function VolumeControl() {
  const model = useRoom();
  const volume = model.volume.value;
  return (
    <label class="volume">
      <Icon name={volume === 0 ? 'muted' : 'volume'} />
      <span class="sr-only">Volume</span>
      <input
        type="range"
        min="0"
        max="100"
        step="1"
        value={Math.round(volume * 100)}
        onInput={(event) => model.setVolume(event.currentTarget.valueAsNumber / 100)}
      />
    </label>
  );
}
