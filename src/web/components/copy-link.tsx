// Owns a link that is passed on: to be copied, scanned or shared.
import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { Icon } from './icons.tsx';
import { QrCode } from './qr-code.tsx';
import { useSession } from './session-context.ts';

export interface CopyLinkProps {
  /** Absent while it is being made. */
  readonly link: string | undefined;
  readonly label: string;
  /** What is said with it where it is shared. */
  readonly words: string;
  /** What the link does, above it. */
  readonly children: ComponentChildren;
  /** Another way, below it. */
  readonly note?: ComponentChildren;
}

function CopyButton({ text }: { text: string }) {
  const { notices } = useSession();
  const [copied, setCopied] = useState<string>();
  const copy = (): void => {
    navigator.clipboard.writeText(text).then(
      () => setCopied(text),
      () => notices.show('problem', 'The browser did not let the page copy. Copy it by hand.'),
    );
  };
  return (
    <button type="button" class="button primary" onClick={copy}>
      <Icon name={copied === text ? 'check' : 'copy'} />
      <span aria-live="polite">{copied === text ? 'Copied' : 'Copy link'}</span>
    </button>
  );
}

export function CopyLink({ link, label, words, children, note }: CopyLinkProps) {
  const share = (url: string): void => {
    navigator.share({ text: words, url }).catch(() => {
      // The sheet of the system was closed: a choice, not a failure.
    });
  };
  return (
    <div class="invite">
      {link === undefined ? <div class="qr" /> : <QrCode text={link} />}
      <div class="invite-words">
        {children}
        <label class="field">
          <span class="field-label">{label}</span>
          <input
            type="text"
            readOnly
            value={link ?? 'A moment…'}
            onFocus={(event) => event.currentTarget.select()}
          />
        </label>
        {note}
        {link !== undefined && (
          <div class="button-row">
            <CopyButton text={link} />
            {'share' in navigator && (
              <button type="button" class="button" onClick={() => share(link)}>
                <Icon name="share" />
                Share
              </button>
            )}
          </div>
        )}
      </div>
    </div>
  );
}
