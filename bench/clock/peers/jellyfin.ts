// Owns the clock of Jellyfin's SyncPlay, written anew from its published constants: the least delay of the last eight.

import type { MakePeer } from './peer-clock.ts';

/** github.com/jellyfin/jellyfin-web, `src/plugins/syncPlay/core/timeSync/TimeSync.ts`. Its stamps are whole ms; here they are not. */
const kept = 8;
const greedyEveryMs = 1_000;
const steadyEveryMs = 60_000;
const greedyPings = 3;

export const jellyfin: MakePeer = (host) => {
  let measured: { readonly delayMs: number; readonly offsetMs: number }[] = [];
  let pings = 0;
  let everyMs = greedyEveryMs;
  let offsetMs: number | null = null;
  const later = (): void => {
    host.setTimeout(() => host.send(host.now()), everyMs);
  };
  later();
  return {
    onReply({ t0, t1, t2 }, t3) {
      const each = { delayMs: t3 - t0 - (t2 - t1), offsetMs: (t1 - t0 + t2 - t3) / 2 };
      measured = [...measured.slice(1 - kept), each];
      offsetMs = measured.reduce((best, one) => (one.delayMs < best.delayMs ? one : best)).offsetMs;
      if (pings >= greedyPings) everyMs = steadyEveryMs;
      else pings += 1;
      later();
    },
    hubTimeAt: (localMs) => (offsetMs === null ? null : localMs + offsetMs),
  };
};
