// Owns the screen after a room, or instead of one: says what happened and what can be done.
import { useEffect, useRef } from 'preact/hooks';
import type { PageSession } from '../page-session.ts';
import type { RoomTarget } from '../page-sdk.ts';
import { refusalLabel } from '../wording.ts';
import { Wordmark } from './brand.tsx';

const ENDINGS: Readonly<Record<string, readonly [title: string, text: string]>> = {
  kicked: ['You were shown out.', 'A host of this room removed you from it.'],
  banned: ['This room is closed to you.', 'A host has banned you, for a while or for good.'],
  closed: ['The room is closed.', 'Its host has closed it for everybody. Thanks for listening.'],
  room_closed: ['The room is closed.', 'Its host has closed it for everybody.'],
  replaced: [
    'You are listening elsewhere.',
    'This room is open in another tab or device of yours.',
  ],
  not_found: ['No such room.', 'Nothing is behind this code. Look at it again, letter by letter.'],
  invite_invalid: ['This invite is spent.', 'It has expired or was used up. Ask for another one.'],
  room_full: ['The room is full.', 'Somebody has to leave before you can enter.'],
  guests_disabled: ['Members only.', 'This hub lets nobody in as a guest.'],
  unauthorised: ['The hub does not know you.', 'Your pass has expired or was withdrawn.'],
  revoked: [
    'Your pass was withdrawn.',
    'The account was taken from this device or erased, or the operator of this hub has ended your access.',
  ],
  forbidden_origin: ['The hub refused this page.', 'It does not accept pages from this address.'],
  unsupported_version: ['This page is out of date.', 'The hub speaks a newer language. Reload it.'],
  too_many_connections: ['Too many at once.', 'You have more pages open here than the hub allows.'],
  unavailable: [
    'The hub is catching its breath.',
    'It cannot answer just now. Try again in a moment.',
  ],
  connection_lost: ['The hub does not answer.', 'Look at your connection, and try again.'],
  bad_frame: ['The hub hung up.', 'It did not understand this page. Reload it.'],
};

/** The same way in would end the same way. */
const FUTILE: ReadonlySet<string> = new Set(['not_found', 'invite_invalid', 'guests_disabled']);

export interface EndedProps {
  readonly session: PageSession;
  readonly reason: string;
  readonly again: RoomTarget | undefined;
}

export function Ended({ session, reason, again }: EndedProps) {
  const [title, text] = ENDINGS[reason] ?? ['That did not work.', refusalLabel(reason)];
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    document.title = `${title} · Earshot`;
    heading.current?.focus();
  }, [title]);
  const name = session.guest.name;
  const mayRetry = again !== undefined && !FUTILE.has(reason);
  return (
    <main class="stage">
      <Wordmark />
      <div class="broken-scale" aria-hidden="true" />
      <h1 ref={heading} tabIndex={-1}>
        {title}
      </h1>
      <p class="lede">{text}</p>
      <div class="button-row">
        {mayRetry && name !== undefined && (
          <button
            type="button"
            class="button primary"
            onClick={() => void session.enter(name, again)}
          >
            {reason === 'replaced' ? 'Listen here instead' : 'Try again'}
          </button>
        )}
        <button type="button" class="button" onClick={() => session.leave()}>
          Back to the start
        </button>
      </div>
    </main>
  );
}
