// Owns what is drawn anew as time goes by: ages, needles, what is left of a private session.
import { useEffect, useState } from 'preact/hooks';
import { useSession } from './session-context.ts';

/** Hub time, ms; undefined while it is not known. */
export function useHubNow(everyMs: number): number | undefined {
  const { social } = useSession();
  const [now, setNow] = useState(() => social.hubNow());
  useEffect(() => {
    const look = (): void => setNow(social.hubNow());
    look();
    const ticking = setInterval(look, everyMs);
    return () => clearInterval(ticking);
  }, [social, everyMs]);
  return now;
}
