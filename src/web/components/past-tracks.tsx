// Owns a list of what was played, read on page by page; must not know whose it is.
import type { ComponentChildren } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { FeedTrack, Page } from '../page-people.ts';
import { agoLabel } from '../people-wording.ts';
import { TrackCover } from './feed-card.tsx';
import { useSession } from './session-context.ts';

export interface PastTrack {
  readonly id: string;
  /** Hub time, ms. */
  readonly at: number;
  readonly track: FeedTrack;
  readonly note?: string;
}

export interface PastTracksProps {
  readonly read: (cursor?: string) => Promise<Page<PastTrack>>;
  readonly empty: string;
  /** What may be done about one; `gone` takes it off the list. */
  readonly tools?: (track: PastTrack, gone: () => void) => ComponentChildren;
}

/** What was read stays as it is: a list that grew meanwhile neither repeats nor skips. */
export function PastTracks({ read, empty, tools }: PastTracksProps) {
  const { social } = useSession();
  const [tracks, setTracks] = useState<readonly PastTrack[]>([]);
  const [next, setNext] = useState<string>();
  const [state, setState] = useState<'reading' | 'there' | 'refused'>('reading');
  const now = social.hubNow();
  const readOn = async (cursor?: string): Promise<void> => {
    setState('reading');
    try {
      const page = await social.call(() => read(cursor));
      setTracks((known) => (cursor === undefined ? page.items : [...known, ...page.items]));
      setNext(page.next);
      setState('there');
    } catch (error) {
      setState('refused');
      social.notices.show('problem', social.refusalOf(error));
    }
  };
  useEffect(() => void readOn(), []);
  return (
    <>
      <ul class="past">
        {tracks.map((one) => (
          <li key={one.id} class="past-row">
            <TrackCover track={one.track} />
            <span class="row-text">
              <span class="row-title">{one.track.title}</span>
              <span class="row-sub">
                {one.track.artist}
                {one.note !== undefined && ` · ${one.note}`}
              </span>
            </span>
            <time class="quiet" dateTime={new Date(one.at).toISOString()}>
              {now === undefined ? '' : agoLabel(now - one.at)}
            </time>
            {tools?.(one, () => setTracks((known) => known.filter(({ id }) => id !== one.id)))}
          </li>
        ))}
      </ul>
      <p class="quiet" role="status">
        {state === 'reading' && 'A moment…'}
        {state === 'refused' && 'It could not be read.'}
        {state === 'there' && tracks.length === 0 && empty}
      </p>
      {state !== 'reading' && (next !== undefined || state === 'refused') && (
        <button type="button" class="button compact" onClick={() => void readOn(next)}>
          {state === 'refused' ? 'Try again' : 'Show more'}
        </button>
      )}
    </>
  );
}
