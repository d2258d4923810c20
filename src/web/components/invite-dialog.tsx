// Owns the ways to bring somebody in: link, code, QR, the system's own sharing.
import { useEffect, useState } from 'preact/hooks';
import { pathOf, readableCode } from '../address.ts';
import { CopyLink } from './copy-link.tsx';
import { Dialog } from './dialog.tsx';
import { useRoom } from './room-context.ts';

/** The invite that a private room's link needs; made when the sheet opens. */
function useInvite(needed: boolean): string | undefined {
  const model = useRoom();
  const [invite, setInvite] = useState<string>();
  useEffect(() => {
    if (!needed) return;
    model.run(async () => setInvite(await model.room.invite({})));
  }, [model, needed]);
  return invite;
}

export function InviteDialog({ onClose }: { onClose: () => void }) {
  const model = useRoom();
  const { code, name, visibility } = model.details.value;
  const isPrivate = visibility === 'private';
  const mayInvite = model.rights.value.invite;
  const invite = useInvite(isPrivate && mayInvite);
  const link = location.origin + pathOf(invite === undefined ? { code } : { code, invite });
  const ready = !isPrivate || !mayInvite || invite !== undefined;
  return (
    <Dialog title="Invite" onClose={onClose}>
      <CopyLink
        link={ready ? link : undefined}
        label="Link"
        words={`Listen with me in ${name}`}
        note={
          <p class="quiet">
            Or the code <span class="code">{readableCode(code)}</span>
          </p>
        }
      >
        <p>
          {isPrivate
            ? mayInvite
              ? 'Whoever has this link comes in without knocking.'
              : 'This room is private: with this link one can knock.'
            : 'Whoever has this link comes in.'}
        </p>
      </CopyLink>
    </Dialog>
  );
}
