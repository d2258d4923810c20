// Owns what a peer's clock needs of the simulator: timers, a stamp, a wire. Knows no peer's method.

import type { SimReply, SimSubject } from '../../../test/clock/support/sim-scenario.ts';

/** What a peer may use. Times are local ms, stamped as `performance.now()` stamps them. */
export interface PeerHost {
  now(): number;
  random(): number;
  /** Sends one probe; `t0` is what the peer stamped it with. Returns the number that its reply will bear. */
  send(t0: number): number;
  setTimeout(call: () => void, delayMs: number): number;
  clearTimeout(id: number): void;
}

export interface PeerClock {
  onReply(reply: SimReply, t3: number): void;
  /** Null as long as the peer itself would not use its estimate. */
  hubTimeAt(localMs: number): number | null;
  /** What has to run after each call into the peer, such as its promises. */
  settle?(): void;
}

export type MakePeer = (host: PeerHost) => PeerClock;

const longMs = 3_600_000;

/**
 * Runs a peer in virtual time: its timers are due when the simulator's local clock says so (a little late, as timers
 * are), and what it sends goes out at once.
 */
export function peerSubject(make: MakePeer): (nowMs: number, random: () => number) => SimSubject {
  return (startMs, random) => {
    let nowMs = startMs;
    let lastSeq = 0;
    let lastTimer = 0;
    const timers = new Map<number, { readonly dueMs: number; readonly call: () => void }>();
    const outgoing: { readonly seq: number; readonly t0: number }[] = [];

    const peer = make({
      now: () => nowMs,
      random,
      send(t0) {
        lastSeq += 1;
        outgoing.push({ seq: lastSeq, t0 });
        return lastSeq;
      },
      setTimeout(call, delayMs) {
        lastTimer += 1;
        timers.set(lastTimer, { dueMs: nowMs + delayMs, call });
        return lastTimer;
      },
      clearTimeout: (id) => void timers.delete(id),
    });
    peer.settle?.();

    const nextTimer = (): [number, { dueMs: number; call: () => void }] | undefined => {
      let first: [number, { dueMs: number; call: () => void }] | undefined;
      for (const entry of timers) {
        if (first === undefined || entry[1].dueMs < first[1].dueMs) first = entry;
      }
      return first;
    };

    return {
      next(at) {
        nowMs = at;
        for (;;) {
          const probe = outgoing.shift();
          if (probe !== undefined) return { kind: 'send', ...probe };
          const timer = nextTimer();
          if (timer === undefined) return { kind: 'wait', untilMs: at + longMs };
          if (timer[1].dueMs > at) return { kind: 'wait', untilMs: timer[1].dueMs };
          timers.delete(timer[0]);
          timer[1].call();
          peer.settle?.();
        }
      },
      onReply(reply, t3) {
        nowMs = t3;
        peer.onReply(reply, t3);
        peer.settle?.();
        return false;
      },
      hasProbeReady: () => outgoing.length > 0,
      hubTimeAt: (localMs) => peer.hubTimeAt(localMs),
    };
  };
}
