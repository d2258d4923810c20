// The way out: collects what a tick produced for each socket, sends it in one go, and looks at each outcome.
// Knows connections and bytes; knows no rooms.
import type { CloseReason } from '../../protocol/close-codes.ts';
import type { Frame, Socket } from '../ports/sockets.ts';
import type { Timers } from '../ports/timers.ts';
import type { Connection } from './connection.ts';
import type { HubMetrics } from './hub-metrics.ts';

export interface OutboxOptions {
  readonly softBufferBytes: number;
  readonly hardBufferBytes: number;
  readonly mostUnreadBytes: number;
}

const CUT_AFTER_MS = 5_000;

export class Outbox {
  readonly #timers: Timers;
  readonly #metrics: HubMetrics;
  readonly #options: OutboxOptions;
  #dirty: Connection[] = [];
  #isScheduled = false;
  #whenSent: (() => void)[] = [];

  constructor(timers: Timers, metrics: HubMetrics, options: OutboxOptions) {
    this.#timers = timers;
    this.#metrics = metrics;
    this.#options = options;
  }

  /** Queues a frame that must reach the peer: a reply, or a push that nothing repairs. */
  enqueue(connection: Connection, frame: Frame): void {
    const { pending } = connection;
    if (pending === undefined) {
      connection.pending = frame;
      this.#dirty.push(connection);
      this.#schedule();
    } else if (Array.isArray(pending)) {
      pending.push(frame);
    } else {
      connection.pending = [pending, frame];
    }
  }

  /**
   * Queues a frame of a room's stream. A connection that is behind does not get it, and is owed a snapshot instead.
   * @returns whether it was queued
   */
  enqueueStream(connection: Connection, frame: Frame): boolean {
    if (connection.isBehind) {
      this.#metrics.framesWithheld += 1;
      return false;
    }
    this.enqueue(connection, frame);
    return true;
  }

  /** Calls back once, when all that was queued until now has been handed over. */
  whenSent(callback: () => void): void {
    this.#whenSent.push(callback);
    this.#schedule();
  }

  /** Closes the connection behind all that it was promised, the answers of this very tick among it. */
  close(connection: Connection, reason: CloseReason, message?: string): void {
    this.#send(connection);
    connection.close(reason, message);
  }

  readonly #flush = (): void => {
    this.#isScheduled = false;
    const dirty = this.#dirty;
    this.#dirty = [];
    for (const connection of dirty) this.#send(connection);
    if (this.#whenSent.length > 0) for (const callback of this.#whenSent.splice(0)) callback();
  };

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    this.#timers.atEndOfTick(this.#flush);
  }

  #send(connection: Connection): void {
    const { pending, socket } = connection;
    connection.pending = undefined;
    if (pending === undefined) return;
    let isBuffered = false;
    // One send a socket and tick: several frames leave in one system call.
    if (Array.isArray(pending)) {
      socket.cork(() => {
        for (const frame of pending) isBuffered = this.#sendOne(socket, frame) || isBuffered;
      });
    } else {
      isBuffered = this.#sendOne(socket, pending);
    }
    // Looked at once all has been handed over: what a cork holds back is not what a slow peer leaves unread.
    if (isBuffered) this.#watch(connection);
    if (socket.unreadBytes > this.#options.mostUnreadBytes) this.#fallsBehind(connection);
  }

  /** @returns whether something stayed behind */
  #sendOne(socket: Socket, frame: Frame): boolean {
    const metrics = this.#metrics;
    switch (socket.send(frame)) {
      case 'sent':
        metrics.framesSent += 1;
        metrics.bytesSent += frame.bytes.length;
        return false;
      case 'buffered':
        metrics.framesBuffered += 1;
        metrics.bytesSent += frame.bytes.length;
        return true;
      case 'closed':
        metrics.framesClosed += 1;
        return false;
    }
  }

  #watch(connection: Connection): void {
    const { bufferedBytes } = connection.socket;
    if (bufferedBytes > this.#options.hardBufferBytes) {
      this.#metrics.closedTooSlow += 1;
      // The close frame waits behind a full buffer: a peer that reads again learns why, and one that does not is cut, so that its
      // buffer does not stay in memory until the idle timeout.
      connection.close('too_slow');
      this.#timers.after(CUT_AFTER_MS, () => connection.socket.terminate());
    } else if (bufferedBytes > this.#options.softBufferBytes) {
      this.#fallsBehind(connection);
    }
  }

  #fallsBehind(connection: Connection): void {
    if (connection.isBehind) return;
    connection.isBehind = true;
    this.#metrics.socketsBehind += 1;
  }

  /** Whether a connection has read so little of what it was sent that it gets no long answers. */
  isReadingLittle({ socket }: Connection): boolean {
    return socket.unreadBytes > this.#options.mostUnreadBytes / 2;
  }

  /**
   * Some of a connection's buffer has gone, or it has read some of what it was sent.
   * @returns whether it has just caught up, and is owed its snapshots
   */
  drained(connection: Connection): boolean {
    const isFull = connection.socket.bufferedBytes > this.#options.softBufferBytes / 2;
    if (!connection.isBehind || isFull || this.isReadingLittle(connection)) return false;
    connection.isBehind = false;
    return true;
  }
}
