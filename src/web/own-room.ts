// Owns the room in which a person listens by themselves: private, open to friends, and the same one each time; must not know how it is shown.
import type { RoomId, TrackId } from '../../protocol/ids.ts';
import { nameWith } from '../../protocol/schemas/primitives.ts';
import { recall, remember } from './browser-store.ts';
import type { PageClient, PageRoom } from './page-sdk.ts';

/** Why a room that was kept cannot be entered any more. */
const GONE: readonly (string | undefined)[] = [
  'not_found',
  'room_closed',
  'invite_needed',
  'banned',
];

function keptRoom(): RoomId | undefined {
  const kept = recall('own-room');
  return typeof kept === 'string' ? (kept as RoomId) : undefined;
}

/** The room from last time where it still stands, else a new one. @throws the SDK's error */
export async function enterOwnRoom(
  client: PageClient,
  name: string,
  codeOf: (error: unknown) => string | undefined,
): Promise<PageRoom> {
  const kept = keptRoom();
  if (kept !== undefined) {
    try {
      const room = await client.joinRoom({ roomId: kept });
      if (room.view.value.room.ownerId === room.userId) return room;
      // Another person used this browser before.
      await room.leave();
    } catch (error) {
      if (!GONE.includes(codeOf(error))) throw error;
    }
  }
  const room = await client.createRoom({
    name: nameWith(name, ' listens'),
    preset: 'friends',
    visibility: 'private',
  });
  remember('own-room', room.id);
  return room;
}

/** Plays one track at once. @throws the SDK's error */
export async function playAtOnce(room: PageRoom, trackId: TrackId): Promise<void> {
  const [entryId] = await room.add([trackId], 'next');
  if (entryId !== undefined) await room.jump(entryId);
}
