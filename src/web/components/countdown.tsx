// Owns a number of seconds that runs down to a local moment.
import { useEffect, useState } from 'preact/hooks';

/** @param atMs on the scale of `performance.now()` */
export function Countdown({ atMs }: { atMs: number }) {
  const [nowMs, setNowMs] = useState(() => performance.now());
  useEffect(() => {
    const ticking = setInterval(() => setNowMs(performance.now()), 250);
    return () => clearInterval(ticking);
  }, []);
  const seconds = Math.max(0, Math.ceil((atMs - nowMs) / 1000));
  return <>{seconds <= 0 ? 'now' : `in ${seconds} s`}</>;
}
