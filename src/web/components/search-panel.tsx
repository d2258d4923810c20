// Owns finding tracks in the catalogue and adding them, next or at the end.
import { useRef, useState } from 'preact/hooks';
import type { TrackSummary } from '../page-sdk.ts';
import { clockLabel } from '../wording.ts';
import { Cover } from './cover.tsx';
import { Icon } from './icons.tsx';
import { useRoom } from './room-context.ts';
import { statusOf, useCatalogue } from './use-catalogue.ts';

function Result({ track }: { track: TrackSummary }) {
  const model = useRoom();
  const [added, setAdded] = useState(false);
  const add = (at: 'next' | 'end'): void =>
    model.run(async () => {
      await model.room.add([track.id], at);
      setAdded(true);
    });
  return (
    <li class="result">
      <Cover trackId={track.id} hasCover={track.hasCover} />
      <span class="row-text">
        <span class="row-title">{track.title}</span>
        <span class="row-sub">{track.artist}</span>
      </span>
      <span class="row-length">{clockLabel(track.durationMs)}</span>
      <button
        type="button"
        class="button compact quiet-button"
        aria-label={`Play ${track.title} next`}
        onClick={() => add('next')}
      >
        Next
      </button>
      <button
        type="button"
        class="button compact"
        aria-label={`Add ${track.title} to the end`}
        onClick={() => add('end')}
      >
        <Icon name={added ? 'check' : 'plus'} />
        Add
      </button>
    </li>
  );
}

export function SearchPanel() {
  const model = useRoom();
  const [open, setOpen] = useState(() => {
    // Nothing to hear yet: what could be heard is the first thing to see.
    const { current, next } = model.queue.value;
    return current === undefined && next.length === 0;
  });
  const [query, setQuery] = useState('');
  const { found, more } = useCatalogue(query.trim(), open);
  const input = useRef<HTMLInputElement>(null);
  if (!model.rights.value.add) return null;
  const close = (): void => {
    setOpen(false);
    setQuery('');
    input.current?.blur();
  };
  return (
    <div
      class={open ? 'search open' : 'search'}
      onKeyDown={(event) => {
        if (event.key === 'Escape') close();
      }}
    >
      <div class="search-bar" role="search">
        <Icon name="search" />
        <input
          ref={input}
          type="search"
          aria-label="Search for music to add"
          placeholder="Add music: title, artist, album"
          autocomplete="off"
          value={query}
          onFocus={() => setOpen(true)}
          onInput={(event) => setQuery(event.currentTarget.value)}
        />
        {open && (
          <button type="button" class="button compact quiet-button" onClick={close}>
            Done
          </button>
        )}
      </div>
      {open && (
        <div class="results" tabIndex={0} role="group" aria-label="Found in the catalogue">
          <p class="panel-note" role="status">
            {statusOf(found)}
          </p>
          <ul>
            {found?.tracks.map((track) => (
              <Result key={track.id} track={track} />
            ))}
          </ul>
          {found !== undefined && found.tracks.length < found.total && (
            <button type="button" class="button compact" onClick={() => model.run(more)}>
              Show more
            </button>
          )}
        </div>
      )}
    </div>
  );
}
