// Owns how the parts of an open room are laid out: columns on a desk, tabs on a phone.
import { useEffect, useState } from 'preact/hooks';
import type { PageSession } from '../page-session.ts';
import type { RoomModel } from '../room-model.ts';
import { Banners } from './banners.tsx';
import { ChatPanel } from './chat-panel.tsx';
import { Icon, type IconName } from './icons.tsx';
import { InviteDialog } from './invite-dialog.tsx';
import { MiniPlayer } from './mini-player.tsx';
import { NowPlaying } from './now-playing.tsx';
import { PeoplePanel } from './people-panel.tsx';
import { QueuePanel } from './queue-panel.tsx';
import { RoomContext } from './room-context.ts';
import { RoomHeader } from './room-header.tsx';
import { SettingsDialog } from './settings-dialog.tsx';
import { useMediaSession } from './use-media-session.ts';
import { keepScreenOn } from '../wake-lock.ts';

const TABS = [
  { id: 'now', name: 'Now', icon: 'now' },
  { id: 'queue', name: 'Queue', icon: 'queue' },
  { id: 'chat', name: 'Chat', icon: 'chat' },
  { id: 'people', name: 'People', icon: 'people' },
] as const satisfies readonly { id: string; name: string; icon: IconName }[];
export type Tab = (typeof TABS)[number]['id'];

function useTitle(model: RoomModel): void {
  const entry = model.shown.value?.entry;
  const roomName = model.details.value.name;
  const title = entry === undefined ? roomName : `${entry.title} · ${entry.artist}`;
  useEffect(() => {
    document.title = `${title} · Earshot`;
  }, [title]);
}

function useScreenOn(model: RoomModel): void {
  const wanted =
    model.keepsScreenOn.value && model.running.value && model.playerState.value.mode !== 'locked';
  useEffect(() => (wanted ? keepScreenOn() : undefined), [wanted]);
}

function TabBar({ model, tab, onTab }: { model: RoomModel; tab: Tab; onTab: (tab: Tab) => void }) {
  const { lastSeq } = model.view.value.chat;
  const [readSeq, setReadSeq] = useState(lastSeq);
  useEffect(() => {
    if (tab === 'chat') setReadSeq(lastSeq);
  }, [tab, lastSeq]);
  return (
    <nav class="tab-bar" aria-label="Parts of the room">
      {TABS.map(({ id, name, icon }) => (
        <button
          key={id}
          type="button"
          aria-current={tab === id ? 'page' : undefined}
          onClick={() => onTab(id)}
        >
          <Icon name={icon} />
          {name}
          {id === 'chat' && tab !== 'chat' && lastSeq > readSeq && (
            <span class="dot">
              <span class="sr-only">new messages</span>
            </span>
          )}
        </button>
      ))}
    </nav>
  );
}

export function RoomScreen({ session, model }: { session: PageSession; model: RoomModel }) {
  const [tab, setTab] = useState<Tab>('now');
  const [dialog, setDialog] = useState<'invite' | 'settings'>();
  useTitle(model);
  useMediaSession(model);
  useScreenOn(model);
  const close = (): void => setDialog(undefined);
  return (
    <RoomContext.Provider value={model}>
      <div class="room" data-tab={tab}>
        <RoomHeader
          onInvite={() => setDialog('invite')}
          onSettings={() => setDialog('settings')}
          onLeave={() => session.leave()}
        />
        <Banners />
        <main class="room-grid">
          <NowPlaying />
          <QueuePanel />
          <div class="side">
            <PeoplePanel />
            <ChatPanel />
          </div>
        </main>
        {tab !== 'now' && <MiniPlayer onOpen={() => setTab('now')} />}
        <TabBar model={model} tab={tab} onTab={setTab} />
        {dialog === 'invite' && <InviteDialog onClose={close} />}
        {dialog === 'settings' && <SettingsDialog onClose={close} />}
      </div>
    </RoomContext.Provider>
  );
}
