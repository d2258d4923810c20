// What others would build on, made to do what a room needs at the least: people enter by a request, and what one says is numbered, told to
// all who are there, and acknowledged.
import { createServer, type Server as HttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createRequire } from 'node:module';
import { createClient } from 'redis';
import { Server as SocketIoServer } from 'socket.io';
import { WebSocketServer, type WebSocket } from 'ws';
import type * as Uws from 'uWebSockets.js';
import { MESSAGE_TEXT, newsOf } from './news.ts';
import type { PeerName, Subject, SubjectOptions } from './subject.ts';

interface Request {
  readonly id: number;
  readonly type: string;
  readonly roomId: string;
  /** Of what is said; some say nothing in particular. */
  readonly text?: string;
}

const HOST = '127.0.0.1';
const MAX_BACKPRESSURE_BYTES = 64 * 1_024 * 1_024;
const PING_MS = 120_000;
/** The client gives a command five seconds by itself, and ends the process where it took longer. */
const REDIS_PATIENCE_MS = 60_000;
/** A name by which nothing is resolved before it is needed: the package need not be there. */
const REDIS_ADAPTER: string = '@socket.io/redis-adapter';

export function startPeer(name: PeerName, options: SubjectOptions): Promise<Subject> {
  switch (name) {
    case 'uws-publish':
    case 'uws-send':
      return startUws(name === 'uws-publish', options);
    case 'ws':
      return startWs(options);
    case 'socket.io':
      return startSocketIo(options);
  }
}

/** The numbers of each room's messages, and the answers. */
class Desk {
  readonly #state: string;
  readonly #seqs = new Map<string, number>();

  constructor({ joinBytes = 0 }: SubjectOptions) {
    this.#state = 'x'.repeat(Math.max(0, joinBytes - 40));
  }

  news(roomId: string, text = MESSAGE_TEXT): { readonly seq: number; readonly news: object } {
    const seq = (this.#seqs.get(roomId) ?? 0) + 1;
    this.#seqs.set(roomId, seq);
    return { seq, news: newsOf({ roomId, seq, text, by: 'Owner' }) };
  }

  joined(id: number): object {
    return { id, type: 'ok', state: this.#state };
  }

  accepted(id: number, seq: number): object {
    return { id, type: 'ok', epoch: 1, revision: seq };
  }
}

/** What is said over a WebSocket as such. @param tell sends a frame to all of a room @param enter puts a socket into it */
class PlainRooms<S> {
  readonly #desk: Desk;
  readonly #enter: (socket: S, roomId: string) => void;
  readonly #tell: (roomId: string, frame: string) => void;

  constructor(
    desk: Desk,
    enter: (socket: S, roomId: string) => void,
    tell: (roomId: string, frame: string) => void,
  ) {
    this.#desk = desk;
    this.#enter = enter;
    this.#tell = tell;
  }

  /** @returns the answer */
  request(socket: S, text: string): string {
    const { id, type, roomId, text: said } = JSON.parse(text) as Request;
    if (type === 'room.join') {
      this.#enter(socket, roomId);
      return JSON.stringify(this.#desk.joined(id));
    }
    return JSON.stringify(this.#desk.accepted(id, this.publish(roomId, said)));
  }

  /** @returns the message's number */
  publish(roomId: string, text?: string): number {
    const { seq, news } = this.#desk.news(roomId, text);
    this.#tell(roomId, JSON.stringify(news));
    return seq;
  }
}

/** Who is where, for servers that do not keep it. */
class Members<S> {
  readonly #rooms = new Map<string, Set<S>>();

  enter(socket: S, roomId: string): void {
    const members = this.#rooms.get(roomId) ?? new Set();
    members.add(socket);
    this.#rooms.set(roomId, members);
  }

  leave(socket: S): void {
    for (const members of this.#rooms.values()) members.delete(socket);
  }

  of(roomId: string): Iterable<S> {
    return this.#rooms.get(roomId) ?? [];
  }
}

function roomNames({ rooms }: SubjectOptions): string[] {
  return Array.from({ length: rooms }, (_, n) => String(n));
}

async function startUws(publishes: boolean, options: SubjectOptions): Promise<Subject> {
  // The types of the package are CommonJS; its values come by require.
  const uws = createRequire(import.meta.url)('uWebSockets.js') as typeof Uws;
  const app: Uws.TemplatedApp = uws.App();
  type Socket = Uws.WebSocket<object>;
  const members = new Members<Socket>();
  const encoder = new TextEncoder();
  const decoder = new TextDecoder();
  const rooms = new PlainRooms<Socket>(
    new Desk(options),
    publishes
      ? (socket, roomId) => socket.subscribe(roomId)
      : (socket, roomId) => members.enter(socket, roomId),
    (roomId, frame) => {
      const bytes = encoder.encode(frame);
      if (publishes) app.publish(roomId, bytes, false);
      else for (const socket of members.of(roomId)) socket.send(bytes, false);
    },
  );
  app.ws<object>('/', {
    maxBackpressure: MAX_BACKPRESSURE_BYTES,
    message: (socket, data) => {
      socket.send(rooms.request(socket, decoder.decode(data)), false);
    },
    close: (socket) => members.leave(socket),
  });
  const port = await new Promise<number>((resolve) =>
    app.listen(HOST, 0, (token) => resolve(uws.us_socket_local_port(token))),
  );
  const names = roomNames(options);
  return { port, rooms: names, publish: (index) => void rooms.publish(names[index] ?? '') };
}

async function startWs(options: SubjectOptions): Promise<Subject> {
  const http = createServer();
  const server = new WebSocketServer({ server: http, perMessageDeflate: false });
  const members = new Members<WebSocket>();
  const rooms = new PlainRooms<WebSocket>(
    new Desk(options),
    (socket, roomId) => members.enter(socket, roomId),
    (roomId, frame) => {
      for (const socket of members.of(roomId)) socket.send(frame);
    },
  );
  server.on('connection', (socket) => {
    socket.on('message', (data: Buffer) => socket.send(rooms.request(socket, data.toString())));
    socket.on('close', () => members.leave(socket));
  });
  const names = roomNames(options);
  return {
    port: await portOf(http),
    rooms: names,
    publish: (index) => void rooms.publish(names[index] ?? ''),
  };
}

type Answer = (reply: object) => void;

async function startSocketIo(options: SubjectOptions): Promise<Subject> {
  const http = createServer();
  const server = new SocketIoServer(http, {
    transports: ['websocket'],
    pingInterval: PING_MS,
    pingTimeout: PING_MS,
  });
  if (options.redisUrl !== undefined) server.adapter(await redisAdapter(options.redisUrl));
  const desk = new Desk(options);
  const publish = (roomId: string, text?: string): number => {
    const { seq, news } = desk.news(roomId, text);
    server.to(roomId).emit('room.events', news);
    return seq;
  };
  server.on('connection', (socket) => {
    socket.on('room.join', ({ roomId }: Request, answer: Answer) => {
      void socket.join(roomId);
      answer(desk.joined(0));
    });
    socket.on('chat.send', ({ roomId, text }: Request, answer: Answer) => {
      answer(desk.accepted(0, publish(roomId, text)));
    });
  });
  const names = roomNames(options);
  return {
    port: await portOf(http),
    rooms: names,
    publish: (index) => void publish(names[index] ?? ''),
  };
}

type Adapter = Parameters<SocketIoServer['adapter']>[0];

/** Rejects where the package is not installed. */
async function redisAdapter(url: string): Promise<Adapter> {
  const { createAdapter } = (await import(REDIS_ADAPTER)) as {
    createAdapter: (publisher: unknown, subscriber: unknown) => Adapter;
  };
  const commandOptions = { timeout: REDIS_PATIENCE_MS };
  const publisher = await createClient({ url, commandOptions }).connect();
  return createAdapter(publisher, await publisher.duplicate().connect());
}

async function portOf(http: HttpServer): Promise<number> {
  await new Promise<void>((resolve) => http.listen(0, HOST, resolve));
  return (http.address() as AddressInfo).port;
}
