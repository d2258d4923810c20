// The Sockets port on ws and node:http, for platforms without the binary of uWebSockets.js. HTTP is in ws-http.ts.

import { readFileSync } from 'node:fs';
import { type IncomingMessage, type Server, ServerResponse, createServer } from 'node:http';
import { type Server as TlsServer, createServer as createTlsServer } from 'node:https';
import { Socket as NetSocket } from 'node:net';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';
import {
  ANSWER_PACE,
  type ListenOptions,
  type Listening,
  PACE_SWEEPS,
  PortInUse,
  type Sockets,
  TakenPace,
  type TlsFiles,
  type UpgradeDecision,
  type UpgradeRequest,
} from '../../ports/sockets.ts';
import { answerProblem, handleHttp, hasTwoHosts, unwrapAddress } from './ws-http.ts';
import { WsSocket } from './ws-socket.ts';

/** How long `stop` waits for close frames to be answered before it cuts what is left. */
const stopGraceMs = 200;
const sweepsPerIdleTimeout = 4;
const headersTimeoutMs = 10_000;
const requestTimeoutMs = 30_000;
/** How often node:http looks for requests beyond these; by itself it looks twice a minute. */
const timeoutsCheckedMs = 2_000;
const handshakeTimeoutMs = 10_000;
const closeTimeoutMs = 3_000;
/** How long whoever was refused a WebSocket may keep their side open. */
const lingerMs = 1_000;

/** The transport that runs wherever Node does. */
export function createWsSockets(): Sockets {
  return { name: 'ws', listen };
}

async function listen(options: ListenOptions): Promise<Listening> {
  const unanswered = new WeakSet<NetSocket>();
  const server = serverOf(options, unanswered);
  const open = new Set<WsSocket>();
  // Whatever has become of them: some are not with node:http yet or any more, and would keep the port from closing.
  const connections = new Set<NetSocket>();
  server.on('connection', (net: NetSocket) => {
    connections.add(net);
    net.once('close', () => connections.delete(net));
  });
  const { answering, sweepAnswers } = paceAnswers(server, options);
  let noneOpen: (() => void) | undefined;
  serveUpgrades(server, { open, answering, unanswered }, options, () => {
    if (open.size === 0) noneOpen?.();
  });
  await bind(server, options);
  const address = server.address();
  const port = address !== null && typeof address === 'object' ? address.port : options.port;

  const sweep = setInterval(
    () => {
      for (const socket of open) socket.sweep(sweepsPerIdleTimeout);
    },
    (options.idleTimeoutSeconds * 1000) / sweepsPerIdleTimeout,
  );
  const pace = options.answerPace ?? ANSWER_PACE;
  const paceSweep = setInterval(sweepAnswers, pace.windowMs / PACE_SWEEPS);

  let listenerClosed: Promise<void> | undefined;
  let stopped: Promise<void> | undefined;

  function stopListening(): Promise<void> {
    return (listenerClosed ??= new Promise((resolve) => {
      server.close(() => resolve());
    }));
  }

  async function closeAll(): Promise<void> {
    const allGone = stopListening();
    for (const socket of open) socket.close(1001, 'going away');
    const cut = setTimeout(() => {
      for (const socket of open) socket.terminate();
      for (const net of connections) net.destroy();
    }, stopGraceMs);
    await allGone;
    // ws tells of a close some turns after its connection has gone.
    await new Promise<void>((resolve) => {
      noneOpen = resolve;
      if (open.size === 0) resolve();
    });
    clearTimeout(cut);
    clearInterval(sweep);
    clearInterval(paceSweep);
  }

  return {
    port,
    stopAccepting: () => void stopListening(),
    renewCertificate: () => {
      if (options.tls !== undefined && 'setSecureContext' in server)
        server.setSecureContext(read(options.tls));
      return Promise.resolve();
    },
    stop: () => (stopped ??= closeAll()),
  };
}

/**
 * One request at a time: a connection that sends the next before it has its answer is ended, as uWebSockets.js does. Of the response that
 * would have to wait node:http never tells that the connection has gone, so its source would stay open; and behind it an upgrade throws.
 */
function serverOf(options: ListenOptions, unanswered: WeakSet<NetSocket>): Server | TlsServer {
  const limits = {
    headersTimeout: headersTimeoutMs,
    requestTimeout: requestTimeoutMs,
    connectionsCheckingInterval: timeoutsCheckedMs,
  };
  const handle = (req: IncomingMessage, res: ServerResponse): void => {
    const net = req.socket;
    if (unanswered.has(net)) {
      net.destroy();
      return;
    }
    unanswered.add(net);
    res.once('finish', () => unanswered.delete(net));
    handleHttp(req, res, options);
  };
  return options.tls === undefined
    ? createServer(limits, handle)
    : createTlsServer(
        { ...limits, ...read(options.tls), handshakeTimeout: handshakeTimeoutMs },
        handle,
      );
}

/** The connections of which HTTP has what is written, and what cuts those that take it too slowly. */
function paceAnswers(
  server: Server | TlsServer,
  { tls, answerPace = ANSWER_PACE }: ListenOptions,
): { readonly answering: Map<NetSocket, TakenPace>; readonly sweepAnswers: () => void } {
  const answering = new Map<NetSocket, TakenPace>();
  server.on(tls === undefined ? 'connection' : 'secureConnection', (net: NetSocket) => {
    answering.set(net, new TakenPace());
    net.once('close', () => answering.delete(net));
  });
  return {
    answering,
    sweepAnswers: () => {
      for (const [net, pace] of answering) {
        const waitingBytes = net.writableLength;
        if (pace.isTooSlow(waitingBytes > 0, net.bytesWritten - waitingBytes, answerPace))
          net.destroy();
      }
    },
  };
}

function read({ certFile, keyFile }: TlsFiles): { readonly cert: string; readonly key: string } {
  return { cert: readFileSync(certFile, 'utf8'), key: readFileSync(keyFile, 'utf8') };
}

function bind(server: Server | TlsServer, options: ListenOptions): Promise<void> {
  const { host, port } = options;
  return new Promise((resolve, reject) => {
    const fail = (error: NodeJS.ErrnoException): void => {
      const isTaken = error.code === 'EADDRINUSE' || error.code === 'EACCES';
      reject(isTaken ? new PortInUse(port, host) : error);
    };
    server.once('error', fail);
    // Not exclusive, the port of a cluster's worker is its first process's, which hands the connections round.
    server.listen({ host, port, exclusive: options.isShared !== true }, () => {
      server.off('error', fail);
      resolve();
    });
  });
}

interface Kept {
  readonly open: Set<WsSocket>;
  readonly answering: Map<NetSocket, TakenPace>;
  readonly unanswered: WeakSet<NetSocket>;
}

function serveUpgrades(
  server: Server | TlsServer,
  { open, answering, unanswered }: Kept,
  options: ListenOptions,
  afterClosed: () => void,
): void {
  const { listener, subprotocol } = options;
  // A variable, for the types of ws do not know closeTimeout yet.
  const serverOptions = {
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: options.maxPayloadBytes,
    closeTimeout: closeTimeoutMs,
    handleProtocols: (offered: Set<string>) => (offered.has(subprotocol) ? subprotocol : false),
  };
  const webSockets = new WebSocketServer(serverOptions);
  // What ws itself refuses, a key that is none for instance, is answered as all else.
  webSockets.on('wsClientError', ({ message }, stream, req) =>
    answerUpgradeAsHttp(req, netOf(stream), (res) => answerProblem(res, 400, message)),
  );

  server.on('upgrade', (req: IncomingMessage, stream: Duplex, head: Buffer) => {
    const net = netOf(stream);
    if (unanswered.has(net)) {
      net.destroy();
      return;
    }
    const target = req.url ?? '/';
    const queryAt = target.indexOf('?');
    const path = queryAt === -1 ? target : target.slice(0, queryAt);
    if (hasTwoHosts(req)) {
      answerUpgradeAsHttp(req, net, (res) =>
        answerProblem(res, 400, 'the request is not well formed'),
      );
      return;
    }
    if (path !== options.socketPath || req.headers.upgrade?.toLowerCase() !== 'websocket') {
      answerUpgradeAsHttp(req, net, (res) => handleHttp(req, res, options));
      return;
    }
    const request = toUpgradeRequest(req, queryAt === -1 ? '' : target.slice(queryAt + 1));
    const refusal = judgeUpgrade(request, options);
    if (refusal) {
      answerUpgradeAsHttp(req, net, (res) => answerProblem(res, refusal.status, refusal.message));
      return;
    }
    webSockets.handleUpgrade(req, net, head, (ws) => {
      const socket = new WsSocket(ws, net, request.remoteAddress, (drained) => {
        listener.drained(drained);
      });
      open.add(socket);
      // From here on the hub judges how it is read.
      answering.delete(net);
      // Without a perMessageDeflate or a binaryType of ours, a message is always one Buffer.
      ws.on('message', (data, isBinary) => listener.message(socket, data as Buffer, isBinary));
      ws.on('pong', (payload) => {
        if (socket.ponged(payload)) listener.drained(socket);
      });
      // `close` follows every error and carries what there is to know.
      ws.on('error', () => undefined);
      ws.on('close', (code, reason) => {
        open.delete(socket);
        listener.closed(socket, code, reason.toString());
        afterClosed();
      });
      listener.opened(socket, request);
    });
  });
}

/** What node:http hands over for a TCP listener is the net socket itself. */
function netOf(stream: Duplex): NetSocket {
  if (!(stream instanceof NetSocket)) throw new TypeError('a TCP listener gave no net socket');
  return stream;
}

function judgeUpgrade(
  request: UpgradeRequest,
  options: ListenOptions,
): (UpgradeDecision & { kind: 'reject' }) | undefined {
  // ws itself would take the drafts' version 8 as well.
  if (request.headers.get('sec-websocket-version') !== '13')
    return { kind: 'reject', status: 400, message: 'WebSocket version 13 is needed' };
  const offered = request.headers.get('sec-websocket-protocol');
  if (
    offered !== undefined &&
    !offered.split(',').some((name) => name.trim() === options.subprotocol)
  )
    return { kind: 'reject', status: 400, message: `subprotocol ${options.subprotocol} is needed` };
  try {
    const decision = options.upgrade(request);
    return decision.kind === 'reject' ? decision : undefined;
  } catch {
    return { kind: 'reject', status: 500, message: 'internal error' };
  }
}

function toUpgradeRequest(req: IncomingMessage, query: string): UpgradeRequest {
  const headers = new Map<string, string>();
  for (const [name, value] of Object.entries(req.headers))
    if (value !== undefined) headers.set(name, Array.isArray(value) ? value.join(', ') : value);
  return {
    remoteAddress: unwrapAddress(req.socket.remoteAddress),
    origin: req.headers.origin,
    headers,
    query,
  };
}

/** node:http has let go of a socket whose request asked for an upgrade; this answers it like any other request. */
function answerUpgradeAsHttp(
  req: IncomingMessage,
  net: NetSocket,
  answer: (res: ServerResponse) => void,
): void {
  net.on('error', () => net.destroy());
  // Read to its end, and to nobody: what is left unread would end the connection by a reset, which may take the answer with it.
  net.resume();
  const res = new ServerResponse(req);
  // Which node:http passes on for its own only.
  net.on('drain', () => res.emit('drain'));
  res.shouldKeepAlive = false;
  res.assignSocket(net);
  res.once('finish', () => {
    res.detachSocket(net);
    net.end();
    // node:http lets the other side stay open for as long as the peer likes, and looks after this one no more.
    const linger = setTimeout(() => net.destroy(), lingerMs);
    net.once('close', () => clearTimeout(linger));
  });
  answer(res);
}
