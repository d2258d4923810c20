// Owns a small menu in the top layer, beside the button that opens it; closes by itself on a press elsewhere or Escape.
import { useId, useRef } from 'preact/hooks';
import { Icon, type IconName } from './icons.tsx';

export interface MenuItem {
  readonly label: string;
  readonly run: () => void;
  readonly danger?: boolean;
}

const WIDTH = 200;
const MARGIN = 8;

export interface MenuProps {
  readonly label: string;
  readonly items: readonly MenuItem[];
  readonly icon?: IconName;
}

export function Menu({ label, items, icon = 'more' }: MenuProps) {
  const id = useId();
  const button = useRef<HTMLButtonElement>(null);
  const list = useRef<HTMLDivElement>(null);
  const place = (): void => {
    const at = button.current?.getBoundingClientRect();
    const menu = list.current;
    if (at === undefined || menu === null) return;
    const height = menu.offsetHeight;
    const below = at.bottom + height + MARGIN < innerHeight;
    menu.style.left = `${Math.max(MARGIN, Math.min(at.right - WIDTH, innerWidth - WIDTH - MARGIN))}px`;
    menu.style.top = `${below ? at.bottom + 4 : Math.max(MARGIN, at.top - height - 4)}px`;
  };
  const onToggle = (): void => {
    const open = list.current?.matches(':popover-open') === true;
    button.current?.setAttribute('aria-expanded', String(open));
    if (!open) return;
    place();
    list.current?.querySelector('button')?.focus();
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key !== 'ArrowDown' && event.key !== 'ArrowUp') return;
    event.preventDefault();
    event.stopPropagation();
    const buttons = [...(list.current?.querySelectorAll('button') ?? [])];
    const at = buttons.findIndex((one) => one === document.activeElement);
    const next = at + (event.key === 'ArrowDown' ? 1 : -1);
    buttons.at(next % buttons.length)?.focus();
  };
  return (
    <>
      <button
        ref={button}
        type="button"
        class="icon-button small"
        aria-label={label}
        aria-haspopup="true"
        aria-expanded="false"
        popovertarget={id}
      >
        <Icon name={icon} />
      </button>
      <div ref={list} id={id} popover="auto" class="menu" onToggle={onToggle} onKeyDown={onKeyDown}>
        {items.map((item) => (
          <button
            key={item.label}
            type="button"
            class={item.danger === true ? 'danger' : undefined}
            onClick={() => {
              list.current?.hidePopover();
              item.run();
            }}
          >
            {item.label}
          </button>
        ))}
      </div>
    </>
  );
}
