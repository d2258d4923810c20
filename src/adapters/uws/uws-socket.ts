// One WebSocket on uWebSockets.js behind the Socket port; must stay small (there are thousands) and knows no listener.

import type { WebSocket } from 'uWebSockets.js';
import type { Frame, SendOutcome, Socket } from '../../ports/sockets.ts';
import { Unread } from '../../ports/unread.ts';

/** What uWebSockets.js keeps with each of its sockets. */
export interface UwsAttachment {
  socket: UwsSocket;
}

type NativeSocket = WebSocket<UwsAttachment>;

/** An end asked for while corked. */
interface PendingEnd {
  readonly native: NativeSocket;
  /** Undefined to terminate. */
  readonly code: number | undefined;
  readonly reason: string;
}

const sentWhole = 1;
const droppedMessage = 2;
/** RFC 6455, 5.5: a control frame carries 125 bytes, two of which are the code. */
const maxReasonBytes = 123;

function fitReason(reason: string): string {
  // In UTF-8 a UTF-16 unit takes at most three bytes, so a short string needs no encoding to be known to fit.
  if (reason.length * 3 <= maxReasonBytes) return reason;
  const target = new Uint8Array(maxReasonBytes);
  return reason.slice(0, new TextEncoder().encodeInto(reason, target).read);
}

export class UwsSocket implements Socket {
  readonly remoteAddress: string;
  // Undefined before the open and after the end: uWebSockets.js throws on any use of a socket that is gone.
  #native: NativeSocket | undefined = undefined;
  readonly #unread = new Unread();
  // Undefined outside cork, null inside, and the end that waits for the cork's own end.
  #corked: PendingEnd | null | undefined = undefined;

  constructor(remoteAddress: string) {
    this.remoteAddress = remoteAddress;
  }

  get isOpen(): boolean {
    return this.#native !== undefined;
  }

  get bufferedBytes(): number {
    return this.#native === undefined ? 0 : this.#native.getBufferedAmount();
  }

  get unreadBytes(): number {
    return this.#unread.bytes;
  }

  send(frame: Frame): SendOutcome {
    const native = this.#native;
    if (native === undefined) return 'closed';
    const status = native.send(frame.bytes, frame.isBinary);
    if (status !== droppedMessage) {
      this.#unread.sent(frame.bytes.length);
      this.#ask(native, this.#unread.due());
      return status === sentWhole ? 'sent' : 'buffered';
    }
    // Nothing limits what is buffered, so this does not happen; if it ever did, a hole must not be hidden.
    this.terminate();
    return 'closed';
  }

  cork(sends: () => void): void {
    const native = this.#native;
    if (native === undefined) return;
    if (this.#corked !== undefined) {
      sends();
      return;
    }
    this.#corked = null;
    try {
      native.cork(sends);
    } finally {
      const pending = this.#takePendingEnd();
      if (pending) endNative(pending);
    }
  }

  close(code: number, reason: string): void {
    this.#end(code, reason);
  }

  terminate(): void {
    this.#end(undefined, '');
  }

  /** For the transport alone: the native socket exists from here on. */
  attach(native: NativeSocket): void {
    this.#native = native;
  }

  /** For the transport alone. @returns whether less is unread now */
  ponged(payload: Uint8Array): boolean {
    const native = this.#native;
    if (native === undefined) return false;
    const isProof = this.#unread.proved(payload);
    this.#ask(native, isProof ? this.#unread.due() : this.#unread.again());
    return isProof;
  }

  /** For the transport alone: the native socket is gone. */
  detach(): void {
    this.#native = undefined;
  }

  #ask(native: NativeSocket, proof: Uint8Array | undefined): void {
    if (proof !== undefined) native.ping(proof);
  }

  #takePendingEnd(): PendingEnd | null | undefined {
    const pending = this.#corked;
    this.#corked = undefined;
    return pending;
  }

  #end(code: number | undefined, reason: string): void {
    const native = this.#native;
    if (native === undefined) return;
    this.#native = undefined;
    const end: PendingEnd = { native, code, reason };
    // uWebSockets.js sends no FIN behind a close frame that leaves with a cork of ours, and its peer would wait for one.
    if (this.#corked === null) this.#corked = end;
    else endNative(end);
  }
}

function endNative({ native, code, reason }: PendingEnd): void {
  if (code === undefined) native.close();
  else native.end(code, fitReason(reason));
}
