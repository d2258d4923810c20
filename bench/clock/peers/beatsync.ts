// Owns beatsync's clock, written anew from its published constants: pairs of probes, the fastest of the last sixteen pure ones.

import type { MakePeer } from './peer-clock.ts';

/** github.com/freeman-jiang/beatsync, `NTP_CONSTANTS` in `packages/shared`, and `apps/client/src/utils/ntp.ts`. */
const initialEveryMs = 50;
const steadyEveryMs = 2_500;
const kept = 16;
const gapMs = 25;
const toleranceMs = 5;

interface Measured {
  readonly t0: number;
  readonly t1: number;
  readonly rttMs: number;
  readonly offsetMs: number;
}

export const beatsync: MakePeer = (host) => {
  let measured: Measured[] = [];
  let pairs = 0;
  const pairOf = new Map<number, { readonly pair: number; readonly second: boolean }>();
  let first: { readonly pair: number; readonly measured: Measured } | undefined;
  let offsetMs: number | null = null;

  const sendPair = (): void => {
    pairs += 1;
    const pair = pairs;
    pairOf.set(host.send(host.now()), { pair, second: false });
    host.setTimeout(() => pairOf.set(host.send(host.now()), { pair, second: true }), gapMs);
  };
  const tick = (): void => {
    sendPair();
    host.setTimeout(tick, measured.length < kept ? initialEveryMs : steadyEveryMs);
  };
  host.setTimeout(tick, initialEveryMs);
  return {
    onReply({ seq, t0, t1, t2 }, t3) {
      const place = pairOf.get(seq);
      if (place === undefined) return;
      pairOf.delete(seq);
      const rttMs = Math.max(0, t3 - t0 - (t2 - t1));
      const each: Measured = { t0, t1, rttMs, offsetMs: (t1 - t0 + t2 - t3) / 2 };
      if (!place.second) {
        first = { pair: place.pair, measured: each };
        return;
      }
      if (first?.pair !== place.pair) return;
      const other = first.measured;
      first = undefined;
      if (Math.abs(each.t1 - other.t1 - (each.t0 - other.t0)) > toleranceMs) return;
      measured = [...measured.slice(1 - kept), other.rttMs <= each.rttMs ? other : each];
      offsetMs = measured.reduce((best, one) => (one.rttMs < best.rttMs ? one : best)).offsetMs;
    },
    hubTimeAt: (localMs) => (offsetMs === null ? null : localMs + offsetMs),
  };
};
