// Owns the lists of people: friends, requests that one sent, people whom one blocks; and what may be done about each.
import { useState } from 'preact/hooks';
import type { PersonSince, Profile } from '../page-people.ts';
import { Avatar } from './avatar.tsx';
import { ConfirmDialog } from './confirm-dialog.tsx';
import { Dialog } from './dialog.tsx';
import { HistoryDialog } from './history-dialog.tsx';
import { Menu, type MenuItem } from './menu.tsx';
import { useSession } from './session-context.ts';

type Shown =
  | { readonly kind: 'history'; readonly person: Profile }
  | { readonly kind: 'remove' | 'block' | 'unblock'; readonly person: Profile };

const QUESTIONS = {
  remove: {
    title: (name: string) => `Remove ${name} from your friends?`,
    text: 'Neither of you sees what the other listens to any more. They are not told.',
    action: 'Remove',
  },
  block: {
    title: (name: string) => `Block ${name}?`,
    text: 'You are no friends then, and they cannot ask you again. They are not told.',
    action: 'Block',
  },
  unblock: {
    title: (name: string) => `Unblock ${name}?`,
    text: 'They can ask to be your friend again. It does not make you friends.',
    action: 'Unblock',
  },
} as const;

interface PeopleListProps {
  readonly title: string;
  readonly people: readonly PersonSince[];
  readonly menuOf: (person: PersonSince) => MenuItem[];
}

function PeopleList({ title, people, menuOf }: PeopleListProps) {
  const id = `people-${title.toLowerCase().replaceAll(' ', '-')}`;
  if (people.length === 0) return null;
  return (
    <section class="part" aria-labelledby={id}>
      <h3 id={id}>
        {title} <span class="panel-note">{people.length}</span>
      </h3>
      <ul>
        {people.map((person) => (
          <li key={person.userId} class="person-row">
            <Avatar {...person} />
            <span class="person-name">{person.name}</span>
            <Menu label={`More for ${person.name}`} items={menuOf(person)} />
          </li>
        ))}
      </ul>
    </section>
  );
}

export function FriendsDialog({ onClose }: { onClose: () => void }) {
  const { social } = useSession();
  const [shown, setShown] = useState<Shown>();
  const overview = social.overview.value;
  const back = (): void => setShown(undefined);
  if (shown?.kind === 'history') return <HistoryDialog person={shown.person} onClose={back} />;
  if (shown !== undefined) {
    const { title, text, action } = QUESTIONS[shown.kind];
    const { userId, name } = shown.person;
    return (
      <ConfirmDialog
        title={title(name)}
        text={text}
        action={action}
        run={() => social.change(() => social.friends[shown.kind](userId))}
        onClose={back}
      />
    );
  }
  const block = (person: Profile): MenuItem => ({
    label: 'Block…',
    danger: true,
    run: () => setShown({ kind: 'block', person }),
  });
  return (
    <Dialog title="People" onClose={onClose}>
      {overview === undefined ? (
        <p class="quiet">{social.failed.value ? 'The hub does not answer.' : 'A moment…'}</p>
      ) : (
        <>
          {overview.friends.length === 0 && <p class="quiet">You have no friends here yet.</p>}
          <PeopleList
            title="Friends"
            people={overview.friends}
            menuOf={(person) => [
              { label: 'What they played', run: () => setShown({ kind: 'history', person }) },
              { label: 'Remove…', danger: true, run: () => setShown({ kind: 'remove', person }) },
              block(person),
            ]}
          />
          <PeopleList
            title="Asked by you"
            people={overview.outgoing}
            menuOf={({ userId }) => [
              {
                label: 'Take it back',
                run: () => social.change(() => social.friends.cancel(userId)),
              },
            ]}
          />
          <PeopleList
            title="Asking you"
            people={overview.incoming}
            menuOf={(person) => [
              {
                label: 'Accept',
                run: () => social.change(() => social.friends.accept(person.userId)),
              },
              {
                label: 'Decline',
                run: () => social.change(() => social.friends.decline(person.userId)),
              },
              block(person),
            ]}
          />
          <PeopleList
            title="Blocked"
            people={overview.blocked}
            menuOf={(person) => [
              { label: 'Unblock…', run: () => setShown({ kind: 'unblock', person }) },
            ]}
          />
        </>
      )}
    </Dialog>
  );
}
