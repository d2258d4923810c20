// Owns the ways to a new friend: one's own link, somebody's code, and people whom one met in a room.
import { useEffect, useState } from 'preact/hooks';
import type { UserId } from '../../../protocol/ids.ts';
import { addPath, parsePerson, readableCode } from '../address.ts';
import type { Profile } from '../page-people.ts';
import { Avatar } from './avatar.tsx';
import { ConfirmDialog } from './confirm-dialog.tsx';
import { CopyLink } from './copy-link.tsx';
import { Dialog } from './dialog.tsx';
import { useSession } from './session-context.ts';
import { useAsked } from './use-asked.ts';

const TYPING_SETTLES_MS = 250;

function OwnLink({ onReset }: { onReset: () => void }) {
  const { social } = useSession();
  const [code] = useAsked(() => social.friends.code(), []);
  if (code.kind === 'refused') return <p class="quiet">{code.why}</p>;
  const known = code.kind === 'there' ? code.value : undefined;
  return (
    <CopyLink
      link={known === undefined ? undefined : location.origin + addPath(known)}
      label="My link"
      words="Let us hear what we listen to"
      note={
        <p class="quiet">
          {known !== undefined && (
            <>
              Or the code <span class="code">{readableCode(known)}</span>.{' '}
            </>
          )}
          <button type="button" class="link-button" onClick={onReset}>
            Make a new link
          </button>
        </p>
      }
    >
      <p>Whoever has this link can ask to be your friend. You say yes or no.</p>
    </CopyLink>
  );
}

function ByCode() {
  const { social, notices } = useSession();
  const [typed, setTyped] = useState('');
  const code = parsePerson(typed);
  const ask = (): void => {
    if (code === undefined) return;
    social.change(async () => {
      const outcome = await social.friends.ask({ code });
      setTyped('');
      notices.show('event', outcome === 'friends' ? 'You are friends now.' : 'Request sent.');
    });
  };
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        ask();
      }}
    >
      <div class="field-row">
        <label class="field">
          <span class="field-label">Code or link of somebody</span>
          <input
            type="text"
            class="code-input"
            autocomplete="off"
            autocapitalize="characters"
            spellcheck={false}
            value={typed}
            onInput={(event) => setTyped(event.currentTarget.value)}
          />
        </label>
        <button type="submit" class="button" disabled={code === undefined}>
          Ask
        </button>
      </div>
    </form>
  );
}

/** What follows typing, but not each letter of it. */
function useSettled(typed: string): string {
  const [settled, setSettled] = useState(typed);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(typed), TYPING_SETTLES_MS);
    return () => clearTimeout(timer);
  }, [typed]);
  return settled;
}

function Met() {
  const { social, guest } = useSession();
  const [typed, setTyped] = useState('');
  const query = useSettled(typed.trim());
  const [met] = useAsked(() => social.friends.met(query), [query]);
  const overview = social.overview.value;
  const friends = new Set(overview?.friends.map(({ userId }) => userId));
  const asked = new Set(overview?.outgoing.map(({ userId }) => userId));
  const people =
    met.kind === 'there'
      ? met.value.filter(({ userId }) => !friends.has(userId) && userId !== guest.userId)
      : [];
  return (
    <section class="part" aria-labelledby="met-title">
      <h3 id="met-title">People you met in a room</h3>
      <label class="field">
        <span class="field-label">Name</span>
        <input
          type="search"
          autocomplete="off"
          value={typed}
          onInput={(event) => setTyped(event.currentTarget.value)}
        />
      </label>
      <p class="quiet" role="status">
        {met.kind === 'refused' && met.why}
        {met.kind === 'there' && people.length === 0 && 'Nobody else so far.'}
      </p>
      <ul>
        {people.map((person) => (
          <MetPerson key={person.userId} person={person} asked={asked} />
        ))}
      </ul>
    </section>
  );
}

function MetPerson({ person, asked }: { person: Profile; asked: ReadonlySet<UserId> }) {
  const { social } = useSession();
  const { userId, name } = person;
  return (
    <li class="person-row">
      <Avatar {...person} />
      <span class="person-name">{name}</span>
      {asked.has(userId) ? (
        <span class="quiet">asked</span>
      ) : (
        <button
          type="button"
          class="button compact"
          aria-label={`Ask ${name}`}
          onClick={() => social.change(() => social.friends.ask({ userId }))}
        >
          Ask
        </button>
      )}
    </li>
  );
}

export function AddFriendDialog({ onClose }: { onClose: () => void }) {
  const { social } = useSession();
  const [resets, setResets] = useState(0);
  const [isAsking, setIsAsking] = useState(false);
  if (isAsking) {
    return (
      <ConfirmDialog
        title="Make a new link?"
        text="The link and the code that you gave out lead nowhere from then on. Your friends stay."
        action="Make a new link"
        run={() =>
          social.change(async () => {
            await social.friends.newCode();
            setResets((count) => count + 1);
          })
        }
        onClose={() => setIsAsking(false)}
      />
    );
  }
  return (
    <Dialog title="Make a friend" onClose={onClose}>
      <OwnLink key={resets} onReset={() => setIsAsking(true)} />
      <section class="part">
        <ByCode />
      </section>
      <Met />
    </Dialog>
  );
}
