// Owns the first page: a name, a new room, a code, the public rooms.
import { useEffect, useState } from 'preact/hooks';
import type { Preset } from '../../../protocol/schemas/room.ts';
import { parseTyped } from '../address.ts';
import { MAX_NAME_LENGTH } from '../limits.ts';
import type { PageSession } from '../page-session.ts';
import type { RoomSummary, RoomTarget } from '../page-sdk.ts';
import { countLabel } from '../wording.ts';
import { Vernier, Wordmark } from './brand.tsx';
import { FriendsButton } from './friends-drawer.tsx';
import { FriendsPanel } from './friends-panel.tsx';
import { ListenAlone } from './listen-alone.tsx';
import { NameField } from './name-field.tsx';
import { PresetChoice } from './preset-choice.tsx';

function possessive(name: string): string {
  return name === '' ? 'Our room' : `${name}’s room`;
}

function StartForm({ session, name }: { session: PageSession; name: string }) {
  const [roomName, setRoomName] = useState('');
  const [preset, setPreset] = useState<Preset>('friends');
  return (
    <form
      class="card start"
      onSubmit={(event) => {
        event.preventDefault();
        void session.createRoom(name, roomName.trim() || possessive(name), preset);
      }}
    >
      <h2>Start a room</h2>
      <label class="field">
        <span class="field-label">Name of the room</span>
        <input
          type="text"
          maxLength={MAX_NAME_LENGTH}
          value={roomName}
          placeholder={possessive(name)}
          onInput={(event) => setRoomName(event.currentTarget.value)}
        />
      </label>
      <PresetChoice value={preset} onChange={setPreset} />
      <button type="submit" class="button primary" disabled={name === ''}>
        Start the room
      </button>
    </form>
  );
}

function CodeForm({ enter, ready }: { enter: (target: RoomTarget) => void; ready: boolean }) {
  const [typed, setTyped] = useState('');
  const target = parseTyped(typed);
  return (
    <form
      class="card"
      onSubmit={(event) => {
        event.preventDefault();
        if (target !== undefined) enter(target);
      }}
    >
      <h2>Enter with a code</h2>
      <div class="field-row">
        <label class="field">
          <span class="field-label">Code or link</span>
          <input
            type="text"
            class="code-input"
            autocomplete="off"
            autocapitalize="characters"
            spellcheck={false}
            placeholder="ABCD 2345"
            value={typed}
            onInput={(event) => setTyped(event.currentTarget.value)}
          />
        </label>
        <button type="submit" class="button" disabled={target === undefined || !ready}>
          Enter
        </button>
      </div>
    </form>
  );
}

interface PublicRoomsProps {
  readonly rooms: readonly RoomSummary[] | undefined;
  readonly failed: boolean;
  readonly enter: (target: RoomTarget) => void;
  readonly ready: boolean;
}

function PublicRooms({ rooms, failed, enter, ready }: PublicRoomsProps) {
  return (
    <section class="card" aria-labelledby="public-rooms">
      <h2 id="public-rooms">Open to everybody</h2>
      {failed && <p class="quiet">The hub did not answer. Its rooms cannot be shown.</p>}
      {rooms?.length === 0 && <p class="quiet">No public rooms at the moment. Start one.</p>}
      <ul class="room-list">
        {rooms?.map((room) => (
          <li key={room.id}>
            <button
              type="button"
              class="room-link"
              disabled={!ready}
              onClick={() => enter({ code: room.code })}
            >
              <span class="room-link-name">{room.name}</span>
              <span class="room-link-count">{countLabel(room.hereCount, 'listener')}</span>
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}

export function Landing({ session }: { session: PageSession }) {
  const [name, setName] = useState(session.guest.name ?? '');
  const [rooms, setRooms] = useState<readonly RoomSummary[]>();
  const [failed, setFailed] = useState(false);
  useEffect(() => {
    document.title = 'Earshot';
    session.api.publicRooms().then(setRooms, () => setFailed(true));
  }, [session]);
  const trimmed = name.trim();
  const isKnown = session.guest.name !== undefined && session.social.isOffered;
  const enter = (target: RoomTarget): void => void session.enter(trimmed, target);
  return (
    <main class="landing">
      <header class="landing-head">
        <div class="landing-bar">
          <Wordmark />
          {isKnown && (
            <nav class="landing-nav" aria-label="Yours">
              <FriendsButton />
              <button type="button" class="button compact" onClick={() => session.visit('/me')}>
                My listening
              </button>
            </nav>
          )}
        </div>
        <h1>Hear the same moment.</h1>
        <p class="lede">
          One room, one queue, one needle. Whoever has the link hears the very same second of the
          song, wherever they are.
        </p>
        <Vernier />
        {isKnown && (
          <div class="card landing-friends">
            <FriendsPanel />
          </div>
        )}
      </header>
      <div class="landing-forms">
        <div class="card name-card">
          <NameField value={name} onChange={setName} />
          <p class="quiet">No password. This browser remembers who you are.</p>
        </div>
        <ListenAlone name={trimmed} />
        <StartForm session={session} name={trimmed} />
        <CodeForm enter={enter} ready={trimmed !== ''} />
        <PublicRooms rooms={rooms} failed={failed} enter={enter} ready={trimmed !== ''} />
      </div>
      <footer class="landing-foot">
        <a href="/docs">For developers</a>
      </footer>
    </main>
  );
}
