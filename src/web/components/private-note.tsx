// Owns the line that says that one listens unseen, for how long, and how to end it.
import { MAX_PRIVATE_MS } from '../../../protocol/schemas/feed.ts';
import { leftLabel } from '../people-wording.ts';
import { Icon } from './icons.tsx';
import { useSession } from './session-context.ts';

const DAY = 86_400_000;
/** “Until I end it”: the hub wants an end. As late as it takes one, less a day for a clock that is not the hub's own. */
export const OPEN_ENDED_MS = MAX_PRIVATE_MS - DAY;
/** No session of which the end was meant is as long. */
const NAMED_UP_TO_MS = 300 * DAY;

/** A session “until I end it” has an end, too: so far away that to name it would only confuse. */
export function isOpenEnded(until: number, now: number): boolean {
  return until - now > NAMED_UP_TO_MS;
}

/** @param now hub time, ms */
export function PrivateNote({ now }: { now: number | undefined }) {
  const { social } = useSession();
  const until = social.feed.value.audience?.privateUntil;
  if (until === undefined || now === undefined || until <= now) return null;
  return (
    <p class="private-note">
      <Icon name="hidden" />
      <span>
        Nobody sees what you play. {isOpenEnded(until, now) ? '' : leftLabel(until - now)}
      </span>
      <button
        type="button"
        class="link-button"
        onClick={() => social.setAudience({ privateUntil: null })}
      >
        End
      </button>
    </p>
  );
}
