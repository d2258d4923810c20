// Owns one socket's life, from its opening to its one end, and notices when it is dead though nobody said so. Knows frames, and
// nothing of what they ask or tell.
import { encodeProbe } from '../../protocol/clock-frames.ts';
import { SUBPROTOCOL } from '../../protocol/version.ts';
import type { ClientClock } from './client-clock.ts';
import { readFrame, type Inbound } from './inbound.ts';
import type { Platform, SocketLike, TimerHandle } from './platform.ts';

export interface ConnectionListener {
  opened(): unknown;
  frame(inbound: Inbound): unknown;
  /** Once, and nothing after it. */
  ended(code: number, reason: string): unknown;
}

/** Frames that were not acted upon, whoever's fault it was. */
export interface FrameCounts {
  malformed: number;
  unknown: number;
}

export interface ConnectionOptions {
  readonly url: string;
  readonly platform: Platform;
  readonly clock: ClientClock;
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
/** The code of a transport that broke without a word (RFC 6455 §7.4.1). */
const ABNORMAL = 1006;
/** The clock counts its probes from 1. */
const PING_SEQ = 0;

export class Connection {
  readonly #platform: Platform;
  readonly #clock: ClientClock;
  readonly #counts: FrameCounts;
  readonly #listener: ConnectionListener;
  readonly #socket: SocketLike;
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
  constructor({ url, platform, clock, counts, listener }: ConnectionOptions) {
    this.#platform = platform;
    this.#clock = clock;
    this.#counts = counts;
    this.#listener = listener;
    this.#lastHeardAt = platform.performanceNow();
    if (platform.WebSocket === undefined) {
      throw new TypeError(
        'there is no WebSocket here: pass that of the package ws as platform.WebSocket',
      );
    }
    const socket = new platform.WebSocket(url, [SUBPROTOCOL]);
    this.#socket = socket;
    socket.binaryType = 'arraybuffer';
    socket.addEventListener('open', () => this.#onOpen());
    socket.addEventListener('message', ({ data }) => {
      // The stamp first: whatever is done before it makes the hub look further away than it is (CL1).
      const t3 = platform.performanceNow();
      this.#onMessage(data, t3);
    });
    // What went wrong is told by the close that follows; without a listener the package ws would throw.
    socket.addEventListener('error', () => undefined);
    socket.addEventListener('close', ({ code, reason }) => this.#end(code, reason));
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
    this.#transmit(text);
  }

  /** Finds out soon whether the socket still lives. */
  doubt(): void {
    if (this.#hasEnded || this.#heartbeatMs === Infinity) return;
    this.#answerMs = DOUBTED_ANSWER_MS;
    this.#awaitingSince = this.#platform.performanceNow();
    this.#arm();
    // A probe of its own: those of the clock keep to a budget and may not be due. The hub answers it, and the clock ignores that.
    this.#transmit(new Uint8Array(encodeProbe({ seq: PING_SEQ, t0: this.#awaitingSince })));
    this.#clock.wake();
  }

  /** Ends it from this side, at once: whatever the socket says after that is not heard. */
  end(code: number, reason: string): void {
    if (this.#hasEnded) return;
    this.#end(code, reason);
    try {
      // Only 1000 and 3000–4999 may be sent; the hub needs no other.
      this.#socket.close(1000);
    } catch {
      // A socket that cannot be closed is one that never opened: it is let go of.
    }
  }

  #onOpen(): void {
    if (this.#hasEnded) return;
    this.#listener.opened();
    this.#clock.attach((bytes) => {
      this.#await();
      this.#transmit(bytes);
    });
  }

  #onMessage(data: unknown, t3: number): void {
    if (this.#hasEnded) return;
    this.#lastHeardAt = t3;
    this.#awaitingSince = undefined;
    this.#answerMs = ANSWER_MS;
    // The one boundary of inbound frames: whatever the hub sends, the socket's callback returns.
    try {
      if (typeof data === 'string') this.#onText(data);
      else if (data instanceof ArrayBuffer) this.#clock.receive(new Uint8Array(data), t3);
      else this.#counts.malformed += 1;
    } catch {
      this.#counts.malformed += 1;
    }
  }

  #onText(text: string): void {
    const inbound = readFrame(text);
    if (inbound.kind === 'malformed') this.#counts.malformed += 1;
    else if (inbound.kind === 'unknown') this.#counts.unknown += 1;
    else this.#listener.frame(inbound);
  }

  #transmit(data: string | Uint8Array<ArrayBuffer>): void {
    try {
      this.#socket.send(data);
    } catch {
      // Not open any more, and the close has not come yet.
      this.end(ABNORMAL, 'the socket takes no more');
    }
  }

  #await(): void {
    if (this.#awaitingSince !== undefined) return;
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

  #end(code: number, reason: string): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#platform.clearTimeout(this.#greeting);
    if (this.#watch !== undefined) this.#platform.clearTimeout(this.#watch);
    this.#clock.detach();
    this.#listener.ended(code, reason);
  }
}
