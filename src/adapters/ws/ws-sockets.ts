// The Sockets port on ws and node:http, for platforms without the binary of uWebSockets.js. HTTP is in ws-http.ts.

import { readFileSync } from 'node:fs';
import { type IncomingMessage, type Server, ServerResponse, createServer } from 'node:http';
import { type Server as TlsServer, createServer as createTlsServer } from 'node:https';
import { Socket as NetSocket } from 'node:net';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';
import {
  type ListenOptions,
  type Listening,
  PortInUse,
  type Sockets,
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

/** The transport that runs wherever Node does. */
export function createWsSockets(): Sockets {
  return { name: 'ws', listen };
}

async function listen(options: ListenOptions): Promise<Listening> {
  const server = serverOf(options);
  const open = new Set<WsSocket>();
  let noneOpen: (() => void) | undefined;
  serveUpgrades(server, open, options, () => {
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
      server.closeAllConnections();
    }, stopGraceMs);
    await allGone;
    // ws tells of a close some turns after its connection has gone.
    await new Promise<void>((resolve) => {
      noneOpen = resolve;
      if (open.size === 0) resolve();
    });
    clearTimeout(cut);
    clearInterval(sweep);
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

function serverOf(options: ListenOptions): Server | TlsServer {
  const limits = {
    headersTimeout: headersTimeoutMs,
    requestTimeout: requestTimeoutMs,
    connectionsCheckingInterval: timeoutsCheckedMs,
  };
  const handle = (req: IncomingMessage, res: ServerResponse): void => handleHttp(req, res, options);
  return options.tls === undefined
    ? createServer(limits, handle)
    : createTlsServer(
        { ...limits, ...read(options.tls), handshakeTimeout: handshakeTimeoutMs },
        handle,
      );
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

function serveUpgrades(
  server: Server | TlsServer,
  open: Set<WsSocket>,
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

  server.on('upgrade', (req: IncomingMessage, stream: Duplex, head: Buffer) => {
    // What node:http hands over for a TCP listener is the net socket itself.
    if (!(stream instanceof NetSocket)) throw new TypeError('a TCP listener gave no net socket');
    const net = stream;
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
      // Without a perMessageDeflate or a binaryType of ours, a message is always one Buffer.
      ws.on('message', (data, isBinary) => listener.message(socket, data as Buffer, isBinary));
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
  const res = new ServerResponse(req);
  res.shouldKeepAlive = false;
  res.assignSocket(net);
  res.once('finish', () => {
    res.detachSocket(net);
    net.end();
  });
  answer(res);
}
