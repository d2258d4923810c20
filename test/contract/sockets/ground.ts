// What the parts of the sockets' contract stand on: a transport that listens, its clients, and what the hub is told.
import { once } from 'node:events';
import { afterEach, beforeEach } from 'vitest';
import { WebSocket } from 'ws';
import type {
  Frame,
  ListenOptions,
  Listening,
  Socket,
  Sockets,
} from '../../../src/ports/sockets.ts';
import { RawConnection } from '../../support/raw-connection.ts';
import { RawWebSocket } from '../../support/raw-websocket.ts';
import { SocketRecorder } from '../../support/socket-recorder.ts';

export const path = '/v1/socket';
export const subprotocol = 'earshot.v1';
export const maxPayloadBytes = 4096;
export const maxBodyBytes = 10_000;

export const text = (content: string): Frame => ({ bytes: Buffer.from(content), isBinary: false });
export const binary = (...bytes: number[]): Frame => ({
  bytes: Uint8Array.from(bytes),
  isBinary: true,
});

/** Fills the way to a peer that does not read, until the transport has to keep some of it. */
export function stall(socket: Socket, frame: Frame): number {
  for (let sent = 1; sent <= 4096; sent += 1) if (socket.send(frame) === 'buffered') return sent;
  throw new Error('nothing was ever buffered');
}

/** A body that counts how often it is asked for more. */
export function endless(chunkBytes: number): {
  body: ReadableStream<Uint8Array>;
  pulled: () => number;
  cancelled: Promise<void>;
} {
  let count = 0;
  let cancel = (): void => undefined;
  const cancelled = new Promise<void>((resolve) => (cancel = resolve));
  const body = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        count += 1;
        controller.enqueue(new Uint8Array(chunkBytes));
      },
      cancel: () => cancel(),
    },
    { highWaterMark: 0 },
  );
  return { body, pulled: () => count, cancelled };
}

export interface SocketsGround {
  readonly sockets: Sockets;
  readonly recorder: SocketRecorder;
  readonly started: Listening[];
  readonly clients: (WebSocket | RawConnection)[];
  /** The shortest idle timeout that the transport can keep. */
  readonly shortestIdleSeconds: number;
  readonly listen: (options?: Partial<ListenOptions>) => Promise<Listening>;
  readonly open: (port: number) => Promise<{ client: WebSocket; socket: Socket }>;
  readonly openRaw: (
    port: number,
    headers?: Record<string, string>,
  ) => Promise<{ raw: RawWebSocket; socket: Socket }>;
  readonly connectRaw: (port: number, host?: string) => Promise<RawConnection>;
}

/** A fresh transport, recorder and list of clients for each test, all ended after it. */
export function prepareGround(
  createSockets: () => Promise<Sockets>,
  shortestIdleSeconds: number,
): SocketsGround {
  let sockets: Sockets;
  let recorder: SocketRecorder;
  let started: Listening[];
  let clients: (WebSocket | RawConnection)[];

  beforeEach(async () => {
    sockets = await createSockets();
    recorder = new SocketRecorder();
    started = [];
    clients = [];
  });

  afterEach(async () => {
    for (const client of clients)
      if (client instanceof WebSocket) client.terminate();
      else client.destroy();
    await Promise.all(started.map((listening) => listening.stop()));
  });

  async function listen(options: Partial<ListenOptions> = {}): Promise<Listening> {
    const listening = await sockets.listen({
      host: '127.0.0.1',
      port: 0,
      socketPath: path,
      subprotocol,
      maxPayloadBytes,
      idleTimeoutSeconds: 60,
      maxBodyBytes,
      upgrade: () => ({ kind: 'accept' }),
      listener: recorder,
      fetch: () => new Response('hello'),
      ...options,
    });
    started.push(listening);
    return listening;
  }

  async function open(port: number): Promise<{ client: WebSocket; socket: Socket }> {
    const client = new WebSocket(`ws://127.0.0.1:${port}${path}`, subprotocol);
    clients.push(client);
    await once(client, 'open');
    return { client, socket: (await recorder.next('opened')).socket };
  }

  async function openRaw(
    port: number,
    headers: Record<string, string> = {},
  ): Promise<{ raw: RawWebSocket; socket: Socket }> {
    const raw = await RawWebSocket.open({ port, path, headers });
    clients.push(raw.connection);
    return { raw, socket: (await recorder.next('opened')).socket };
  }

  async function connectRaw(port: number, host?: string): Promise<RawConnection> {
    const connection = await RawConnection.open(port, host);
    clients.push(connection);
    return connection;
  }

  return {
    get sockets() {
      return sockets;
    },
    get recorder() {
      return recorder;
    },
    get started() {
      return started;
    },
    get clients() {
      return clients;
    },
    shortestIdleSeconds,
    listen,
    open,
    openRaw,
    connectRaw,
  };
}
