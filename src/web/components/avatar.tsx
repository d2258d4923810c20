// Owns a person's mark: their picture, or the first letter of their name in their colour.
import { useState } from 'preact/hooks';
import { initialOf } from '../people-wording.ts';

export interface AvatarProps {
  readonly name: string;
  /** Absent where it is not known: plain then. */
  readonly colour?: string | undefined;
  readonly picture?: string | undefined;
}

/** Decoration: the name stands beside it. */
export function Avatar({ name, colour, picture }: AvatarProps) {
  const [broken, setBroken] = useState<string>();
  return (
    <span
      class={colour === undefined ? 'avatar' : `avatar coloured of-${colour}`}
      aria-hidden="true"
    >
      {picture !== undefined && picture !== broken ? (
        // Whose host the picture is on need not know who looks, or where.
        <img
          src={picture}
          alt=""
          loading="lazy"
          decoding="async"
          referrerpolicy="no-referrer"
          onError={() => setBroken(picture)}
        />
      ) : (
        initialOf(name)
      )}
    </span>
  );
}
