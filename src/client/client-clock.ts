// Owns the client's view of hub time: the estimate by the local clock, from what the probes tell. Knows no socket, no thread, no timer.
import type { HubMs } from '../../protocol/ids.ts';
import { Corridor, type ClockReading } from '../clock/corridor.ts';
import type { Exchange } from '../clock/exchange.ts';
import { RttWindow } from '../clock/rtt-window.ts';
import { Cell, type Observable } from './observable.ts';
import type { Platform } from './platform.ts';
import type { ProbeListener, Probing } from './wire.ts';

/** What is known of the clock; errors and offset are in ms, and Infinity or 0 before the first probe came back. */
export type ClockStatus = Pick<
  ClockReading,
  'quality' | 'offsetMs' | 'maxErrorMs' | 'estErrorMs' | 'rttMinMs' | 'skewPpm' | 'resets'
> & {
  /** What three of four of the last round trips do not exceed, ms; Infinity before the first. */
  readonly rttUsualMs: number;
};

export class ClientClock implements ProbeListener {
  readonly #platform: Pick<Platform, 'performanceNow' | 'wallNow'>;
  readonly #corridor = new Corridor();
  readonly #rtts = new RttWindow();
  readonly #status: Cell<ClockStatus>;
  #probing: Probing | undefined;
  #ignored = 0;

  constructor(platform: Pick<Platform, 'performanceNow' | 'wallNow'>) {
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
    return this.#ignored;
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
    this.#probing?.setPlaying(playing);
  }

  /** Looks at once whether all is still as it was: after a wake-up or a change of the network. */
  wake(): void {
    this.#probing?.wake();
  }

  /** From now on these are the probes that it hears of. */
  listenTo(probing: Probing): void {
    this.#probing = probing;
  }

  /** The connection is gone: the next one may go another way. The estimate stays, and its bound grows. */
  lost(): void {
    this.#rtts.clear();
  }

  exchange(exchange: Exchange, wallMs: number): void {
    const { t0, t1, t2, t3 } = exchange;
    const { kind } = this.#corridor.observe(exchange, wallMs);
    // Stamps that were not believed tell no delay either, and the lead of everybody is planned by it.
    if (kind !== 'rejected') this.#rtts.add(t3 - t0 - (t2 - t1));
    this.#tell(t3);
  }

  slept(localMs: number, wallMs: number): void {
    this.#noticeWall(localMs, wallMs);
  }

  /**
   * Looks whether local time still goes with the wall clock, where something else says that it leapt: if it does not, nothing is
   * trusted before the next probe, which is sent at once.
   */
  compare(): void {
    const nowMs = this.#platform.performanceNow();
    if (this.#noticeWall(nowMs, this.#platform.wallNow())) this.#probing?.wake();
  }

  stray(): void {
    this.#ignored += 1;
  }

  #noticeWall(localMs: number, wallMs: number): boolean {
    const cameApart = this.#corridor.noticeWall(localMs, wallMs);
    // Whoever plays by it must not correct by it until it is known again.
    if (cameApart) this.#tell(localMs);
    return cameApart;
  }

  #tell(localMs: number): void {
    this.#status.set(statusOf(this.#corridor.readingAt(localMs), this.#rtts.usualMs));
  }
}

function statusOf(reading: ClockReading, rttUsualMs: number): ClockStatus {
  const { quality, offsetMs, maxErrorMs, estErrorMs, rttMinMs, skewPpm, resets } = reading;
  return { quality, offsetMs, maxErrorMs, estErrorMs, rttMinMs, rttUsualMs, skewPpm, resets };
}
