// Owns moving one row of a list by pointer, mouse or finger: lifts it, makes place, tells where it was let go; must not know what a row is.
import { useRef, useState } from 'preact/hooks';
import type { RefObject } from 'preact';

export interface DragSort {
  /** The row under the pointer now, and where it would land. */
  readonly lifted: { readonly from: number; readonly to: number } | undefined;
  readonly onPointerDown: (event: PointerEvent, index: number) => void;
}

interface Grip {
  readonly pointerId: number;
  readonly from: number;
  readonly startY: number;
  readonly startScroll: number;
  readonly rows: readonly HTMLElement[];
  /** Of each row at the start, from the top of the list. */
  readonly tops: readonly number[];
  readonly height: number;
  y: number;
  to: number;
}

const EDGE_PX = 48;
const EDGE_SPEED_PX = 9;

/**
 * @param list its element children are the rows, in order
 * @param scroller scrolls while a row is held near its edge
 * @param onDrop the new index, counted with the row taken out; not called when it is the old one
 */
export function useDragSort(
  list: RefObject<HTMLElement | null>,
  scroller: RefObject<HTMLElement | null>,
  onDrop: (from: number, to: number) => void,
): DragSort {
  const [lifted, setLifted] = useState<DragSort['lifted']>();
  const grip = useRef<Grip>(undefined);

  const place = (held: Grip): void => {
    const scrolled = (scroller.current?.scrollTop ?? 0) - held.startScroll;
    const shift = held.y - held.startY + scrolled;
    const middle = (held.tops[held.from] ?? 0) + shift + held.height / 2;
    let to = 0;
    held.tops.forEach((top, i) => {
      if (i !== held.from && top + (i > held.from ? 0 : held.height / 2) + held.height / 4 < middle)
        to += 1;
    });
    if (to !== held.to) {
      held.to = to;
      setLifted({ from: held.from, to });
    }
    held.rows.forEach((row, i) => {
      const makesPlace =
        i > held.from && i <= to ? -held.height : i < held.from && i >= to ? held.height : 0;
      row.style.transform = `translateY(${i === held.from ? shift : makesPlace}px)`;
    });
  };

  const scrollAtEdge = (): void => {
    const held = grip.current;
    const box = scroller.current?.getBoundingClientRect();
    if (held === undefined || box === undefined || scroller.current === null) return;
    const above = box.top + EDGE_PX - held.y;
    const below = held.y - (box.bottom - EDGE_PX);
    if (above > 0) scroller.current.scrollTop -= Math.min(1, above / EDGE_PX) * EDGE_SPEED_PX;
    if (below > 0) scroller.current.scrollTop += Math.min(1, below / EDGE_PX) * EDGE_SPEED_PX;
    if (above > 0 || below > 0) place(held);
    requestAnimationFrame(scrollAtEdge);
  };

  const onPointerDown = (event: PointerEvent, index: number): void => {
    if (event.button !== 0 || list.current === null || grip.current !== undefined) return;
    const handle = event.currentTarget as HTMLElement;
    const rows = [...list.current.children] as HTMLElement[];
    const row = rows[index];
    if (row === undefined) return;
    event.preventDefault();
    handle.setPointerCapture(event.pointerId);
    handle.focus();
    const held: Grip = {
      pointerId: event.pointerId,
      from: index,
      to: index,
      startY: event.clientY,
      y: event.clientY,
      startScroll: scroller.current?.scrollTop ?? 0,
      rows,
      tops: rows.map((one) => one.offsetTop),
      height: row.offsetHeight,
    };
    grip.current = held;
    setLifted({ from: index, to: index });

    const onMove = (moved: PointerEvent): void => {
      if (moved.pointerId !== held.pointerId) return;
      held.y = moved.clientY;
      place(held);
    };
    const finish = (drop: boolean): void => {
      handle.removeEventListener('pointermove', onMove);
      handle.removeEventListener('pointerup', onUp);
      handle.removeEventListener('pointercancel', onCancel);
      handle.removeEventListener('lostpointercapture', onCancel);
      document.removeEventListener('keydown', onKey, true);
      grip.current = undefined;
      for (const one of held.rows) one.style.transform = '';
      setLifted(undefined);
      if (drop && held.to !== held.from) onDrop(held.from, held.to);
    };
    const onUp = (): void => finish(true);
    const onCancel = (): void => finish(false);
    const onKey = (pressed: KeyboardEvent): void => {
      if (pressed.key !== 'Escape') return;
      pressed.preventDefault();
      finish(false);
    };
    handle.addEventListener('pointermove', onMove);
    handle.addEventListener('pointerup', onUp);
    handle.addEventListener('pointercancel', onCancel);
    handle.addEventListener('lostpointercapture', onCancel);
    document.addEventListener('keydown', onKey, true);
    requestAnimationFrame(scrollAtEdge);
  };

  return { lifted, onPointerDown };
}
