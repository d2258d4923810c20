// Owns a machine's part in somebody else's run: takes one leader at a time, runs the threads that it asks for, and lets go of them when it
// is gone. Of a scenario it knows no more than how many sockets it takes.
import { createHash, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { availableParallelism } from 'node:os';
import { WebSocketServer, type WebSocket } from 'ws';
import { AGENT_PATH, AGENT_VERSION, type FromAgent, type ToAgent } from './agent-messages.ts';
import { startThread, type CrewLink } from './crew-link.ts';
import type { CrewStart } from './crew-messages.ts';
import { machineNow } from './machine-clock.ts';
import { isTaken, seatsOf, threadOf } from './placement.ts';
import { limitsMet } from './preflight.ts';

export interface AgentOptions {
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  /** Whoever leads must know it: a run opens as many connections as it is told to, wherever it is told to. */
  readonly key: string;
  readonly say: (line: string) => void;
}

export interface Agent {
  readonly port: number;
  /** Idempotent. */
  stop(): Promise<void>;
}

const MOST_MESSAGE_BYTES = 64 * 1_024 * 1_024;
export const MOST_THREADS = 256;

export async function startAgent({ host, port, key, say }: AgentOptions): Promise<Agent> {
  if (key.length < 16) throw new Error('the key of an agent needs at least 16 characters');
  const server = createServer((_, response) => response.writeHead(426).end());
  const sockets = new WebSocketServer({
    ...{ server, path: AGENT_PATH, maxPayload: MOST_MESSAGE_BYTES },
    verifyClient: ({ req }: { req: IncomingMessage }) => isKey(req.headers.authorization, key),
  });
  let leader: WebSocket | undefined;
  sockets.on('connection', (socket, request) => {
    const who = request.socket.remoteAddress ?? 'somebody';
    if (leader !== undefined) {
      tell(socket, { kind: 'refused', message: 'the agent is in another run' });
      socket.close();
      return;
    }
    leader = socket;
    say(`${who} leads`);
    serve(socket, () => {
      leader = undefined;
      say(`${who} is gone`);
    });
  });
  await new Promise<void>((resolve, reject) => {
    // What the server meets is told here as well as there.
    sockets.once('error', (error) => reject(new Error(wordsOf(error, host, port))));
    server.listen(port, host, resolve);
  });
  sockets.on('error', (error) => say(error.message));
  return {
    port: (server.address() as AddressInfo).port,
    stop: async () => {
      for (const socket of sockets.clients) socket.terminate();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

function wordsOf(error: Error, host: string, port: number): string {
  const code = 'code' in error ? error.code : undefined;
  if (code === 'EADDRINUSE')
    return `port ${port} of ${host} is taken: name another one with --port`;
  return `the agent cannot listen on ${host}:${port}: ${error.message}`;
}

function serve(socket: WebSocket, gone: () => void): void {
  let links: CrewLink[] = [];
  let sockets = 0;
  socket.on('message', (data: Buffer) => {
    const message = JSON.parse(data.toString()) as ToAgent;
    switch (message.kind) {
      case 'threads': {
        const refusal = refusalOf(message.version, message.count);
        if (refusal !== undefined) {
          tell(socket, { kind: 'refused', message: refusal });
          socket.close();
          return;
        }
        links = Array.from({ length: message.count }, (_, thread) =>
          startThread((report) => tell(socket, { kind: 'report', thread, report })),
        );
        tell(socket, { kind: 'ready', cores: availableParallelism() });
        break;
      }
      case 'order': {
        const { thread, order } = message;
        if (order.kind === 'start') {
          sockets += socketsOf(order);
          const met = limitsMet({
            ...{ sockets, targets: order.targets.length },
            sourceAddresses: order.sourceAddresses.length,
          });
          if (met.length > 0) {
            const report = { kind: 'failed', message: met.join('\n') } as const;
            tell(socket, { kind: 'report', thread, report });
            return;
          }
        }
        links[thread]?.send(order);
        break;
      }
      case 'clock':
        tell(socket, { kind: 'clock', id: message.id, machineMs: machineNow() });
        break;
    }
  });
  socket.on('error', () => socket.terminate());
  socket.on('close', () => {
    void Promise.all(links.map((link) => link.stop()));
    gone();
  });
}

/** Those that a thread opens at most. */
function socketsOf({ scenario, mostLoad, thread, threads }: CrewStart): number {
  return seatsOf(scenario, mostLoad).filter(
    (seat) =>
      isTaken(seat.fromLoad, mostLoad) && threadOf(scenario, seat, threads, mostLoad) === thread,
  ).length;
}

function refusalOf(version: number, count: number): string | undefined {
  if (version !== AGENT_VERSION) {
    return `the agent is of version ${AGENT_VERSION}, who leads of ${version}: run the same on all machines`;
  }
  return count >= 1 && count <= MOST_THREADS ? undefined : `${count} threads cannot be started`;
}

function tell(socket: WebSocket, message: FromAgent): void {
  if (socket.readyState === socket.OPEN) socket.send(JSON.stringify(message));
}

/** In a time that does not tell how much of it was right. */
function isKey(header: string | undefined, key: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(header ?? ''), digest(`Bearer ${key}`));
}
