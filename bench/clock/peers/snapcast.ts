// Owns Snapcast's clock, written anew from its published constants: the median of the last two hundred offsets.

import type { MakePeer } from './peer-clock.ts';

/** github.com/badaix/snapcast, `client/controller.cpp` (`sendTimeSyncMessage`) and `client/time_provider.cpp`. */
const quickProbes = 50;
const quickGapMs = 0.1;
const everyMs = 1_000;
const kept = 200;
const forgottenAfterMs = 60_000;

export const snapcast: MakePeer = (host) => {
  let offsets: number[] = [];
  let quickLeft = quickProbes;
  let lastAt = -Infinity;
  let awaited = 0;
  let median: number | null = null;
  const probe = (): void => {
    awaited = host.send(host.now());
  };
  probe();
  return {
    onReply({ seq, t0, t1, t2 }, t3) {
      if (seq !== awaited) return;
      if (t3 - lastAt > forgottenAfterMs) offsets = [];
      lastAt = t3;
      offsets = [...offsets.slice(1 - kept), (t1 - t0 + t2 - t3) / 2];
      const sorted = [...offsets].sort((a, b) => a - b);
      median = sorted[Math.floor(sorted.length / 2)] ?? null;
      quickLeft = Math.max(0, quickLeft - 1);
      host.setTimeout(probe, quickLeft > 0 ? quickGapMs : everyMs);
    },
    hubTimeAt: (localMs) => (median === null ? null : localMs + median),
  };
};
