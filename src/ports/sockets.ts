// The port to sockets and HTTP on one listening port: what the hub may ask of a transport, and what it must answer for.
import { OperationalError } from './operational-error.ts';

/** A WebSocket message encoded once and sent to any number of sockets. Never mutated after it was made. */
export interface Frame {
  readonly bytes: Uint8Array;
  /** True for a binary message; false for text, whose bytes are then UTF-8. */
  readonly isBinary: boolean;
}

/**
 * What became of a send.
 * - `sent`: handed to the kernel whole.
 * - `buffered`: kept in this process until the peer reads; `drained` will be called when it has gone.
 * - `closed`: the socket was no longer open; nothing was kept.
 * No outcome is ever hidden: a transport that cannot tell must not implement this port.
 */
export type SendOutcome = 'sent' | 'buffered' | 'closed';

/** One open WebSocket as the hub sees it. Safe to call in any state: after the close every call is a no-op. */
export interface Socket {
  /** The peer's address as the transport saw it (textual, IPv4-mapped IPv6 unwrapped). */
  readonly remoteAddress: string;
  readonly isOpen: boolean;
  /** Bytes accepted by `send` and not yet handed to the kernel. */
  readonly bufferedBytes: number;
  /**
   * Bytes of messages of which the peer has not shown that it has read them, about: the transport asks it to at intervals, so what is on its way
   * is among it, and so are some last ones that nobody asked for. A message counts for 256 KiB at most.
   */
  readonly unreadBytes: number;
  send(frame: Frame): SendOutcome;
  /** Runs `sends` so that everything it sends on this socket leaves in one system call where the transport can. */
  cork(sends: () => void): void;
  /** Sends a close frame behind whatever is buffered. The `closed` callback follows, also if the peer never answers. */
  close(code: number, reason: string): void;
  /** Drops the connection at once and frees what is buffered. The peer sees 1006. `closed` follows. */
  terminate(): void;
}

/** The HTTP request that asks for a WebSocket. */
export interface UpgradeRequest {
  readonly remoteAddress: string;
  /** The `Origin` header, or undefined for a client that is no browser. */
  readonly origin: string | undefined;
  /** Lower-cased header names. */
  readonly headers: ReadonlyMap<string, string>;
  /** The raw query string without `?`. */
  readonly query: string;
}

/** `accept` opens the socket; `reject` answers the HTTP request with a status and problem text instead. */
export type UpgradeDecision =
  | { readonly kind: 'accept' }
  | { readonly kind: 'reject'; readonly status: number; readonly message: string };

/**
 * What a transport calls. Every callback is synchronous, and the transport must be in a state where the socket may be sent to
 * from within it. For one socket the order is: `opened`, any number of `message` and `drained`, then exactly one `closed`.
 */
export interface SocketListener {
  opened(socket: Socket, request: UpgradeRequest): void;
  /** `data` belongs to the transport and is valid only until this returns: copy what is kept. */
  message(socket: Socket, data: Uint8Array, isBinary: boolean): void;
  /** Some or all of what was buffered has gone, or of what was unread was read; look at `bufferedBytes` and `unreadBytes`. */
  drained(socket: Socket): void;
  /** The socket is gone. 1006 where no close frame was received. Sends from here on return `closed`. */
  closed(socket: Socket, code: number, reason: string): void;
}

/** How slowly an answer may be taken: who is behind for `windowMs`, and has not taken `minBytes` more by then, is cut. */
export interface AnswerPace {
  readonly windowMs: number;
  readonly minBytes: number;
}

/**
 * One KiB a second. A player that has enough for now stops reading for longer than any other honest peer: Chromium does so 3 MiB ahead and
 * goes on at 2 MiB, which is 64 s of 128 kbit/s and 128 s of 64 kbit/s; the rest is for what the kernels on the way give up in lumps. One
 * that is paused for longer is cut, and asks for the range that it lacks. What may take for ever holds an open file or a cursor for ever.
 */
export const ANSWER_PACE: AnswerPace = { windowMs: 180_000, minBytes: 180 * 1024 };

/** How often in a window a transport looks. */
export const PACE_SWEEPS = 12;

/** What one connection takes of its answers, looked at `PACE_SWEEPS` times a window. */
export class TakenPace {
  #fromBytes = 0;
  #sweepsBehind = 0;

  /** `isBehind` while something waits for the peer: time in which the source of a body is slow is not the peer's. */
  isTooSlow(isBehind: boolean, takenBytes: number, { minBytes }: AnswerPace): boolean {
    if (isBehind && takenBytes - this.#fromBytes < minBytes) this.#sweepsBehind += 1;
    else {
      this.#fromBytes = takenBytes;
      this.#sweepsBehind = 0;
    }
    return this.#sweepsBehind >= PACE_SWEEPS;
  }
}

/** What an answer of data says to browsers: it is no document that does anything, is never taken for one, and names no page to others. */
export const DATA_HEADERS: Readonly<Record<string, string>> = {
  'x-content-type-options': 'nosniff',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
};

export interface ListenOptions {
  /** An address to bind, for instance `127.0.0.1` or `0.0.0.0`. */
  readonly host: string;
  /** 0 asks the system for a free one. */
  readonly port: number;
  /** Both in PEM; without them there is no TLS. They are right: whoever listens has looked. */
  readonly tls?: TlsFiles | undefined;
  /** Other processes of this service listen on the port as well, and each gets some of the connections. Never with port 0. */
  readonly isShared?: boolean;
  /** The only path that may be upgraded, for instance `/v1/socket`; anything else is HTTP. */
  readonly socketPath: string;
  /** Chosen when the client offers it; a client that offers others only is refused with 400 by the transport. */
  readonly subprotocol: string;
  /** A message larger than this closes its socket (1009 where the transport can say so, else 1006) before it is held in memory. */
  readonly maxPayloadBytes: number;
  /** A socket silent for this long, its pongs included, is closed. The transport sends pings so that a live peer never is. */
  readonly idleTimeoutSeconds: number;
  /** Largest HTTP request body; a larger one is answered 413 without being read. */
  readonly maxBodyBytes: number;
  /** Of HTTP, refused upgrades too. `ANSWER_PACE` unless it is said. */
  readonly answerPace?: AnswerPace;
  upgrade(request: UpgradeRequest): UpgradeDecision;
  readonly listener: SocketListener;
  /**
   * Every HTTP request whose line and headers are 16 KiB at most; larger ones, upgrades too, end their connection. The body of the
   * response is pulled only as fast as the peer reads it, and cancelled when the peer goes away or is cut for being too slow. A
   * connection has one request at a time: a transport may end one that sends the next before it was answered.
   * A throw is answered 500 without details.
   */
  fetch(request: Request, peer: { readonly remoteAddress: string }): Response | Promise<Response>;
}

/** Paths of a certificate with those that lead to its root, and of its key. */
export interface TlsFiles {
  readonly certFile: string;
  readonly keyFile: string;
}

/** A listening port. */
export interface Listening {
  /** The port that was bound. */
  readonly port: number;
  /** Stops accepting, so that a balancer goes elsewhere, while open sockets and requests go on. Idempotent. */
  stopAccepting(): void;
  /**
   * Reads the files of `tls` again, for connections that come from then on; those that are open go on. Nothing without TLS. Not again
   * before it has resolved, which takes as long as a transport needs to bind the port anew. Rejects where the files cannot be used, and with
   * `PortInUse` where the system chose the port; the certificate before serves on then.
   */
  renewCertificate(): Promise<void>;
  /** Closes everything. Open sockets get 1001. Idempotent; resolves when the port is free. */
  stop(): Promise<void>;
}

/** A transport: uWebSockets.js or ws with node:http. */
export interface Sockets {
  readonly name: 'uws' | 'ws';
  /** Binds and serves. Rejects with `PortInUse` or the system's error; then nothing is left open. */
  listen(options: ListenOptions): Promise<Listening>;
}

/** The port asked for belongs to another process, or may not be bound. */
export class PortInUse extends OperationalError {
  readonly port: number;
  constructor(port: number, host: string) {
    super(
      `port ${port} on ${host} cannot be bound: it is in use or not allowed; set PORT to another one`,
    );
    this.name = 'PortInUse';
    this.port = port;
  }
}
