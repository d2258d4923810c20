// Owns the ways to bring somebody in: link, code, QR, the system's own sharing.
import { useEffect, useState } from 'preact/hooks';
import { pathOf, readableCode } from '../address.ts';
import { Dialog } from './dialog.tsx';
import { Icon } from './icons.tsx';
import { QrCode } from './qr-code.tsx';
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

function CopyButton({ text }: { text: string }) {
  const { notices } = useRoom();
  const [copied, setCopied] = useState(false);
  const copy = (): void => {
    navigator.clipboard.writeText(text).then(
      () => setCopied(true),
      () => notices.show('problem', 'The browser did not let the page copy. Copy it by hand.'),
    );
  };
  return (
    <button type="button" class="button primary" onClick={copy}>
      <Icon name={copied ? 'check' : 'copy'} />
      <span aria-live="polite">{copied ? 'Copied' : 'Copy link'}</span>
    </button>
  );
}

export function InviteDialog({ onClose }: { onClose: () => void }) {
  const model = useRoom();
  const { code, name, visibility } = model.details.value;
  const isPrivate = visibility === 'private';
  const mayInvite = model.rights.value.invite;
  const invite = useInvite(isPrivate && mayInvite);
  const link = location.origin + pathOf(invite === undefined ? { code } : { code, invite });
  const ready = !isPrivate || !mayInvite || invite !== undefined;
  const share = (): void => {
    navigator.share({ title: name, text: `Listen with me in ${name}`, url: link }).catch(() => {
      // The sheet of the system was closed: a choice, not a failure.
    });
  };
  return (
    <Dialog title="Invite" onClose={onClose}>
      <div class="invite">
        {ready && <QrCode text={link} />}
        <div class="invite-words">
          <p>
            {isPrivate
              ? mayInvite
                ? 'Whoever has this link comes in without knocking.'
                : 'This room is private: with this link one can knock.'
              : 'Whoever has this link comes in.'}
          </p>
          <label class="field">
            <span class="field-label">Link</span>
            <input
              type="text"
              readOnly
              value={ready ? link : 'Making an invite…'}
              onFocus={(event) => event.currentTarget.select()}
            />
          </label>
          <p class="quiet">
            Or the code <span class="code">{readableCode(code)}</span>
          </p>
          <div class="button-row">
            {ready && <CopyButton text={link} />}
            {'share' in navigator && ready && (
              <button type="button" class="button" onClick={share}>
                <Icon name="share" />
                Share
              </button>
            )}
          </div>
        </div>
      </div>
    </Dialog>
  );
}
