// Owns what a part of the page asks the hub for once and shows: loading, there, or refused.
import { useCallback, useEffect, useState } from 'preact/hooks';
import { useSession } from './session-context.ts';

export type Asked<T> =
  | { readonly kind: 'loading' }
  | { readonly kind: 'there'; readonly value: T }
  | { readonly kind: 'refused'; readonly why: string };

/**
 * Asks when it is first shown, and again when one of `about` changes; an older answer that comes late is dropped.
 * @returns what came, and how to ask again
 */
export function useAsked<T>(
  ask: () => Promise<T>,
  about: readonly unknown[],
): readonly [asked: Asked<T>, again: () => void] {
  const { social } = useSession();
  const [asked, setAsked] = useState<Asked<T>>({ kind: 'loading' });
  const [times, setTimes] = useState(0);
  useEffect(() => {
    let wanted = true;
    setAsked((now) => (now.kind === 'there' ? now : { kind: 'loading' }));
    social.call(ask).then(
      (value) => {
        if (wanted) setAsked({ kind: 'there', value });
      },
      (error: unknown) => {
        if (wanted) setAsked({ kind: 'refused', why: social.refusalOf(error) });
      },
    );
    return () => {
      wanted = false;
    };
  }, [social, times, ...about]);
  const again = useCallback(() => setTimes((count) => count + 1), []);
  return [asked, again];
}
