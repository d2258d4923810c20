// Owns finding tracks in the catalogue and adding them, next or at the end.
import { useEffect, useRef, useState } from 'preact/hooks';
import type { TrackSummary } from '../page-sdk.ts';
import { clockLabel, countLabel } from '../wording.ts';
import { Cover } from './cover.tsx';
import { Icon } from './icons.tsx';
import { useRoom } from './room-context.ts';

const PAGE_SIZE = 30;
const TYPING_SETTLES_MS = 180;
const LOOKS_AGAIN_MS = 2_000;

interface Found {
  readonly query: string;
  readonly tracks: readonly TrackSummary[];
  readonly total: number;
  readonly failed: boolean;
}

function useCatalogue(query: string, open: boolean) {
  const { api } = useRoom();
  const [found, setFound] = useState<Found>();
  useEffect(() => {
    if (!open) return undefined;
    let wanted = true;
    let timer: ReturnType<typeof setTimeout>;
    const lookIn = (ms: number): void => {
      timer = setTimeout(() => {
        api.tracks(query, { limit: PAGE_SIZE }).then(
          ({ tracks, total }) => show({ query, tracks, total, failed: false }),
          () => show({ query, tracks: [], total: 0, failed: true }),
        );
      }, ms);
    };
    const show = (next: Found): void => {
      if (!wanted) return;
      setFound(next);
      // A hub that has just started is still reading its music, and one that is away comes back.
      if (next.failed || (query === '' && next.total === 0)) lookIn(LOOKS_AGAIN_MS);
    };
    lookIn(TYPING_SETTLES_MS);
    return () => {
      wanted = false;
      clearTimeout(timer);
    };
  }, [api, query, open]);
  const more = async (): Promise<void> => {
    if (found === undefined) return;
    const page = await api.tracks(query, { offset: found.tracks.length, limit: PAGE_SIZE });
    setFound((now) =>
      now?.query === query ? { ...now, tracks: [...now.tracks, ...page.tracks] } : now,
    );
  };
  return { found, more };
}

function statusOf(found: Found | undefined): string {
  if (found === undefined) return 'Looking…';
  if (found.failed) return 'The catalogue does not answer.';
  if (found.total > 0) return countLabel(found.total, 'track');
  return found.query === ''
    ? 'No music here yet. Still looking…'
    : `Nothing here is called “${found.query}”.`;
}

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
