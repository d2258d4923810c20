// Owns the card from which one plays a track by oneself: friends who may see it can join.
import { useState } from 'preact/hooks';
import type { TrackSummary } from '../page-sdk.ts';
import { clockLabel } from '../wording.ts';
import { Cover } from './cover.tsx';
import { Icon } from './icons.tsx';
import { useSession } from './session-context.ts';
import { statusOf, useCatalogue } from './use-catalogue.ts';

export function ListenAlone({ name }: { name: string }) {
  const session = useSession();
  const [query, setQuery] = useState('');
  const [open, setOpen] = useState(false);
  const { found, more } = useCatalogue(query.trim(), open);
  /** The catalogue is for people whom the hub knows. */
  const begin = (): void =>
    session.social.run(async () => {
      await session.introduce(name);
      setOpen(true);
    });
  const play = (track: TrackSummary): void => void session.listenAlone(name, track.id);
  return (
    <section class="card" aria-labelledby="alone-title">
      <h2 id="alone-title">Listen by yourself</h2>
      <p class="quiet">
        {name === '' ? 'Your name comes first. ' : ''}Just you, until a friend who sees it joins.
        Then it is a room.
      </p>
      <div class="search-bar" role="search">
        <Icon name="search" />
        <input
          type="search"
          aria-label="Search for music to play"
          placeholder="Title, artist, album"
          autocomplete="off"
          value={query}
          disabled={name === ''}
          onFocus={begin}
          onInput={(event) => setQuery(event.currentTarget.value)}
        />
      </div>
      {open && (
        <div class="results alone" tabIndex={0} role="group" aria-label="Found in the catalogue">
          <p class="panel-note" role="status">
            {statusOf(found)}
          </p>
          <ul>
            {found?.tracks.map((track) => (
              <li key={track.id} class="result">
                <Cover trackId={track.id} hasCover={track.hasCover} />
                <span class="row-text">
                  <span class="row-title">{track.title}</span>
                  <span class="row-sub">{track.artist}</span>
                </span>
                <span class="row-length">{clockLabel(track.durationMs)}</span>
                <button
                  type="button"
                  class="button compact"
                  disabled={name === ''}
                  aria-label={`Play ${track.title}`}
                  onClick={() => play(track)}
                >
                  <Icon name="play" solid />
                  Play
                </button>
              </li>
            ))}
          </ul>
          {found !== undefined && found.tracks.length < found.total && (
            <button type="button" class="button compact" onClick={() => session.social.run(more)}>
              Show more
            </button>
          )}
        </div>
      )}
    </section>
  );
}
