// Owns which screen is on the page; must not know what is on it.
import type { PageSession } from '../page-session.ts';
import { AddPerson } from './add-person.tsx';
import { Door } from './door.tsx';
import { Ended } from './ended.tsx';
import { Landing } from './landing.tsx';
import { LinkDevice } from './link-device.tsx';
import { MeScreen } from './me-screen.tsx';
import { NameFirst } from './name-first.tsx';
import { Opening } from './opening.tsx';
import { RoomScreen } from './room-screen.tsx';
import { NoticeStack } from './notice-stack.tsx';
import { SessionContext } from './session-context.ts';

function Current({ session }: { session: PageSession }) {
  const screen = session.screen.value;
  switch (screen.kind) {
    case 'landing':
      return <Landing session={session} />;
    case 'me':
      return <MeScreen session={session} />;
    case 'add':
      return <AddPerson key={screen.code} session={session} code={screen.code} />;
    case 'link':
      return <LinkDevice key={screen.code} session={session} code={screen.code} />;
    case 'name':
      return <NameFirst session={session} target={screen.target} />;
    case 'opening':
      return <Opening session={session} client={screen.client} />;
    case 'door':
      return <Door session={session} target={screen.target} knock={screen.knock} />;
    case 'room':
      return <RoomScreen key={screen.model.room.id} session={session} model={screen.model} />;
    case 'ended':
      return <Ended session={session} reason={screen.reason} again={screen.again} />;
  }
}

export function App({ session }: { session: PageSession }) {
  return (
    <SessionContext.Provider value={session}>
      <Current session={session} />
      <NoticeStack notices={session.notices} />
    </SessionContext.Provider>
  );
}
