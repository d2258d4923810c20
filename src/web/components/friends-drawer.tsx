// Owns the button that opens the friends beside whatever is on the page, and the sheet that they are in.
import { useState } from 'preact/hooks';
import { countLabel } from '../wording.ts';
import { Dialog } from './dialog.tsx';
import { FriendsPanel } from './friends-panel.tsx';
import { Icon } from './icons.tsx';
import { useSession } from './session-context.ts';

export function FriendsButton({ hereId }: { hereId?: string }) {
  const { social } = useSession();
  const [open, setOpen] = useState(false);
  if (!social.isOffered) return null;
  const live = social.liveCount.value;
  const asking = social.overview.value?.incomingCount ?? 0;
  const facts = [
    ...(live > 0 ? [`${live} listening`] : []),
    ...(asking > 0 ? [countLabel(asking, 'request')] : []),
  ];
  return (
    <>
      <button
        type="button"
        class="icon-button friends-button"
        aria-label={['Friends', ...facts].join(', ')}
        onClick={() => setOpen(true)}
      >
        <Icon name="friends" />
        {live > 0 && <span class="badge">{live}</span>}
        {asking > 0 && <span class="dot" />}
      </button>
      {open && (
        <Dialog title="Friends" place="side" onClose={() => setOpen(false)}>
          <FriendsPanel hereId={hereId} untitled />
        </Dialog>
      )}
    </>
  );
}
