// One WebSocket on ws behind the Socket port: prepared frames, cork, drain and liveness. Knows no listener.

import type { Socket as NetSocket } from 'node:net';
import type { WebSocket } from 'ws';
import type { Frame, SendOutcome, Socket } from '../../ports/sockets.ts';
import { Unread } from '../../ports/unread.ts';

/** RFC 6455, 5.5: a control frame carries 125 bytes, two of which are the code. */
const maxReasonBytes = 123;
const openState = 1;
const nothing = Buffer.alloc(0);
const wires = new WeakMap<Frame, Buffer>();

/** The frame as it goes over the wire (RFC 6455, 5.2: whole, unmasked), made once however many sockets it is for. */
export function wireOf(frame: Frame): Buffer {
  const known = wires.get(frame);
  if (known) return known;
  const { length } = frame.bytes;
  const headerBytes = length < 126 ? 2 : length < 65_536 ? 4 : 10;
  const wire = Buffer.allocUnsafeSlow(headerBytes + length);
  wire[0] = frame.isBinary ? 0x82 : 0x81;
  if (headerBytes === 2) wire[1] = length;
  else if (headerBytes === 4) {
    wire[1] = 126;
    wire.writeUInt16BE(length, 2);
  } else {
    wire[1] = 127;
    wire.writeBigUInt64BE(BigInt(length), 2);
  }
  wire.set(frame.bytes, headerBytes);
  wires.set(frame, wire);
  return wire;
}

function fitReason(reason: string): string {
  // In UTF-8 a UTF-16 unit takes at most three bytes, so a short string needs no encoding to be known to fit.
  if (reason.length * 3 <= maxReasonBytes) return reason;
  const target = new Uint8Array(maxReasonBytes);
  return reason.slice(0, new TextEncoder().encodeInto(reason, target).read);
}

export class WsSocket implements Socket {
  readonly remoteAddress: string;
  readonly #ws: WebSocket;
  // Messages are written here, past ws, which itself writes nothing but whole control frames: compression is off.
  readonly #net: NetSocket;
  readonly #drained: (socket: WsSocket) => void;
  readonly #unread = new Unread();
  #corkDepth = 0;
  #isWatchingDrain = false;
  #heardBytes = 0;
  #silentSweeps = 0;

  constructor(
    ws: WebSocket,
    net: NetSocket,
    remoteAddress: string,
    drained: (socket: WsSocket) => void,
  ) {
    this.#ws = ws;
    this.#net = net;
    this.remoteAddress = remoteAddress;
    this.#drained = drained;
  }

  get isOpen(): boolean {
    return this.#ws.readyState === openState && !this.#net.destroyed;
  }

  get bufferedBytes(): number {
    return this.isOpen ? this.#net.writableLength : 0;
  }

  get unreadBytes(): number {
    return this.#unread.bytes;
  }

  send(frame: Frame): SendOutcome {
    if (!this.isOpen) return 'closed';
    const net = this.#net;
    const isBehind = this.#isWatchingDrain;
    net.write(wireOf(frame));
    this.#unread.sent(frame.bytes.length);
    this.#ask(this.#unread.due());
    // What a cork holds back is not yet behind; its end tells.
    if (this.#corkDepth > 0) return isBehind ? 'buffered' : 'sent';
    if (net.writableLength === 0) return 'sent';
    this.#watchDrain();
    return 'buffered';
  }

  cork(sends: () => void): void {
    if (!this.isOpen) return;
    this.#net.cork();
    this.#corkDepth += 1;
    try {
      sends();
    } finally {
      this.#corkDepth -= 1;
      this.#net.uncork();
      if (this.#corkDepth === 0 && this.bufferedBytes > 0) this.#watchDrain();
    }
  }

  close(code: number, reason: string): void {
    if (this.isOpen) this.#ws.close(code, fitReason(reason));
  }

  terminate(): void {
    // Also while a close frame waits for its answer: a peer that reads nothing must not hold memory that long.
    this.#ws.terminate();
  }

  /** For the transport alone. @returns whether less is unread now */
  ponged(payload: Uint8Array): boolean {
    if (!this.isOpen) return false;
    const isProof = this.#unread.proved(payload);
    this.#ask(isProof ? this.#unread.due() : this.#unread.again());
    return isProof;
  }

  /**
   * For the transport alone: called at even intervals. A peer that was silent in the last one is pinged; one that was silent for
   * `maxSilentSweeps` of them is dropped.
   */
  sweep(maxSilentSweeps: number): void {
    const { bytesRead } = this.#net;
    if (bytesRead !== this.#heardBytes) {
      this.#heardBytes = bytesRead;
      this.#silentSweeps = 0;
      return;
    }
    this.#silentSweeps += 1;
    if (this.#silentSweeps > maxSilentSweeps) this.#ws.terminate();
    else if (this.isOpen) this.#ws.ping();
  }

  #ask(proof: Uint8Array | undefined): void {
    if (proof !== undefined) this.#ws.ping(proof);
  }

  /** Node's own `drain` comes only above its high-water mark, so a write of nothing marks the end of what is buffered. */
  #watchDrain(): void {
    if (this.#isWatchingDrain) return;
    this.#isWatchingDrain = true;
    this.#net.write(nothing, () => {
      this.#isWatchingDrain = false;
      if (!this.isOpen) return;
      if (this.#net.writableLength > 0) this.#watchDrain();
      this.#drained(this);
    });
  }
}
