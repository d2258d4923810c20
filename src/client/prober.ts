// Owns the sending of probes at their time and the pairing of their replies, over one socket after the other. Knows bytes and timers,
// no socket; what the exchanges tell is for the clock that listens.
import { decodeReply, encodeProbe } from '../../protocol/clock-frames.ts';
import { Corridor } from '../clock/corridor.ts';
import { ProbeSession } from '../clock/probe-session.ts';
import type { Platform, TimerHandle } from './platform.ts';
import type { Probing, ProbeListener } from './wire.ts';

export type ProberPlatform = Pick<
  Platform,
  'performanceNow' | 'wallNow' | 'setTimeout' | 'clearTimeout' | 'random'
>;

type Send = (bytes: Uint8Array<ArrayBuffer>) => void;

/** Sleeps are noticed by comparing the two clocks at least this often. */
const CLOCK_COMPARISON_MS = 1_000;

export class Prober implements Probing {
  readonly #platform: ProberPlatform;
  readonly #listener: ProbeListener;
  /** Of its own, for the schedule alone: it knows when a probe does not fit, and when hub time has jumped. */
  readonly #corridor = new Corridor();
  #session: ProbeSession | undefined;
  #isHidden = false;
  #send: Send | undefined;
  #timer: TimerHandle;

  constructor(platform: ProberPlatform, listener: ProbeListener) {
    this.#platform = platform;
    this.#listener = listener;
  }

  /**
   * A socket is open: probes go out by `send`, stamped right before it is called.
   * @returns to be called when that socket is gone
   */
  attach(send: Send): () => void {
    const nowMs = this.#platform.performanceNow();
    this.#send = send;
    if (this.#session === undefined) {
      const random = (): number => this.#platform.random();
      this.#session = new ProbeSession({ corridor: this.#corridor, random, nowMs });
      this.#session.onHidden(this.#isHidden, nowMs);
    } else {
      this.#session.onReconnect(nowMs);
    }
    this.#pump();
    return () => {
      if (this.#send !== send) return;
      this.#send = undefined;
      this.#clearTimer();
    };
  }

  /** A binary frame that came at local time `t3`. */
  receive(bytes: Uint8Array, t3: number): void {
    const reply = decodeReply(bytes);
    if (reply === undefined || this.#session === undefined) {
      this.#listener.stray();
      return;
    }
    const wallMs = this.#platform.wallNow();
    if (this.#session.onReply(reply, t3, wallMs).kind === 'unmatched') {
      this.#listener.stray();
    } else {
      const { t0, t1, t2, timelineId } = reply;
      this.#listener.exchange({ t0, t1, t2, t3, timelineId }, wallMs);
    }
    this.#pump();
  }

  wake(): void {
    const nowMs = this.#compareClocks();
    this.#session?.onDisturbance(nowMs);
    this.#pump();
  }

  setHidden(isHidden: boolean): void {
    const nowMs = this.#compareClocks();
    this.#isHidden = isHidden;
    this.#session?.onHidden(isHidden, nowMs);
    this.#pump();
  }

  setPlaying(isPlaying: boolean): void {
    this.#corridor.setPlaying(isPlaying);
  }

  #compareClocks(): number {
    const nowMs = this.#platform.performanceNow();
    const wallMs = this.#platform.wallNow();
    if (this.#session?.onWallClock(nowMs, wallMs) === true) this.#listener.slept(nowMs, wallMs);
    return nowMs;
  }

  #pump(): void {
    this.#clearTimer();
    const session = this.#session;
    if (session === undefined) return;
    for (;;) {
      // Sending may find the socket dead and detach.
      if (this.#send === undefined) return;
      const nowMs = this.#platform.performanceNow();
      const step = session.next(nowMs);
      if (step.kind === 'wait') {
        const delayMs = Math.max(0, step.untilMs - nowMs);
        // A reply that came while a probe was sent has set one already.
        this.#clearTimer();
        this.#timer = this.#platform.setTimeout(
          () => this.#onTimer(),
          Math.min(delayMs, CLOCK_COMPARISON_MS),
        );
        return;
      }
      this.#send(new Uint8Array(encodeProbe(step)));
    }
  }

  #onTimer(): void {
    this.#compareClocks();
    this.#pump();
  }

  #clearTimer(): void {
    if (this.#timer === undefined) return;
    this.#platform.clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
