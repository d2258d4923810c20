// Owns a sheet above the page: the browser's own dialog keeps the focus in it and gives it back.
import { useEffect, useId, useRef } from 'preact/hooks';
import type { ComponentChildren } from 'preact';
import { Icon } from './icons.tsx';

export interface DialogProps {
  readonly title: string;
  readonly onClose: () => void;
  /** `side`: along the edge of the page, over all of a phone. */
  readonly place?: 'middle' | 'side';
  readonly children: ComponentChildren;
}

export function Dialog({ title, onClose, place = 'middle', children }: DialogProps) {
  const element = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    const before = document.activeElement;
    element.current?.showModal();
    return () => {
      if (before instanceof HTMLElement) before.focus();
    };
  }, []);
  return (
    <dialog
      ref={element}
      class={place === 'side' ? 'dialog side' : 'dialog'}
      aria-labelledby={id}
      onClose={onClose}
      // A press on the backdrop is one on the dialog itself: everything else lies in its body.
      onClick={(event) => {
        if (event.target === event.currentTarget) event.currentTarget.close();
      }}
    >
      <div class="dialog-body">
        {/* No header: that would be a banner of the page where no part of it is around the sheet. */}
        <div class="dialog-head">
          <h2 id={id}>{title}</h2>
          <button
            type="button"
            class="icon-button"
            aria-label="Close"
            onClick={() => element.current?.close()}
          >
            <Icon name="close" />
          </button>
        </div>
        {children}
      </div>
    </dialog>
  );
}
