// Owns the panel of friends: who asks, who listens to what right now, what ended lately, and the ways to more of them.
import { useState } from 'preact/hooks';
import { AddFriendDialog } from './add-friend-dialog.tsx';
import { AudienceDialog } from './audience-dialog.tsx';
import { FeedCardView } from './feed-card.tsx';
import { FriendRequests } from './friend-requests.tsx';
import { FriendsDialog } from './friends-dialog.tsx';
import { Icon } from './icons.tsx';
import { PrivateNote } from './private-note.tsx';
import { useSession } from './session-context.ts';
import { useHubNow } from './use-ticking.ts';

const NEEDLES_MOVE_MS = 1_000;

type Open = 'add' | 'audience' | 'friends';

function Nothing({ onAdd }: { onAdd: () => void }) {
  const { social } = useSession();
  const { phase } = social.feed.value;
  const overview = social.overview.value;
  if (social.failed.value && overview === undefined) {
    return (
      <p class="quiet" role="status">
        Your friends cannot be shown at the moment.{' '}
        <button type="button" class="link-button" onClick={() => social.refresh()}>
          Try again
        </button>
      </p>
    );
  }
  if (overview === undefined || phase === 'off' || phase === 'loading') {
    return <p class="quiet">Looking who listens…</p>;
  }
  if (overview.friends.length > 0) {
    return <p class="quiet">None of your friends listens to anything right now.</p>;
  }
  return (
    <div class="friends-empty">
      <p>
        Friends appear here with what they listen to, and you join them with one press. Send
        somebody your link, or add whom you met in a room.
      </p>
      <button type="button" class="button primary" onClick={onAdd}>
        <Icon name="friends" />
        Make a friend
      </button>
    </div>
  );
}

export interface FriendsPanelProps {
  /** The room that one is in. */
  readonly hereId?: string | undefined;
  /** Where the title is said already. */
  readonly untitled?: boolean;
}

export function FriendsPanel({ hereId, untitled = false }: FriendsPanelProps) {
  const { social } = useSession();
  const [open, setOpen] = useState<Open>();
  const now = useHubNow(NEEDLES_MOVE_MS);
  const cards = social.cards.value;
  const live = cards.filter((card) => card.live);
  const ended = cards.filter((card) => !card.live);
  const { phase } = social.feed.value;
  const close = (): void => setOpen(undefined);
  return (
    <section class="friends" aria-label="Friends">
      <header class="friends-head">
        {!untitled && <h2>Friends</h2>}
        <div class="panel-tools">
          <button
            type="button"
            class="icon-button"
            aria-label="Add a friend"
            onClick={() => setOpen('add')}
          >
            <Icon name="friends" />
          </button>
          <button
            type="button"
            class="icon-button"
            aria-label="Who sees what I play"
            onClick={() => setOpen('audience')}
          >
            <Icon name={now !== undefined && social.privateLeftMs() > 0 ? 'hidden' : 'eye'} />
          </button>
          <button
            type="button"
            class="icon-button"
            aria-label="All my friends"
            onClick={() => setOpen('friends')}
          >
            <Icon name="people" />
          </button>
        </div>
      </header>
      <PrivateNote now={now} />
      {phase === 'away' && (
        <p class="quiet" role="status">
          The hub is away. This is what was known last.
        </p>
      )}
      <FriendRequests />
      {live.length === 0 && <Nothing onAdd={() => setOpen('add')} />}
      <ul class="feed-cards">
        {live.map((card) => (
          <FeedCardView key={card.key} card={card} now={now} hereId={hereId} />
        ))}
      </ul>
      {ended.length > 0 && (
        <>
          <h3 class="feed-earlier">Earlier</h3>
          <ul class="feed-cards">
            {ended.map((card) => (
              <FeedCardView key={card.key} card={card} now={now} />
            ))}
          </ul>
        </>
      )}
      {open === 'add' && <AddFriendDialog onClose={close} />}
      {open === 'audience' && <AudienceDialog onClose={close} />}
      {open === 'friends' && <FriendsDialog onClose={close} />}
    </section>
  );
}
