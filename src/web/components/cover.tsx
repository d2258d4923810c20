// Owns a track's picture: its cover, or a sleeve drawn from its id where it has none.
import { useState } from 'preact/hooks';
import type { TrackId } from '../../../protocol/ids.ts';
import { useSession } from './session-context.ts';

const BARS = 9;

/** Numbers in 0…1 that are always the same for the same id (FNV-1a). */
function numbersOf(id: string, count: number): number[] {
  let hash = 0x811c9dc5;
  const next = (byte: number): number => {
    hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
    return hash;
  };
  for (const char of id) next(char.codePointAt(0) ?? 0);
  return Array.from({ length: count }, (_, i) => (next(i + 1) >>> 8) / 0x1000000);
}

/** @param seed the same for the same track */
export function Sleeve({ seed }: { seed: string }) {
  const [tone = 0, ...heights] = numbersOf(seed, BARS + 1);
  const path = heights.map((height, i) => {
    const size = 14 + height * 58;
    return `M${14 + i * 9} ${50 - size / 2}v${size}`;
  });
  return (
    <svg
      class={`cover sleeve tone-${Math.floor(tone * 5)}`}
      viewBox="0 0 100 100"
      aria-hidden="true"
    >
      <rect width="100" height="100" />
      <path d={path.join('')} />
    </svg>
  );
}

export interface CoverProps {
  readonly trackId: TrackId;
  readonly hasCover: boolean;
}

/** Decoration: the title stands beside it. */
export function Cover({ trackId, hasCover }: CoverProps) {
  const { api } = useSession();
  const [broken, setBroken] = useState(false);
  if (!hasCover || broken) return <Sleeve seed={trackId} />;
  return (
    <img
      class="cover"
      src={api.coverUrl(trackId)}
      alt=""
      loading="lazy"
      decoding="async"
      onError={() => setBroken(true)}
    />
  );
}
