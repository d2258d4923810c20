// Owns the client's view of hub time: drives the probes over whatever connection there is. Knows bytes and timers, no socket.
import { decodeReply, encodeProbe } from '../../protocol/clock-frames.ts';
import type { HubMs } from '../../protocol/ids.ts';
import { Corridor, type ClockReading } from '../clock/corridor.ts';
import { ProbeSession } from '../clock/probe-session.ts';
import { RttWindow } from '../clock/rtt-window.ts';
import { Cell, type Observable } from './observable.ts';
import type { Platform, TimerHandle } from './platform.ts';

/** What is known of the clock; errors and offset are in ms, and Infinity or 0 before the first probe came back. */
export type ClockStatus = Pick<
  ClockReading,
  'quality' | 'offsetMs' | 'maxErrorMs' | 'estErrorMs' | 'rttMinMs' | 'skewPpm' | 'resets'
> & {
  /** What three of four of the last round trips do not exceed, ms; Infinity before the first. */
  readonly rttUsualMs: number;
};

/** Sleeps are noticed by comparing the two clocks at least this often. */
const CLOCK_COMPARISON_MS = 1_000;

export class ClientClock {
  readonly #platform: Platform;
  readonly #corridor = new Corridor();
  readonly #rtts = new RttWindow();
  readonly #status: Cell<ClockStatus>;
  #session: ProbeSession | undefined;
  #send: ((bytes: Uint8Array<ArrayBuffer>) => void) | undefined;
  #timer: TimerHandle;
  #ignored = 0;

  constructor(platform: Platform) {
    this.#platform = platform;
    this.#status = new Cell(
      statusOf(this.#corridor.readingAt(platform.performanceNow()), Infinity),
    );
  }

  get status(): Observable<ClockStatus> {
    return this.#status;
  }

  /** Binary frames that were no reply to a probe of ours. */
  get ignored(): number {
    return this.#ignored + (this.#session?.unmatched ?? 0);
  }

  /** Hub time now, ms; undefined before the first probe came back. */
  now(): HubMs | undefined {
    return this.#corridor.hubTimeAt(this.#platform.performanceNow()) ?? undefined;
  }

  /** When it is, or was, `hubMs` by the local `performanceNow`, ms; undefined before the first probe came back. */
  toLocal(hubMs: HubMs): number | undefined {
    return this.#corridor.localTimeAt(hubMs) ?? undefined;
  }

  /** While something is heard the estimate moves smoothly, except for proven jumps; else it is corrected at once. */
  setPlaying(playing: boolean): void {
    this.#corridor.setPlaying(playing);
  }

  /** Looks at once whether all is still as it was: after a wake-up or a change of the network. */
  wake(): void {
    const nowMs = this.#platform.performanceNow();
    this.#session?.onWallClock(nowMs, this.#platform.wallNow());
    this.#session?.onDisturbance(nowMs);
    this.#pump();
  }

  /** The page was hidden or shown. */
  visibilityChanged(): void {
    const nowMs = this.#platform.performanceNow();
    this.#session?.onWallClock(nowMs, this.#platform.wallNow());
    this.#session?.onHidden(this.#platform.isHidden(), nowMs);
    this.#pump();
  }

  /** A connection is there: probes go out by `send`. */
  attach(send: (bytes: Uint8Array<ArrayBuffer>) => void): void {
    const nowMs = this.#platform.performanceNow();
    this.#send = send;
    if (this.#session === undefined) {
      this.#session = new ProbeSession({
        corridor: this.#corridor,
        random: () => this.#platform.random(),
        nowMs,
      });
      this.#session.onHidden(this.#platform.isHidden(), nowMs);
    } else {
      this.#session.onReconnect(nowMs);
      this.#rtts.clear();
    }
    this.#pump();
  }

  /** The connection is gone; the estimate stays, and its bound grows. */
  detach(): void {
    this.#send = undefined;
    this.#clearTimer();
  }

  /** A binary frame that came at local time `t3`. */
  receive(bytes: Uint8Array, t3: number): void {
    const reply = decodeReply(bytes);
    if (reply === undefined || this.#session === undefined) {
      this.#ignored += 1;
      return;
    }
    const { kind } = this.#session.onReply(reply, t3, this.#platform.wallNow());
    if (kind !== 'unmatched') this.#rtts.add(t3 - reply.t0 - (reply.t2 - reply.t1));
    this.#status.set(statusOf(this.#corridor.readingAt(t3), this.#rtts.usualMs));
    this.#pump();
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
    this.#session?.onWallClock(this.#platform.performanceNow(), this.#platform.wallNow());
    this.#pump();
  }

  #clearTimer(): void {
    if (this.#timer === undefined) return;
    this.#platform.clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}

function statusOf(reading: ClockReading, rttUsualMs: number): ClockStatus {
  const { quality, offsetMs, maxErrorMs, estErrorMs, rttMinMs, skewPpm, resets } = reading;
  return { quality, offsetMs, maxErrorMs, estErrorMs, rttMinMs, rttUsualMs, skewPpm, resets };
}
