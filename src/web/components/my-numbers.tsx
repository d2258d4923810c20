// Owns what one heard in numbers: by day, track and artist, and together with whom, over a stretch of time that one picks.
import { useMemo, useState } from 'preact/hooks';
import type { CountBy, ListenCount, Range, Together } from '../page-people.ts';
import { lengthLabel } from '../people-wording.ts';
import { countLabel } from '../wording.ts';
import { Avatar } from './avatar.tsx';
import { DayChart } from './day-chart.tsx';
import { useSession } from './session-context.ts';
import { useAsked, type Asked } from './use-asked.ts';

const DAY = 86_400_000;
const LOCAL_ZONE = Intl.DateTimeFormat().resolvedOptions().timeZone;
/** The hub takes names of areas and places alone. */
const TIME_ZONE = LOCAL_ZONE.includes('/') ? LOCAL_ZONE : 'UTC';
/** Days of a leap year; of the others as many as can be taken in. */
const MOST: Readonly<Record<CountBy, number>> = { day: 366, track: 10, artist: 10 };
const STRETCHES = [
  ['7 days', 7],
  ['30 days', 30],
  ['90 days', 90],
  ['A year', 365],
] as const;

function Refused({ asked, again }: { asked: Asked<unknown>; again: () => void }) {
  if (asked.kind === 'there') return null;
  return (
    <p class="quiet" role="status">
      {asked.kind === 'loading' ? 'A moment…' : asked.why}{' '}
      {asked.kind === 'refused' && (
        <button type="button" class="link-button" onClick={again}>
          Try again
        </button>
      )}
    </p>
  );
}

function useCounts(
  by: CountBy,
  range: Range,
): readonly [Asked<readonly ListenCount[]>, () => void] {
  const { social } = useSession();
  return useAsked(
    () => social.listening.counts(by, range, { timeZone: TIME_ZONE, limit: MOST[by] }),
    [by, range],
  );
}

function Days({ range }: { range: Range }) {
  const [days, again] = useCounts('day', range);
  return (
    <section class="part" aria-labelledby="days-title">
      <h3 id="days-title">By day</h3>
      <Refused asked={days} again={again} />
      {days.kind === 'there' &&
        (days.value.length === 0 ? (
          <p class="quiet">Nothing heard in this time.</p>
        ) : (
          <DayChart counts={days.value} />
        ))}
    </section>
  );
}

function Top({ by, title, range }: { by: 'track' | 'artist'; title: string; range: Range }) {
  const [counts, again] = useCounts(by, range);
  const id = `top-${by}`;
  return (
    <section class="part" aria-labelledby={id}>
      <h3 id={id}>{title}</h3>
      <Refused asked={counts} again={again} />
      {counts.kind === 'there' && counts.value.length === 0 && (
        <p class="quiet">Nothing heard in this time.</p>
      )}
      <ol class="top">
        {counts.kind === 'there' &&
          counts.value.map(({ key, track, listens, heardMs }) => (
            <li key={track?.trackId ?? `${track?.artist ?? ''} ${key}`}>
              <span class="row-text">
                <span class="row-title">{key}</span>
                {track !== undefined && <span class="row-sub">{track.artist}</span>}
              </span>
              <span class="quiet">
                {countLabel(listens, 'listen')} · {lengthLabel(heardMs)}
              </span>
            </li>
          ))}
      </ol>
    </section>
  );
}

function TogetherList({ range }: { range: Range }) {
  const { social } = useSession();
  const [together, again] = useAsked<readonly Together[]>(
    () => social.listening.together(range),
    [range],
  );
  return (
    <section class="part" aria-labelledby="together-title">
      <h3 id="together-title">Together with</h3>
      <Refused asked={together} again={again} />
      {together.kind === 'there' && together.value.length === 0 && (
        <p class="quiet">You heard nothing together with a friend in this time.</p>
      )}
      <ol class="top">
        {together.kind === 'there' &&
          together.value.map(({ person, heardMs, plays }) => (
            <li key={person.userId}>
              <Avatar {...person} />
              <span class="person-name">{person.name}</span>
              <span class="quiet">
                {lengthLabel(heardMs)} · {countLabel(plays, 'track')}
              </span>
            </li>
          ))}
      </ol>
    </section>
  );
}

export function MyNumbers() {
  const { social } = useSession();
  const [days, setDays] = useState<number>(30);
  // To the minute: the same stretch is asked for once, not at each drawing.
  const range = useMemo((): Range => {
    const to = Math.ceil((social.hubNow() ?? Date.now()) / 60_000) * 60_000;
    return { from: to - days * DAY, to };
  }, [social, days]);
  return (
    <>
      <label class="field inline">
        <span class="field-label">The last</span>
        <select value={days} onChange={(event) => setDays(Number(event.currentTarget.value))}>
          {STRETCHES.map(([name, value]) => (
            <option key={value} value={value}>
              {name}
            </option>
          ))}
        </select>
      </label>
      <Days range={range} />
      <Top by="track" title="Tracks" range={range} />
      <Top by="artist" title="Artists" range={range} />
      <TogetherList range={range} />
    </>
  );
}
