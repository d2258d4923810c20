// A SocketListener that writes down what a transport calls, in order, and lets a test wait for it.

import type { Socket, SocketListener, UpgradeRequest } from '../../src/ports/sockets.ts';

export type SocketEvent =
  | { kind: 'opened'; socket: Socket; request: UpgradeRequest }
  | { kind: 'message'; socket: Socket; data: Buffer; isBinary: boolean }
  | { kind: 'drained'; socket: Socket }
  | { kind: 'closed'; socket: Socket; code: number; reason: string };

type EventOf<K extends SocketEvent['kind']> = Extract<SocketEvent, { kind: K }>;

export class SocketRecorder implements SocketListener {
  readonly events: SocketEvent[] = [];
  /** Runs inside the callback, for what must hold there. */
  during: (event: SocketEvent) => void = () => undefined;
  #taken = new Set<SocketEvent>();
  #waiting: (() => void)[] = [];

  opened(socket: Socket, request: UpgradeRequest): void {
    this.#record({ kind: 'opened', socket, request });
  }

  message(socket: Socket, data: Uint8Array, isBinary: boolean): void {
    this.#record({ kind: 'message', socket, data: Buffer.from(data), isBinary });
  }

  drained(socket: Socket): void {
    this.#record({ kind: 'drained', socket });
  }

  closed(socket: Socket, code: number, reason: string): void {
    this.#record({ kind: 'closed', socket, code, reason });
  }

  /** The first event of the kind that no earlier call took, waiting for it if need be. */
  async next<K extends SocketEvent['kind']>(kind: K, socket?: Socket): Promise<EventOf<K>> {
    for (;;) {
      const found = this.events.find(
        (event): event is EventOf<K> =>
          event.kind === kind &&
          !this.#taken.has(event) &&
          (socket === undefined || event.socket === socket),
      );
      if (found) {
        this.#taken.add(found);
        return found;
      }
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  /** The kinds of what happened to one socket, in order. */
  kindsOf(socket: Socket): string[] {
    return this.events.filter((event) => event.socket === socket).map(({ kind }) => kind);
  }

  #record(event: SocketEvent): void {
    this.events.push(event);
    this.during(event);
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const wake of waiting) wake();
  }
}
