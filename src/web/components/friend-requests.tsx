// Owns the requests of others to be friends, and one's answer to each.
import { useSession } from './session-context.ts';
import { Avatar } from './avatar.tsx';
import { countLabel } from '../wording.ts';

export function FriendRequests() {
  const { social } = useSession();
  const overview = social.overview.value;
  if (overview === undefined || overview.incoming.length === 0) return null;
  const unnamed = overview.incomingCount - overview.incoming.length;
  return (
    <section class="requests" aria-labelledby="requests-title">
      <h3 id="requests-title">Would like to be friends</h3>
      <ul>
        {overview.incoming.map((person) => (
          <li key={person.userId} class="person-row">
            <Avatar {...person} />
            <span class="person-name">{person.name}</span>
            <button
              type="button"
              class="button compact primary"
              aria-label={`Accept ${person.name}`}
              onClick={() => social.change(() => social.friends.accept(person.userId))}
            >
              Accept
            </button>
            <button
              type="button"
              class="button compact"
              aria-label={`Decline ${person.name}`}
              onClick={() => social.change(() => social.friends.decline(person.userId))}
            >
              Decline
            </button>
          </li>
        ))}
      </ul>
      {unnamed > 0 && <p class="quiet">and {countLabel(unnamed, 'other')}</p>}
    </section>
  );
}
