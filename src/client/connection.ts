// Owns one socket's life, from its opening to its one end, and notices when it is dead though nobody said so. Knows frames, and
// nothing of what they ask or tell.
import { readFrame, type Inbound } from './inbound.ts';
import type { Platform, TimerHandle } from './platform.ts';
import { ABNORMAL } from './socket-wires.ts';
import type { Wire, Wires } from './wire.ts';

export interface ConnectionListener {
  opened(): unknown;
  frame(inbound: Inbound): unknown;
  /** Once, and nothing after it. */
  ended(code: number, reason: string): unknown;
  /** No socket can be made of this address. In place of `ended`. */
  impossible(message: string): unknown;
}

/** Frames that were not acted upon, whoever's fault it was. */
export interface FrameCounts {
  malformed: number;
  unknown: number;
}

export interface ConnectionOptions {
  readonly url: string;
  readonly platform: Platform;
  readonly wires: Wires;
  readonly counts: FrameCounts;
  readonly listener: ConnectionListener;
}

/** Opening and `hello` together may take this long. */
const GREETING_MS = 15_000;
/** Something that must be answered was sent, and nothing at all came for this long: the socket is dead. */
const ANSWER_MS = 10_000;
/** The same where there is a reason to doubt: after a sleep or a change of the network. */
const DOUBTED_ANSWER_MS = 4_000;
/** A timer that is later than this tells of a sleep, not of a silent hub. */
const LATE_TIMER_MS = 2_000;

export class Connection {
  readonly #platform: Platform;
  readonly #wires: Wires;
  readonly #counts: FrameCounts;
  readonly #listener: ConnectionListener;
  readonly #wire: Wire;
  #hasEnded = false;
  #heartbeatMs = Infinity;
  #lastHeardAt: number;
  /** Since when something is unanswered, with nothing heard since; undefined while nothing is awaited. */
  #awaitingSince: number | undefined;
  #answerMs = ANSWER_MS;
  #watch: TimerHandle;
  #watchDueAt = 0;
  #greeting: TimerHandle;

  /** @throws what the platform throws for an address that no socket can be made of */
  constructor({ url, platform, wires, counts, listener }: ConnectionOptions) {
    this.#platform = platform;
    this.#wires = wires;
    this.#counts = counts;
    this.#listener = listener;
    this.#lastHeardAt = platform.performanceNow();
    this.#wire = wires.open(url, {
      opened: () => {
        if (!this.#hasEnded) this.#listener.opened();
      },
      text: (text) => this.#onText(text),
      malformed: () => {
        this.#heard();
        this.#counts.malformed += 1;
      },
      probed: () => this.#await(),
      answered: () => this.#heard(),
      ended: (code, reason) => this.#end(() => this.#listener.ended(code, reason)),
      impossible: (message) => this.#end(() => this.#listener.impossible(message)),
    });
    this.#greeting = platform.setTimeout(
      () => this.end(ABNORMAL, 'the hub did not greet in time'),
      GREETING_MS,
    );
  }

  /** The hub has answered `hello`. From here on its silence is watched. */
  greeted(heartbeatMs: number): void {
    this.#platform.clearTimeout(this.#greeting);
    this.#heartbeatMs = heartbeatMs;
    this.#arm();
  }

  /** Sends a text frame that will be answered. */
  send(text: string): void {
    if (this.#hasEnded) return;
    this.#await();
    this.#wire.send(text);
  }

  /** Finds out soon whether the socket still lives. */
  doubt(): void {
    if (this.#hasEnded || this.#heartbeatMs === Infinity) return;
    this.#answerMs = DOUBTED_ANSWER_MS;
    this.#awaitingSince = this.#platform.performanceNow();
    this.#arm();
    // Of its own: the probes of the clock keep to a budget and may not be due.
    this.#wire.ping();
    this.#wires.wake();
  }

  /** Ends it from this side, at once: whatever the socket says after that is not heard. */
  end(code: number, reason: string): void {
    if (this.#hasEnded) return;
    this.#wire.close();
    this.#end(() => this.#listener.ended(code, reason));
  }

  #onText(text: string): void {
    if (this.#hasEnded) return;
    this.#heard();
    // The one boundary of inbound frames: whatever the hub sends, the socket's callback returns.
    try {
      const inbound = readFrame(text);
      if (inbound.kind === 'malformed') this.#counts.malformed += 1;
      else if (inbound.kind === 'unknown') this.#counts.unknown += 1;
      else this.#listener.frame(inbound);
    } catch {
      this.#counts.malformed += 1;
    }
  }

  #heard(): void {
    this.#lastHeardAt = this.#platform.performanceNow();
    this.#awaitingSince = undefined;
    this.#answerMs = ANSWER_MS;
  }

  #await(): void {
    if (this.#hasEnded || this.#awaitingSince !== undefined) return;
    this.#awaitingSince = this.#platform.performanceNow();
    if (this.#heartbeatMs !== Infinity) this.#arm();
  }

  #arm(): void {
    const now = this.#platform.performanceNow();
    this.#watchDueAt =
      this.#awaitingSince === undefined
        ? this.#lastHeardAt + 2 * this.#heartbeatMs
        : this.#awaitingSince + this.#answerMs;
    if (this.#watch !== undefined) this.#platform.clearTimeout(this.#watch);
    this.#watch = this.#platform.setTimeout(
      () => this.#look(),
      Math.max(0, this.#watchDueAt - now),
    );
  }

  #look(): void {
    this.#watch = undefined;
    if (this.#hasEnded) return;
    const now = this.#platform.performanceNow();
    if (this.#awaitingSince === undefined) {
      if (now >= this.#lastHeardAt + 2 * this.#heartbeatMs) this.doubt();
      else this.#arm();
    } else if (now > this.#watchDueAt + LATE_TIMER_MS) {
      this.doubt();
    } else if (now >= this.#awaitingSince + this.#answerMs) {
      this.end(ABNORMAL, 'the hub is silent');
    } else {
      this.#arm();
    }
  }

  #end(tell: () => unknown): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#platform.clearTimeout(this.#greeting);
    if (this.#watch !== undefined) this.#platform.clearTimeout(this.#watch);
    tell();
  }
}
