// Owns one card of the feed: what a friend, or a room of friends, listens to, and the way to them.
import { useState } from 'preact/hooks';
import { endOf, needleMs, shownItem, sleeveKey, wayIn, type FeedCard } from '../feed-cards.ts';
import type { FeedItem, FeedTrack } from '../page-people.ts';
import { agoLabel, togetherLabel } from '../people-wording.ts';
import { clockLabel } from '../wording.ts';
import { Avatar } from './avatar.tsx';
import { Cover, Sleeve } from './cover.tsx';
import { Menu } from './menu.tsx';
import { EMOJI } from './reactions.tsx';
import { useSession } from './session-context.ts';

const MAX_MARKS = 4;
const JOINS = { room: 'Join', solo: 'Join', knock: 'Knock' } as const;

export function TrackCover({ track }: { track: FeedTrack }) {
  return track.trackId === undefined ? (
    <Sleeve seed={sleeveKey(track)} />
  ) : (
    <Cover trackId={track.trackId} hasCover={track.hasCover} />
  );
}

function Needle({ item, now }: { item: FeedItem; now: number | undefined }) {
  const { durationMs } = item.track;
  const share = durationMs === 0 ? 0 : needleMs(item, now) / durationMs;
  return (
    <svg class="feed-needle" viewBox="0 0 100 3" preserveAspectRatio="none" aria-hidden="true">
      <rect class="all" width="100" height="3" />
      <rect class="gone" width={share * 100} height="3" />
    </svg>
  );
}

function When({ item, now }: { item: FeedItem; now: number | undefined }) {
  const { state, at, track } = item;
  if (state === 'ended') {
    return <>{now === undefined ? 'earlier' : agoLabel(now - endOf(item))}</>;
  }
  const place = `${clockLabel(needleMs(item, now))} of ${clockLabel(track.durationMs)}`;
  if (state === 'paused') return <>paused at {place}</>;
  return (
    <>
      {place}
      {now !== undefined && ` · began ${agoLabel(now - at)}`}
    </>
  );
}

function Reactions({ item }: { item: FeedItem }) {
  const counts = Object.entries(item.reactions ?? {}).filter(([, count]) => count > 0);
  if (counts.length === 0) return null;
  return (
    <span class="feed-reactions">
      <span class="sr-only">Reactions: </span>
      {counts.map(([emoji, count]) => (
        <span key={emoji}>
          {emoji}
          {count > 1 ? ` ${count}` : ''}
        </span>
      ))}
    </span>
  );
}

export interface FeedCardViewProps {
  readonly card: FeedCard;
  /** Hub time, ms. */
  readonly now: number | undefined;
  /** The room that one is in oneself. */
  readonly hereId?: string | undefined;
}

export function FeedCardView({ card, now, hereId }: FeedCardViewProps) {
  const session = useSession();
  const [asked, setAsked] = useState(false);
  const item = shownItem(card);
  const way = wayIn(card);
  const { track, room } = item;
  const who = togetherLabel(card.items.map(({ user }) => user.name));
  const isHere = room !== undefined && room.roomId === hereId;
  return (
    <li class={card.live ? 'feed-card live' : 'feed-card'}>
      <TrackCover track={track} />
      <div class="feed-words">
        <p class="feed-who">
          <span class="feed-marks">
            {card.items.slice(0, MAX_MARKS).map(({ user }) => (
              <Avatar key={user.id} {...user} />
            ))}
          </span>
          <span class="feed-names">{who}</span>
        </p>
        <p class="row-title">{track.title}</p>
        <p class="row-sub">
          {track.artist}
          {room !== undefined && card.live && ` · in ${room.name}`}
        </p>
        {card.live && <Needle item={item} now={now} />}
        <p class="feed-when">
          <When item={item} now={now} />
          <Reactions item={item} />
        </p>
      </div>
      <div class="feed-tools">
        {isHere && <span class="chip good">here</span>}
        {!isHere && way?.join !== undefined && (
          <button
            type="button"
            class="button compact primary"
            disabled={asked}
            aria-label={`${JOINS[way.join]}: ${who}`}
            onClick={() => {
              setAsked(true);
              void session.join(way).finally(() => setAsked(false));
            }}
          >
            {JOINS[way.join]}
          </button>
        )}
        <Menu
          label={`React to what ${item.user.name} plays`}
          icon="smile"
          items={EMOJI.map(([emoji, means]) => ({
            label: `${emoji} ${means}`,
            run: () => session.social.react(item, emoji),
          }))}
        />
      </div>
    </li>
  );
}
