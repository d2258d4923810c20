// Owns the small signs that people send: the bar to send them, and the sky in which they rise.
import { useEffect, useState } from 'preact/hooks';
import { useRoom } from './room-context.ts';

export const EMOJI = [
  ['❤️', 'a heart'],
  ['⚡', 'lightning'],
  ['😂', 'laughter'],
  ['😮', 'amazement'],
  ['😭', 'tears'],
  ['✌️', 'peace'],
] as const;
const MAX_RISING = 24;
const RISES_FOR_MS = 3_200;
/** Of one emoji in one batch: a hundred hearts are a handful of hearts. */
const MAX_OF_ONE = 5;

interface Rising {
  readonly id: number;
  readonly emoji: string;
  readonly leftPercent: number;
  readonly delayMs: number;
}

let lastRising = 0;
function rise(emoji: string): Rising {
  lastRising += 1;
  return {
    id: lastRising,
    emoji,
    leftPercent: 8 + Math.random() * 78,
    delayMs: Math.random() * 400,
  };
}

export function ReactionSky() {
  const model = useRoom();
  const [rising, setRising] = useState<readonly Rising[]>([]);
  useEffect(
    () =>
      model.room.onReactions((counts) => {
        const fresh = Object.entries(counts).flatMap(([emoji, count]) =>
          Array.from({ length: Math.min(count, MAX_OF_ONE) }, () => rise(emoji)),
        );
        const ids = new Set(fresh.map((one) => one.id));
        setRising((now) => [...now, ...fresh].slice(-MAX_RISING));
        setTimeout(
          () => setRising((now) => now.filter((one) => !ids.has(one.id))),
          RISES_FOR_MS + 500,
        );
      }),
    [model],
  );
  return (
    <div class="sky" aria-hidden="true">
      {rising.map((one) => (
        <span
          key={one.id}
          class="rising"
          style={{ left: `${one.leftPercent}%`, animationDelay: `${one.delayMs}ms` }}
        >
          {one.emoji}
        </span>
      ))}
    </div>
  );
}

export function ReactionBar() {
  const model = useRoom();
  return (
    <div class="reaction-bar" role="group" aria-label="React">
      {EMOJI.map(([emoji, name]) => (
        <button
          key={emoji}
          type="button"
          class="reaction"
          aria-label={`React with ${name}`}
          onClick={() => model.run(() => model.room.react(emoji))}
        >
          {emoji}
        </button>
      ))}
    </div>
  );
}
