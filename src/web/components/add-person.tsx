// Owns the screen of a person's link: who it is, and one press to ask them; asks for a name first where one is new.
import { useEffect, useState } from 'preact/hooks';
import type { PageSession } from '../page-session.ts';
import { Avatar } from './avatar.tsx';
import { Vernier, Wordmark } from './brand.tsx';
import { NameField } from './name-field.tsx';
import { useAsked } from './use-asked.ts';

interface AddPersonProps {
  readonly session: PageSession;
  readonly code: string;
}

function Introduce({ session, onDone }: { session: PageSession; onDone: () => void }) {
  const [name, setName] = useState('');
  const [why, setWhy] = useState<string>();
  const introduce = async (): Promise<void> => {
    try {
      await session.introduce(name.trim());
      onDone();
    } catch (error) {
      setWhy(session.social.refusalOf(error));
    }
  };
  return (
    <>
      <h1>Somebody would like to listen with you.</h1>
      <p class="lede">What are you called? Then you see who it is.</p>
      <form
        class="stage-form"
        onSubmit={(event) => {
          event.preventDefault();
          void introduce();
        }}
      >
        <NameField value={name} onChange={setName} autoFocus />
        <p class="quiet" role="status">
          {why}
        </p>
        <button type="submit" class="button primary" disabled={name.trim() === ''}>
          Go on
        </button>
      </form>
    </>
  );
}

function Person({ session, code }: AddPersonProps) {
  const { social } = session;
  const [person, again] = useAsked(() => social.friends.personOf(code), [code]);
  const [outcome, setOutcome] = useState<'sent' | 'friends'>();
  if (person.kind === 'loading') {
    return (
      <p class="lede" role="status">
        Looking whose link this is…
      </p>
    );
  }
  if (person.kind === 'refused') {
    return (
      <div role="status">
        <h1>This link leads to nobody.</h1>
        <p class="lede">It may be an old one. Ask for a new link. ({person.why})</p>
        <button type="button" class="button" onClick={again}>
          Try again
        </button>
      </div>
    );
  }
  const { userId, name } = person.value;
  const isMe = userId === session.guest.userId;
  const isFriend =
    outcome === 'friends' || social.overview.value?.friends.some((one) => one.userId === userId);
  const ask = (): void =>
    social.change(async () => {
      setOutcome(await social.friends.ask({ code }));
    });
  const text = isMe
    ? 'This is your own link. Give it to somebody else.'
    : isFriend === true
      ? 'You are friends: you see what the other listens to.'
      : outcome === 'sent'
        ? `${name} is asked. Once they say yes, you see what the other listens to.`
        : 'As friends you see what the other listens to, and join it with one press.';
  return (
    <>
      <span class="avatar-large">
        <Avatar {...person.value} />
      </span>
      <div role="status">
        <h1>{name}</h1>
        <p class="lede">{text}</p>
      </div>
      {!isMe && isFriend !== true && outcome === undefined && (
        <button type="button" class="button primary" onClick={ask}>
          Send request
        </button>
      )}
    </>
  );
}

export function AddPerson({ session, code }: AddPersonProps) {
  const [isKnown, setIsKnown] = useState(session.guest.name !== undefined);
  useEffect(() => {
    document.title = 'Make a friend · Earshot';
  }, []);
  return (
    <main class="stage">
      <Wordmark />
      <Vernier />
      {isKnown ? (
        <Person session={session} code={code} />
      ) : (
        <Introduce session={session} onDone={() => setIsKnown(true)} />
      )}
      <button type="button" class="button" onClick={() => session.leave()}>
        To the start
      </button>
    </main>
  );
}
