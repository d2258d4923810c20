// Owns the dial under the cover: where the needle stands, and moving it by hand or key.
import { useEffect, useRef, useState } from 'preact/hooks';
import { clockLabel, spokenTime } from '../wording.ts';
import { useRoom } from './room-context.ts';

const STEP_MS = 5_000;
const PAGE_MS = 30_000;
/** Keys held down are one seek, not thirty. */
const KEY_SETTLES_MS = 350;
/** A seek to the very end would be a skip. */
const END_MARGIN_MS = 1_000;

const KEY_STEPS: Readonly<Record<string, number>> = {
  ArrowLeft: -STEP_MS,
  ArrowDown: -STEP_MS,
  ArrowRight: STEP_MS,
  ArrowUp: STEP_MS,
  PageDown: -PAGE_MS,
  PageUp: PAGE_MS,
};

const TICKS = Array.from({ length: 51 }, (_, i) => {
  const height = i % 5 === 0 ? 20 : 9;
  return `M${i * 10} ${10 - height / 2}v${height}`;
}).join('');

function Ticks({ class: name }: { class: string }) {
  return (
    <svg class={name} viewBox="0 0 500 20" preserveAspectRatio="none">
      <path d={TICKS} />
    </svg>
  );
}

export function ProgressDial() {
  const model = useRoom();
  const track = model.track.value;
  const detached = model.detached.value;
  const shown = model.shown.value;
  const movable = detached || (track !== undefined && model.rights.value.control);
  const durationMs = (detached ? shown?.entry.durationMs : track?.durationMs) ?? 0;
  const dial = useRef<HTMLDivElement>(null);
  const elapsed = useRef<HTMLSpanElement>(null);
  const left = useRef<HTMLSpanElement>(null);
  const [wantedMs, setWantedMs] = useState<number>();
  const wanted = useRef<number | undefined>(undefined);
  wanted.current = wantedMs;

  useEffect(() => {
    let frame = 0;
    let lastSecond = -1;
    const draw = (): void => {
      const positionMs = Math.min(wanted.current ?? model.positionMs(), durationMs);
      const element = dial.current;
      element?.style.setProperty('--at', String(durationMs > 0 ? positionMs / durationMs : 0));
      const second = Math.floor(positionMs / 1000);
      if (second !== lastSecond && element !== null) {
        lastSecond = second;
        element.setAttribute('aria-valuenow', String(second));
        element.setAttribute(
          'aria-valuetext',
          `${spokenTime(positionMs)} of ${spokenTime(durationMs)}`,
        );
        if (elapsed.current) elapsed.current.textContent = clockLabel(positionMs);
        if (left.current) left.current.textContent = `−${clockLabel(durationMs - positionMs)}`;
      }
      // The browser calls no frames while the page is hidden: nothing is drawn for nobody.
      frame = requestAnimationFrame(draw);
    };
    draw();
    return () => cancelAnimationFrame(frame);
  }, [model, durationMs]);

  const settle = useRef<ReturnType<typeof setTimeout>>(undefined);
  const grip = useRef<number>(undefined);
  // A seek is meant for the track in which it was begun: the next one takes none of it (RQ4).
  const place = `${detached ? 'own' : 'room'} ${shown?.id ?? ''}`;
  useEffect(
    () => () => {
      clearTimeout(settle.current);
      grip.current = undefined;
      setWantedMs(undefined);
    },
    [place],
  );

  const commit = (positionMs: number): void => {
    setWantedMs(undefined);
    model.seek(positionMs);
  };
  const clamp = (ms: number): number =>
    Math.max(0, Math.min(ms, Math.max(0, durationMs - END_MARGIN_MS)));
  const onKeyDown = (event: KeyboardEvent): void => {
    if (!movable || event.altKey || event.ctrlKey || event.metaKey) return;
    const step = KEY_STEPS[event.key];
    const from = wanted.current ?? model.positionMs();
    const to = event.key === 'Home' ? 0 : event.key === 'End' ? durationMs : from + (step ?? 0);
    if (step === undefined && event.key !== 'Home' && event.key !== 'End') return;
    event.preventDefault();
    const next = clamp(to);
    wanted.current = next;
    setWantedMs(next);
    clearTimeout(settle.current);
    settle.current = setTimeout(() => commit(next), KEY_SETTLES_MS);
  };
  const positionOf = (event: PointerEvent): number => {
    const box = dial.current?.getBoundingClientRect();
    return box === undefined ? 0 : clamp(((event.clientX - box.left) / box.width) * durationMs);
  };

  return (
    <div class="progress">
      <div
        ref={dial}
        class={wantedMs === undefined ? 'dial' : 'dial moving'}
        role="slider"
        tabIndex={0}
        aria-label="Position in the track"
        aria-valuemin={0}
        aria-valuemax={Math.round(durationMs / 1000)}
        aria-valuenow={0}
        aria-disabled={!movable}
        onKeyDown={onKeyDown}
        onPointerDown={(event) => {
          if (!movable || event.button !== 0) return;
          event.currentTarget.setPointerCapture(event.pointerId);
          grip.current = event.pointerId;
          setWantedMs(positionOf(event));
        }}
        onPointerMove={(event) => {
          if (grip.current === event.pointerId) setWantedMs(positionOf(event));
        }}
        onPointerUp={(event) => {
          if (grip.current !== event.pointerId) return;
          grip.current = undefined;
          commit(positionOf(event));
        }}
        onPointerCancel={() => {
          grip.current = undefined;
          setWantedMs(undefined);
        }}
      >
        <Ticks class="dial-ticks" />
        <Ticks class="dial-played" />
        <span class="dial-needle" />
      </div>
      <div class="times">
        <span ref={elapsed}>0:00</span>
        <span ref={left}>−0:00</span>
      </div>
    </div>
  );
}
