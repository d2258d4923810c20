// Owns the sheet with what a friend played.
import type { PastActivity, Profile } from '../page-people.ts';
import { Dialog } from './dialog.tsx';
import { PastTracks, type PastTrack } from './past-tracks.tsx';
import { useSession } from './session-context.ts';

export function pastTrackOf({
  activityId,
  at,
  track,
  roomName,
  isPrivate,
}: PastActivity): PastTrack {
  const notes = [
    ...(roomName === undefined ? [] : [`in ${roomName}`]),
    ...(isPrivate ? ['private'] : []),
  ];
  return { id: activityId, at, track, ...(notes.length > 0 && { note: notes.join(' · ') }) };
}

export function HistoryDialog({ person, onClose }: { person: Profile; onClose: () => void }) {
  const { social } = useSession();
  return (
    <Dialog title={`What ${person.name} played`} onClose={onClose}>
      <PastTracks
        read={async (cursor) => {
          const { items, ...rest } = await social.listening.history(person.userId, { cursor });
          return { ...rest, items: items.map(pastTrackOf) };
        }}
        empty={`Nothing that ${person.name} shows you.`}
      />
    </Dialog>
  );
}
