// The Sockets port on uWebSockets.js: listening, upgrades, and the callbacks of its WebSockets. HTTP is in uws-http.ts.

import type {
  HttpRequest,
  HttpResponse,
  TemplatedApp,
  us_listen_socket,
  us_socket_context_t,
} from 'uWebSockets.js';
import {
  ANSWER_PACE,
  type ListenOptions,
  type Listening,
  PACE_SWEEPS,
  PortInUse,
  type Sockets,
  type UpgradeDecision,
  type UpgradeRequest,
} from '../../ports/sockets.ts';
import {
  answerProblem,
  endUnfit,
  handleHttp,
  maxHeadBytes,
  queryOf,
  remoteAddressOf,
} from './uws-http.ts';
import type { ResponseWriter } from './uws-response.ts';
import { type UwsAttachment, UwsSocket } from './uws-socket.ts';

type Listen = (
  host: string,
  port: number,
  options: number,
  listening: (token: us_listen_socket | false) => void,
) => void;

type UwsApp = Omit<TemplatedApp, 'listen'> & { listen: Listen };

/** What is used of the binary; its own types lack a `listen` with both a host and options. */
interface Uws {
  App(): UwsApp;
  SSLApp(options: { readonly cert_file_name: string; readonly key_file_name: string }): UwsApp;
  us_listen_socket_close(token: us_listen_socket): void;
  us_socket_local_port(token: us_listen_socket): number;
  readonly DISABLED: number;
  readonly LIBUS_LISTEN_EXCLUSIVE_PORT: number;
}

/** How long `stop` waits for close frames to be read before it cuts what is left. */
const stopGraceMs = 200;
/** How often it is tried to bind a port that was closed, where it does not succeed at once. */
const rebindMs = 10;
const rebindTries = 100;
const slowMs = 1_000;
/** What uWebSockets.js accepts; outside it ends the process. */
const minIdleTimeoutSeconds = 8;
const maxIdleTimeoutSeconds = 960;

/**
 * Sets how large the head of a request may be that comes in pieces, which the binary reads from its environment as it is loaded: by itself it
 * refuses above 4 KiB what other transports take, and a login's token may be larger. What comes in one piece is judged in uws-http.ts.
 */
function boundHeads(): void {
  process.env['UWS_HTTP_MAX_HEADERS_SIZE'] = String(maxHeadBytes);
}

/**
 * Loads the binary of uWebSockets.js, which exists for some platforms only. `reason` is one line for the log.
 */
export async function loadUwsSockets(): Promise<
  { kind: 'ok'; sockets: Sockets } | { kind: 'unavailable'; reason: string }
> {
  try {
    boundHeads();
    const uws = (await import('uWebSockets.js')).default as unknown as Uws;
    return {
      kind: 'ok',
      sockets: { name: 'uws', listen: (options) => listen(uws, options) },
    };
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    const lines = text.split('\n').filter((line) => line.trim() !== '');
    return {
      kind: 'unavailable',
      reason: `uWebSockets.js cannot be loaded on ${process.platform}-${process.arch}, Node ${process.versions.node}: ${lines.at(-1) ?? 'no reason given'}`,
    };
  }
}

function listen(uws: Uws, options: ListenOptions): Promise<Listening> {
  const open = new Set<UwsSocket>();
  const answers = new Set<ResponseWriter>();
  const apps: UwsApp[] = [];
  let accepting: us_listen_socket | undefined;

  /** Lets an app accept; false where the port cannot be bound. */
  function accept(app: UwsApp, port: number): boolean {
    // Shared, the port is bound by each process for itself (SO_REUSEPORT), and the kernel spreads the connections.
    const exclusivity = options.isShared === true ? 0 : uws.LIBUS_LISTEN_EXCLUSIVE_PORT;
    app.listen(options.host, port, exclusivity, (token) => {
      if (token) accepting = token;
    });
    if (accepting === undefined) return false;
    apps.push(app);
    return true;
  }

  const first = appOf(uws, options, open, answers);
  if (!accept(first, options.port)) {
    first.close();
    return Promise.reject(new PortInUse(options.port, options.host));
  }

  const port = accepting === undefined ? options.port : uws.us_socket_local_port(accepting);
  const pace = options.answerPace ?? ANSWER_PACE;
  const paceSweep = setInterval(() => {
    for (const answer of answers) answer.sweep(pace);
  }, pace.windowMs / PACE_SWEEPS);
  let isWanted = true;
  let stopped: Promise<void> | undefined;

  function closePort(): void {
    if (accepting === undefined) return;
    uws.us_listen_socket_close(accepting);
    accepting = undefined;
  }

  function stopAccepting(): void {
    isWanted = false;
    closePort();
  }

  /**
   * Another app takes the port over, for an app keeps the certificate that it was made with. Who had connected and was not accepted yet,
   * which is a matter of microseconds, is refused and tries again.
   */
  async function renewCertificate(): Promise<void> {
    if (options.tls === undefined) return;
    // Such a port is bound so that it cannot be bound again as long as a connection to it is left.
    if (options.port === 0) throw new PortInUse(port, options.host);
    // Before the port is closed: where the files cannot be used after all, the one before serves on.
    const app = appOf(uws, options, open, answers);
    closePort();
    // Until it succeeds, whatever becomes of the files: without the port nobody comes in at all.
    for (let tries = 0; isWanted && !accept(app, port); tries += 1)
      await new Promise((resolve) => setTimeout(resolve, tries < rebindTries ? rebindMs : slowMs));
    if (!isWanted) app.close();
  }

  function closeAll(): Promise<void> {
    stopAccepting();
    const graceMs = open.size > 0 ? stopGraceMs : 0;
    for (const socket of [...open]) socket.close(1001, 'going away');
    return new Promise((resolve) => {
      // Never at once: inside a callback of uWebSockets.js this would free what it goes on to use.
      setTimeout(() => {
        for (const app of apps) app.close();
        clearInterval(paceSweep);
        resolve();
      }, graceMs);
    });
  }

  return Promise.resolve({
    port,
    stopAccepting,
    renewCertificate,
    stop: () => (stopped ??= closeAll()),
  });
}

/** With all its routes, and not listening yet. */
function appOf(
  uws: Uws,
  options: ListenOptions,
  open: Set<UwsSocket>,
  answers: Set<ResponseWriter>,
): UwsApp {
  const { listener, tls } = options;
  const app =
    tls === undefined
      ? uws.App()
      : uws.SSLApp({ cert_file_name: tls.certFile, key_file_name: tls.keyFile });
  // The request of the upgrade that is being performed: uWebSockets.js opens the socket before `upgrade` returns.
  let upgrading: UpgradeRequest | undefined;

  app.ws<UwsAttachment>(options.socketPath, {
    compression: uws.DISABLED,
    maxPayloadLength: options.maxPayloadBytes,
    // Without a limit nothing is dropped: whoever sends watches bufferedBytes and closes with a code that says why.
    maxBackpressure: 0,
    sendPingsAutomatically: true,
    idleTimeout: Math.min(
      maxIdleTimeoutSeconds,
      Math.max(minIdleTimeoutSeconds, Math.ceil(options.idleTimeoutSeconds)),
    ),
    upgrade(res, req, context) {
      if (endUnfit(res, req)) return;
      const verdict = judgeUpgrade(res, req, options);
      if (verdict.kind === 'reject') {
        answerProblem(res, verdict.status, verdict.message, true);
        return;
      }
      upgrading = verdict.request;
      acceptUpgrade(res, req, context, verdict, options.subprotocol);
      upgrading = undefined;
    },
    open(native) {
      const { socket } = native.getUserData();
      socket.attach(native);
      open.add(socket);
      if (upgrading) listener.opened(socket, upgrading);
    },
    message(native, message, isBinary) {
      listener.message(native.getUserData().socket, new Uint8Array(message), isBinary);
    },
    drain(native) {
      const { socket } = native.getUserData();
      if (socket.isOpen) listener.drained(socket);
    },
    pong(native, message) {
      const { socket } = native.getUserData();
      if (socket.ponged(new Uint8Array(message))) listener.drained(socket);
    },
    close(native, code, message) {
      // `native` throws by now, but what was attached to it is still there as a plain property.
      const { socket } = native as unknown as UwsAttachment;
      open.delete(socket);
      const reason = Buffer.from(message).toString();
      if (socket.isOpen) {
        socket.detach();
        listener.closed(socket, code, reason);
      } else {
        // We are inside our own close() or terminate(): its caller must not be called back before it has returned.
        queueMicrotask(() => listener.closed(socket, code, reason));
      }
    },
  });
  app.any('/*', (res, req) => handleHttp(res, req, options, answers));
  return app;
}

type Verdict =
  | { readonly kind: 'accept'; readonly request: UpgradeRequest; readonly offersProtocol: boolean }
  | { readonly kind: 'reject'; readonly status: number; readonly message: string };

/** Everything that may refuse an upgrade. Never throws: an upgrade left unanswered ends the process in uWebSockets.js. */
function judgeUpgrade(res: HttpResponse, req: HttpRequest, options: ListenOptions): Verdict {
  if (req.getHeader('upgrade').toLowerCase() !== 'websocket')
    return { kind: 'reject', status: 400, message: 'not a WebSocket handshake' };
  if (req.getHeader('sec-websocket-version') !== '13')
    return { kind: 'reject', status: 400, message: 'WebSocket version 13 is needed' };
  const offered = req.getHeader('sec-websocket-protocol');
  const offersProtocol = offered !== '';
  if (offersProtocol && !offered.split(',').some((name) => name.trim() === options.subprotocol))
    return { kind: 'reject', status: 400, message: `subprotocol ${options.subprotocol} is needed` };
  const headers = new Map<string, string>();
  req.forEach((name, value) => {
    const before = headers.get(name);
    headers.set(name, before === undefined ? value : `${before}, ${value}`);
  });
  if (headers.get('host')?.includes(', ') === true)
    return { kind: 'reject', status: 400, message: 'the request is not well formed' };
  const request: UpgradeRequest = {
    remoteAddress: remoteAddressOf(res),
    origin: headers.get('origin'),
    headers,
    query: queryOf(req),
  };
  let decision: UpgradeDecision;
  try {
    decision = options.upgrade(request);
  } catch {
    return { kind: 'reject', status: 500, message: 'internal error' };
  }
  return decision.kind === 'accept' ? { kind: 'accept', request, offersProtocol } : decision;
}

function acceptUpgrade(
  res: HttpResponse,
  req: HttpRequest,
  context: us_socket_context_t,
  verdict: Verdict & { kind: 'accept' },
  subprotocol: string,
): void {
  res.upgrade<UwsAttachment>(
    { socket: new UwsSocket(verdict.request.remoteAddress) },
    req.getHeader('sec-websocket-key'),
    verdict.offersProtocol ? subprotocol : '',
    '',
    context,
  );
}
