// Owns the line that says that one listens unseen, for how long, and how to end it.
import { leftLabel } from '../people-wording.ts';
import { Icon } from './icons.tsx';
import { useSession } from './session-context.ts';

const NEVER_ENDS_MS = 365 * 86_400_000;

/** A session “until I end it” has an end, too: so far away that to name it would only confuse. */
export function isOpenEnded(until: number, now: number): boolean {
  return until - now > NEVER_ENDS_MS;
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
