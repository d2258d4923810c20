// Owns the page about oneself: what one heard, in numbers and one by one, and one's account.
import { useEffect, useState } from 'preact/hooks';
import type { PageSession } from '../page-session.ts';
import { lengthLabel } from '../people-wording.ts';
import { Wordmark } from './brand.tsx';
import { pastTrackOf } from './history-dialog.tsx';
import { Menu } from './menu.tsx';
import { MyAccount } from './my-account.tsx';
import { MyData } from './my-data.tsx';
import { MyNumbers } from './my-numbers.tsx';
import { PastTracks } from './past-tracks.tsx';

const PARTS = [
  ['numbers', 'In numbers'],
  ['listens', 'Listens'],
  ['history', 'What friends saw'],
  ['account', 'Account'],
] as const;
type Part = (typeof PARTS)[number][0];

function Listens({ session }: { session: PageSession }) {
  const { social } = session;
  return (
    <PastTracks
      read={async (cursor) => {
        const { items, ...rest } = await social.listening.listens({ cursor });
        const tracks = items.map(({ id, at, track, heardMs }) => ({
          id,
          at,
          track,
          note: `heard ${lengthLabel(heardMs)}`,
        }));
        return { ...rest, items: tracks };
      }}
      empty="Nothing yet. A track counts once half of it, or four minutes, were heard."
    />
  );
}

function History({ session }: { session: PageSession }) {
  const { social, guest } = session;
  const { userId } = guest;
  if (userId === undefined) return <p class="quiet">Enter a room once, and come back.</p>;
  return (
    <PastTracks
      read={async (cursor) => {
        const { items, ...rest } = await social.listening.history(userId, { cursor });
        return { ...rest, items: items.map(pastTrackOf) };
      }}
      empty="Nothing yet."
      tools={({ id, track }, gone) => (
        <Menu
          label={`More for ${track.title}`}
          items={[
            {
              label: 'Forget this',
              danger: true,
              run: () =>
                social.run(async () => {
                  await social.call(() => social.listening.removeActivity(id));
                  gone();
                }),
            },
          ]}
        />
      )}
    />
  );
}

export function MeScreen({ session }: { session: PageSession }) {
  const [part, setPart] = useState<Part>('numbers');
  const isKnown = session.guest.name !== undefined;
  useEffect(() => {
    document.title = 'My listening · Earshot';
  }, []);
  return (
    <main class="me">
      <header class="me-head">
        <Wordmark />
        <button type="button" class="button compact" onClick={() => session.leave()}>
          To the start
        </button>
      </header>
      <h1>My listening</h1>
      {isKnown ? (
        <>
          <nav class="me-parts" aria-label="Parts of this page">
            {PARTS.map(([id, name]) => (
              <button
                key={id}
                type="button"
                class="button compact"
                aria-current={part === id ? 'page' : undefined}
                onClick={() => setPart(id)}
              >
                {name}
              </button>
            ))}
          </nav>
          <div class="card">
            <h2 class="sr-only">{PARTS.find(([id]) => id === part)?.[1]}</h2>
            {part === 'numbers' && <MyNumbers />}
            {part === 'listens' && <Listens session={session} />}
            {part === 'history' && <History session={session} />}
            {part === 'account' && (
              <>
                <MyAccount />
                <MyData />
              </>
            )}
          </div>
        </>
      ) : (
        <p class="lede">This browser does not know you yet. Start with a name on the first page.</p>
      )}
    </main>
  );
}
