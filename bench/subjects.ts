// The servers of the fan-out bench: Earshot's own hub on both transports, and what others would build on.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createRequire } from 'node:module';
import { Server as SocketIoServer } from 'socket.io';
import { WebSocketServer, type WebSocket } from 'ws';
import type * as Uws from 'uWebSockets.js';
import { MemoryArchive } from '../src/adapters/memory/memory-archive.ts';
import { MemoryChatLog } from '../src/adapters/memory/memory-chat-log.ts';
import { MemoryRoomLog } from '../src/adapters/memory/memory-room-log.ts';
import { MemoryUsers } from '../src/adapters/memory/memory-users.ts';
import { createJwtAuthenticator } from '../src/adapters/system/jwt-authenticator.ts';
import { createPinoLog } from '../src/adapters/system/pino-log.ts';
import { createPromMetrics } from '../src/adapters/system/prom-metrics.ts';
import { createSystemHubClock } from '../src/adapters/system/system-hub-clock.ts';
import { systemRandom } from '../src/adapters/system/system-random.ts';
import { systemTimers } from '../src/adapters/system/system-timers.ts';
import { loadUwsSockets } from '../src/adapters/uws/uws-sockets.ts';
import { createWsSockets } from '../src/adapters/ws/ws-sockets.ts';
import { Hub } from '../src/hub/hub.ts';
import { DEFAULT_HUB_OPTIONS } from '../src/hub/hub-options.ts';
import type { LiveRoom } from '../src/hub/live-room.ts';
import type { UserId } from '../protocol/ids.ts';
import { SOCKET_PATH, SUBPROTOCOL } from '../protocol/version.ts';
import { BENCH_SECRET } from './bench-token.ts';
import { peerMessage, type Subject, type SubjectName } from './subject.ts';

const HOST = '127.0.0.1';
/** Makes a frame of about `PEER_PAYLOAD_BYTES`. */
const CHAT_CHARACTERS = 450;
const OWNER = '00000000-0000-4000-8000-000000000001' as UserId;

export async function startSubject(name: SubjectName, roomCount: number): Promise<Subject> {
  switch (name) {
    case 'earshot-uws':
    case 'earshot-ws':
      return startEarshot(name === 'earshot-uws' ? 'uws' : 'ws', roomCount);
    case 'uws-publish':
    case 'uws-send':
      return startUws(name === 'uws-publish', roomCount);
    case 'ws':
      return startWs(roomCount);
    case 'socket.io':
      return startSocketIo(roomCount);
  }
}

/** A chat message on its whole way, from the log in memory to the sockets. */
async function startEarshot(transport: 'uws' | 'ws', roomCount: number): Promise<Subject> {
  const archive = new MemoryArchive();
  const hub = new Hub(
    {
      roomLog: new MemoryRoomLog(archive),
      chatLog: new MemoryChatLog(),
      users: new MemoryUsers(),
      archive,
      authenticator: createJwtAuthenticator({ secret: BENCH_SECRET, tokenLifeMs: 3_600_000 }),
      catalogue: { get: () => undefined },
      clock: createSystemHubClock(0, 1),
      timers: systemTimers,
      random: systemRandom,
      log: createPinoLog('warn'),
      metrics: createPromMetrics(),
    },
    { ...DEFAULT_HUB_OPTIONS, maxConnectionsPerAddress: 100_000 },
  );
  const rooms: LiveRoom[] = [];
  for (let n = 0; n < roomCount; n += 1) {
    const room = await hub.rooms.create(
      { id: OWNER, name: 'Owner', guest: true },
      { name: `Room ${n}` },
      systemRandom.roomId(),
    );
    if ('code' in room) throw new Error(room.message);
    rooms.push(room);
  }
  const uws = transport === 'uws' ? await loadUwsSockets() : undefined;
  if (uws?.kind === 'unavailable') throw new Error(uws.reason);
  const listening = await (uws?.sockets ?? createWsSockets()).listen({
    host: HOST,
    port: 0,
    socketPath: SOCKET_PATH,
    subprotocol: SUBPROTOCOL,
    maxPayloadBytes: 65_536,
    maxBodyBytes: 65_536,
    idleTimeoutSeconds: 120,
    upgrade: (request) => hub.upgrade(request),
    listener: hub,
    fetch: () => new Response(null, { status: 404 }),
  });
  const text = 'x'.repeat(CHAT_CHARACTERS);
  return {
    port: listening.port,
    rooms: rooms.map((room) => room.id),
    publish: (index) => void rooms[index]?.chat.send(OWNER, 'Owner', text),
  };
}

/** Peers enter room `n` by opening `/n`. */
function roomNames(roomCount: number): string[] {
  return Array.from({ length: roomCount }, (_, n) => String(n));
}

async function startUws(publishes: boolean, roomCount: number): Promise<Subject> {
  // The types of the package are CommonJS; its values come by require.
  const uws = createRequire(import.meta.url)('uWebSockets.js') as typeof Uws;
  const members = Array.from(
    { length: roomCount },
    () => new Set<Uws.WebSocket<{ room: number }>>(),
  );
  const app: Uws.TemplatedApp = uws.App();
  app.ws<{ room: number }>('/:room', {
    maxBackpressure: 64 * 1_024 * 1_024,
    upgrade: (res, req, context) => {
      res.upgrade(
        { room: Number(req.getParameter(0)) },
        req.getHeader('sec-websocket-key'),
        req.getHeader('sec-websocket-protocol'),
        req.getHeader('sec-websocket-extensions'),
        context,
      );
    },
    open: (socket) => {
      const { room } = socket.getUserData();
      if (publishes) socket.subscribe(String(room));
      else members[room]?.add(socket);
    },
    close: (socket) => members[socket.getUserData().room]?.delete(socket),
  });
  const port = await new Promise<number>((resolve) =>
    app.listen(HOST, 0, (token) => resolve(uws.us_socket_local_port(token))),
  );
  let sequence = 0;
  return {
    port,
    rooms: roomNames(roomCount),
    publish(index) {
      sequence += 1;
      const bytes = new TextEncoder().encode(JSON.stringify(peerMessage(sequence)));
      if (publishes) app.publish(String(index), bytes, false);
      else for (const socket of members[index] ?? []) socket.send(bytes, false);
    },
  };
}

async function startWs(roomCount: number): Promise<Subject> {
  const http = createServer();
  const server = new WebSocketServer({ server: http, perMessageDeflate: false });
  const members = Array.from({ length: roomCount }, () => new Set<WebSocket>());
  server.on('connection', (socket, request) => {
    const room = members[Number(request.url?.slice(1))];
    room?.add(socket);
    socket.on('close', () => room?.delete(socket));
  });
  await new Promise<void>((resolve) => http.listen(0, HOST, resolve));
  let sequence = 0;
  return {
    port: (http.address() as AddressInfo).port,
    rooms: roomNames(roomCount),
    publish(index) {
      sequence += 1;
      const text = JSON.stringify(peerMessage(sequence));
      for (const socket of members[index] ?? []) socket.send(text);
    },
  };
}

async function startSocketIo(roomCount: number): Promise<Subject> {
  const http = createServer();
  const server = new SocketIoServer(http, {
    transports: ['websocket'],
    pingInterval: 120_000,
    pingTimeout: 120_000,
  });
  server.on('connection', (socket) => {
    const room = socket.handshake.query['room'];
    void socket.join(String(room));
  });
  await new Promise<void>((resolve) => http.listen(0, HOST, resolve));
  let sequence = 0;
  return {
    port: (http.address() as AddressInfo).port,
    rooms: roomNames(roomCount),
    publish(index) {
      sequence += 1;
      server.to(String(index)).emit('room.events', peerMessage(sequence));
    },
  };
}
