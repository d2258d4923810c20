// A socket whose peer is the test: it keeps what was sent, and can be slow.
import type { Frame, SendOutcome, Socket } from '../../src/ports/sockets.ts';

export class FakeSocket implements Socket {
  readonly remoteAddress: string;
  isOpen = true;
  bufferedBytes = 0;
  unreadBytes = 0;
  /** While true nothing reaches the peer: it is buffered. */
  isStalled = false;
  readonly received: Frame[] = [];
  closedWith: { readonly code: number; readonly reason: string } | undefined;
  wasTerminated = false;
  onClose: ((code: number, reason: string) => void) | undefined;

  constructor(remoteAddress = '127.0.0.1') {
    this.remoteAddress = remoteAddress;
  }

  send(frame: Frame): SendOutcome {
    if (!this.isOpen) return 'closed';
    this.received.push(frame);
    if (!this.isStalled) return 'sent';
    this.bufferedBytes += frame.bytes.length;
    return 'buffered';
  }

  cork(sends: () => void): void {
    sends();
  }

  close(code: number, reason: string): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    this.closedWith = { code, reason };
    this.onClose?.(code, reason);
  }

  terminate(): void {
    if (this.wasTerminated) return;
    this.wasTerminated = true;
    const wasOpen = this.isOpen;
    this.isOpen = false;
    if (wasOpen) this.onClose?.(1006, '');
  }

  /** The messages of all text frames so far; `take` forgets them. */
  messages(): Record<string, unknown>[] {
    return this.received
      .filter((frame) => !frame.isBinary)
      .map((frame) => JSON.parse(new TextDecoder().decode(frame.bytes)) as Record<string, unknown>);
  }

  take(): Record<string, unknown>[] {
    const messages = this.messages();
    this.received.length = 0;
    return messages;
  }
}
