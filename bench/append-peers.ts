// What others would build on, as the benches of append and join ask it: rooms that are joined by a request, and a frame for all who have.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createRequire } from 'node:module';
import { Server as SocketIoServer } from 'socket.io';
import type * as Uws from 'uWebSockets.js';
import { obeyOrders } from './append-child.ts';

export type PeerKind = 'uws' | 'socket.io';

export type PeerOrder =
  /** @param joinBytes of the answer to a join; `toldBytes` of what a room is told */
  | {
      readonly kind: 'start';
      readonly peer: PeerKind;
      readonly joinBytes: number;
      readonly toldBytes: number;
    }
  | { readonly kind: 'usage' }
  /** The same with the garbage collected first. */
  | { readonly kind: 'memory' };

export type PeerReport =
  | { readonly kind: 'started'; readonly port: number }
  | {
      readonly kind: 'usage' | 'memory';
      readonly userUs: number;
      readonly systemUs: number;
      readonly rssBytes: number;
    };

interface Request {
  readonly id: number;
  readonly type: string;
  readonly roomId: string;
}

const HOST = '127.0.0.1';

function pad(bytes: number): string {
  return 'x'.repeat(Math.max(0, bytes));
}

async function startUws(joinBytes: number, toldBytes: number): Promise<number> {
  // The types of the package are CommonJS; its values come by require.
  const uws = createRequire(import.meta.url)('uWebSockets.js') as typeof Uws;
  const app: Uws.TemplatedApp = uws.App();
  const decoder = new TextDecoder();
  const state = pad(joinBytes - 40);
  const news = pad(toldBytes - 60);
  let revision = 0;
  app.ws<object>('/', {
    maxBackpressure: 64 * 1_024 * 1_024,
    message: (socket, data) => {
      const { id, type, roomId } = JSON.parse(decoder.decode(data)) as Request;
      if (type === 'join') {
        socket.subscribe(roomId);
        socket.send(JSON.stringify({ id, type: 'ok', state }), false);
        return;
      }
      revision += 1;
      app.publish('0', JSON.stringify({ type: 'room.events', revision, news }), false);
      socket.send(JSON.stringify({ id, type: 'ok', epoch: 1, revision }), false);
    },
  });
  return new Promise((resolve) =>
    app.listen(HOST, 0, (token) => resolve(uws.us_socket_local_port(token))),
  );
}

async function startSocketIo(joinBytes: number): Promise<number> {
  const http = createServer();
  const server = new SocketIoServer(http, {
    transports: ['websocket'],
    pingInterval: 120_000,
    pingTimeout: 120_000,
  });
  const state = pad(joinBytes - 40);
  server.on('connection', (socket) => {
    socket.on('join', ({ roomId }: Request, answer: (reply: object) => void) => {
      void socket.join(roomId);
      answer({ type: 'ok', state });
    });
  });
  await new Promise<void>((resolve) => http.listen(0, HOST, resolve));
  return (http.address() as AddressInfo).port;
}

function usage(kind: 'usage' | 'memory'): PeerReport {
  const { user, system } = process.cpuUsage();
  return { kind, userUs: user, systemUs: system, rssBytes: process.memoryUsage().rss };
}

obeyOrders(async (order: PeerOrder): Promise<PeerReport> => {
  switch (order.kind) {
    case 'start': {
      const { peer, joinBytes, toldBytes } = order;
      const port =
        peer === 'uws' ? await startUws(joinBytes, toldBytes) : await startSocketIo(joinBytes);
      return { kind: 'started', port };
    }
    case 'usage':
      return usage('usage');
    case 'memory':
      for (let i = 0; i < 3; i += 1) {
        globalThis.gc?.();
        await new Promise((resolve) => setTimeout(resolve, 300));
      }
      return usage('memory');
  }
});
