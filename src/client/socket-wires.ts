// Owns sockets of this very thread and the probes on them, stamped as close to the socket as a script can. Knows no hub message.
import { encodeProbe } from '../../protocol/clock-frames.ts';
import { SUBPROTOCOL } from '../../protocol/version.ts';
import type { Platform, SocketLike } from './platform.ts';
import { Prober, type ProberPlatform } from './prober.ts';
import type { ProbeListener, Wire, WireListener, Wires } from './wire.ts';

/** The code of a transport that broke without a word (RFC 6455 §7.4.1). */
export const ABNORMAL = 1006;
/** The clock counts its probes from 1. */
const PING_SEQ = 0;

type SocketPlatform = ProberPlatform & Pick<Platform, 'WebSocket'>;

export class SocketWires implements Wires {
  readonly #platform: SocketPlatform;
  readonly #prober: Prober;

  constructor(platform: SocketPlatform, listener: ProbeListener) {
    this.#platform = platform;
    this.#prober = new Prober(platform, listener);
  }

  start(): void {
    // Nothing is kept between wires but the probes' budget.
  }

  open(url: string, listener: WireListener): Wire {
    if (this.#platform.WebSocket === undefined) {
      throw new TypeError(
        'there is no WebSocket here: pass that of the package ws as platform.WebSocket',
      );
    }
    const socket = new this.#platform.WebSocket(url, [SUBPROTOCOL]);
    return new SocketWire(socket, this.#platform, this.#prober, listener);
  }

  stop(): void {
    // The wire took its timer with it.
  }

  wake(): void {
    this.#prober.wake();
  }

  setHidden(isHidden: boolean): void {
    this.#prober.setHidden(isHidden);
  }

  setPlaying(isPlaying: boolean): void {
    this.#prober.setPlaying(isPlaying);
  }
}

class SocketWire implements Wire {
  readonly #socket: SocketLike;
  readonly #platform: SocketPlatform;
  readonly #prober: Prober;
  readonly #listener: WireListener;
  #hasEnded = false;
  #detach: (() => void) | undefined;

  constructor(
    socket: SocketLike,
    platform: SocketPlatform,
    prober: Prober,
    listener: WireListener,
  ) {
    this.#socket = socket;
    this.#platform = platform;
    this.#prober = prober;
    this.#listener = listener;
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
  }

  send(text: string): void {
    if (!this.#hasEnded) this.#transmit(text);
  }

  ping(): void {
    if (this.#hasEnded) return;
    const t0 = this.#platform.performanceNow();
    this.#transmit(new Uint8Array(encodeProbe({ seq: PING_SEQ, t0 })));
  }

  close(): void {
    this.#hasEnded = true;
    this.#detach?.();
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
    const detach = this.#prober.attach((bytes) => {
      this.#listener.probed();
      this.#transmit(bytes);
    });
    // What was said of `opened`, or the first probe, may have found it dead.
    if (this.#isGone()) detach();
    else this.#detach = detach;
  }

  #isGone(): boolean {
    return this.#hasEnded;
  }

  #onMessage(data: unknown, t3: number): void {
    if (this.#hasEnded) return;
    if (typeof data === 'string') {
      this.#listener.text(data);
    } else if (data instanceof ArrayBuffer) {
      this.#listener.answered();
      this.#prober.receive(new Uint8Array(data), t3);
    } else {
      this.#listener.malformed();
    }
  }

  #transmit(data: string | Uint8Array<ArrayBuffer>): void {
    try {
      this.#socket.send(data);
    } catch {
      // Not open any more, and the close has not come yet.
      if (this.#hasEnded) return;
      this.close();
      this.#listener.ended(ABNORMAL, 'the socket takes no more');
    }
  }

  #end(code: number, reason: string): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#detach?.();
    this.#listener.ended(code, reason);
  }
}
