// Owns what a socket with the clock's probes on it looks like, wherever it runs: in this thread or in a worker. No code.
import type { Exchange } from '../clock/exchange.ts';

/** One socket to the hub, which carries the clock's probes as well. */
export interface Wire {
  /** Sends a text frame, after `opened`. One that cannot be sent ends the wire. */
  send(text: string): void;
  /** Sends a probe of its own, beside the clock's budget: if the wire lives, an answer comes. */
  ping(): void;
  /** Lets go of it: its listener hears nothing more. */
  close(): void;
}

/** Called in the order in which things happened on the socket; never from within `open`. */
export interface WireListener {
  opened(): void;
  text(text: string): void;
  /** Something came that no hub should send. */
  malformed(): void;
  /** A probe of the clock went out. */
  probed(): void;
  /** A binary frame came. */
  answered(): void;
  /** Once, and nothing after it. */
  ended(code: number, reason: string): void;
  /** No socket can be made of this address, here or anywhere. Once, and nothing after it. */
  impossible(message: string): void;
}

/** What the probes told. Stamps are by the `performanceNow` of the thread that hears it. */
export interface ProbeListener {
  /** @param wallMs the wall clock at `t3` */
  exchange(exchange: Exchange, wallMs: number): void;
  /** The wall clock and the local one came apart: the device slept, or somebody set the time. */
  slept(localMs: number, wallMs: number): void;
  /** A binary frame came that was no reply to a probe under way. */
  stray(): void;
}

/** What may be said to the probes from outside, with or without a wire. */
export interface Probing {
  /** Looks at once whether all is still as it was. */
  wake(): void;
  setHidden(isHidden: boolean): void;
  /** Something is heard by this clock. */
  setPlaying(isPlaying: boolean): void;
}

/** Opens wires, at most one at a time; the probes and their budget go on from one to the next. */
export interface Wires extends Probing {
  /** Before the first wire of a life; again after `stop`. */
  start(): void;
  /** @throws what the platform throws for an address that no socket can be made of, where that is known at once */
  open(url: string, listener: WireListener): Wire;
  /** The last wire was let go of, and none follows. */
  stop(): void;
}
