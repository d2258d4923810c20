// Owns the line above a room: which one it is, how well in step it is, and the ways to invite, set and leave.
import { readableCode } from '../address.ts';
import { countLabel, errorLabel } from '../wording.ts';
import { Wordmark } from './brand.tsx';
import { FriendsButton } from './friends-drawer.tsx';
import { Icon } from './icons.tsx';
import { useRoom } from './room-context.ts';

export interface RoomHeaderProps {
  readonly onInvite: () => void;
  readonly onSettings: () => void;
  readonly onLeave: () => void;
}

export function RoomHeader({ onInvite, onSettings, onLeave }: RoomHeaderProps) {
  const model = useRoom();
  const { room, presence, sync } = model.view.value;
  // Whoever listens by themselves is in a room that friends may enter: it is one as soon as one does.
  const isAlone = room.visibility === 'private' && presence.count <= 1;
  return (
    <header class="room-head">
      <Wordmark />
      <div class="room-title">
        <h1>{room.name}</h1>
        <p class="room-facts">
          <span class="code">{readableCode(room.code)}</span>
          <span>{isAlone ? 'Just you' : countLabel(presence.count, 'listener')}</span>
          {sync !== undefined && presence.count > 1 && (
            <span
              title={`Half of the room is within ${errorLabel(sync.p50Ms)}, nineteen of twenty within ${errorLabel(sync.p95Ms)}`}
            >
              within {errorLabel(sync.p95Ms)}
            </span>
          )}
        </p>
      </div>
      <div class="room-actions">
        <FriendsButton hereId={room.id} />
        <button type="button" class="button compact accent" aria-label="Invite" onClick={onInvite}>
          <Icon name="invite" />
          <span class="wide-only">Invite</span>
        </button>
        <button type="button" class="icon-button" aria-label="Settings" onClick={onSettings}>
          <Icon name="settings" />
        </button>
        <button type="button" class="icon-button" aria-label="Leave the room" onClick={onLeave}>
          <Icon name="leave" />
        </button>
      </div>
    </header>
  );
}
