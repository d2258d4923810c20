// Owns looking in the catalogue while somebody types; must not know what is done with what is found.
import { useEffect, useState } from 'preact/hooks';
import type { TrackSummary } from '../page-sdk.ts';
import { countLabel } from '../wording.ts';
import { useSession } from './session-context.ts';

const PAGE_SIZE = 30;
const TYPING_SETTLES_MS = 180;
const LOOKS_AGAIN_MS = 2_000;
const LOOKS_FOR_MORE_MS = 4_000;
/** So often a list is looked at in vain before it is taken for all there is. */
const LOOKS_IN_VAIN = 5;

export interface Found {
  readonly query: string;
  readonly tracks: readonly TrackSummary[];
  readonly total: number;
  readonly failed: boolean;
}

/** @param open whether anything is looked for at all */
export function useCatalogue(query: string, open: boolean) {
  const { api } = useSession();
  const [found, setFound] = useState<Found>();
  useEffect(() => {
    if (!open) return undefined;
    let wanted = true;
    let timer: ReturnType<typeof setTimeout>;
    let shown = 0;
    let inVain = 0;
    const lookIn = (ms: number): void => {
      timer = setTimeout(() => {
        api.tracks(query, { limit: PAGE_SIZE }).then(
          ({ tracks, total }) => show({ query, tracks, total, failed: false }),
          () => show({ query, tracks: [], total: 0, failed: true }),
        );
      }, ms);
    };
    const show = (next: Found): void => {
      if (!wanted) return;
      // What is there stays while the hub is away.
      if (!next.failed || shown === 0) setFound(next);
      inVain = next.failed || next.total !== shown ? 0 : inVain + 1;
      if (!next.failed) shown = next.total;
      // A hub that has just started is still making or reading its music, and one that is away comes back.
      if (next.failed || (query === '' && next.total === 0)) lookIn(LOOKS_AGAIN_MS);
      else if (query === '' && next.total < PAGE_SIZE && inVain < LOOKS_IN_VAIN)
        lookIn(LOOKS_FOR_MORE_MS);
    };
    lookIn(TYPING_SETTLES_MS);
    return () => {
      wanted = false;
      clearTimeout(timer);
    };
  }, [api, query, open]);
  const more = async (): Promise<void> => {
    if (found === undefined) return;
    const page = await api.tracks(query, { offset: found.tracks.length, limit: PAGE_SIZE });
    setFound((now) =>
      now?.query === query ? { ...now, tracks: [...now.tracks, ...page.tracks] } : now,
    );
  };
  return { found, more };
}

/** What was found, in words. */
export function statusOf(found: Found | undefined): string {
  if (found === undefined) return 'Looking…';
  if (found.failed) return 'The catalogue does not answer.';
  if (found.total > 0) return countLabel(found.total, 'track');
  return found.query === ''
    ? 'No music here yet. Still looking…'
    : `Nothing here is called “${found.query}”.`;
}
