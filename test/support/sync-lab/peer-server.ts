// Owns the servers of the peers' packages, which tell a node's hub time as their own; links stand in front of it.
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import ircamSync from '@ircam/sync/server/index.js';
import { WebSocketServer, type RawData, type WebSocket } from 'ws';

/** What is in a text frame. */
function read(data: RawData): unknown {
  return JSON.parse((data as Buffer).toString());
}

export class PeerServer {
  readonly #server: Server = createServer();

  /** @param hubNow hub time in ms */
  static async start(hubNow: () => number): Promise<PeerServer> {
    const peers = new PeerServer();
    const Ircam = 'default' in ircamSync ? ircamSync.default : ircamSync;
    const ircam = new Ircam(() => hubNow() / 1_000);
    const timesync = (socket: WebSocket): void => {
      socket.on('message', (data) => {
        const result = hubNow();
        const { id } = read(data) as { id: string };
        socket.send(JSON.stringify({ jsonrpc: '2.0', id, result }));
      });
    };
    const ircamSocket = (socket: WebSocket): void => {
      ircam.start(
        (id, clientPing, serverPing, serverPong) =>
          socket.send(JSON.stringify([id, clientPing, serverPing, serverPong])),
        (ping) =>
          socket.on('message', (data) => {
            const [id, clientPing] = read(data) as [number, number];
            ping(id, clientPing);
          }),
      );
    };
    const sockets = new WebSocketServer({ server: peers.#server });
    sockets.on('connection', (socket, { url }) =>
      url === '/timesync' ? timesync(socket) : ircamSocket(socket),
    );
    peers.#server.listen(0, '127.0.0.1');
    await once(peers.#server, 'listening');
    return peers;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    const closed = once(this.#server, 'close');
    this.#server.close();
    await closed;
  }
}
