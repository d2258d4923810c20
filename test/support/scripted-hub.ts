// A hub of which the test decides each answer, for what a load test's listeners make of it.
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { WebSocketServer, type WebSocket } from 'ws';
import type { RoomId } from '../../protocol/ids.ts';
import { stateHash } from '../../protocol/state-hash.ts';
import { Agenda } from '../../loadtest/agenda.ts';
import { Latencies } from '../../loadtest/latency.ts';
import { Faults } from '../../loadtest/ledger/faults.ts';
import { noTally } from '../../loadtest/ledger/room-trace.ts';
import { Counts } from '../../loadtest/listener/counts.ts';
import type { Ground } from '../../loadtest/listener/ground.ts';
import { Random } from '../../loadtest/random.ts';
import type { Target } from '../../loadtest/wire/lean-socket.ts';

export interface Asked {
  readonly type: string;
  readonly body: Readonly<Record<string, unknown>>;
  readonly socket: WebSocket;
  readonly answer: (body?: object) => void;
  readonly refuse: (code: string) => void;
}

/** Undefined leaves the request to `next`. */
type Script = (asked: Asked) => object | undefined;

export class ScriptedHub {
  readonly #server: WebSocketServer;
  readonly #script: Script;
  readonly #held: Asked[] = [];
  readonly #waiting: { readonly type: string; readonly resolve: (asked: Asked) => void }[] = [];
  /** The types of all requests, in the order in which they came. */
  readonly asked: string[] = [];
  connections = 0;

  private constructor(server: WebSocketServer, script: Script) {
    this.#server = server;
    this.#script = script;
    server.on('connection', (socket) => {
      this.connections += 1;
      socket.on('message', (data, isBinary) => {
        if (!isBinary) this.#onRequest(socket, (data as Buffer).toString());
      });
    });
  }

  /** @param script answers at once with what it returns */
  static async start(script: Script = () => undefined): Promise<ScriptedHub> {
    const server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
    await once(server, 'listening');
    return new ScriptedHub(server, script);
  }

  get target(): Target {
    const { port } = this.#server.address() as AddressInfo;
    const authority = `127.0.0.1:${port}`;
    return { host: '127.0.0.1', port, isSecure: false, authority, pathPrefix: '' };
  }

  /** The next request of that type that the script left. */
  async next(type: string): Promise<Asked> {
    const at = this.#held.findIndex((asked) => asked.type === type);
    const [held] = at < 0 ? [] : this.#held.splice(at, 1);
    return held ?? new Promise((resolve) => this.#waiting.push({ type, resolve }));
  }

  /** Those who are there now. */
  get connected(): number {
    return this.#server.clients.size;
  }

  close(): void {
    for (const client of this.#server.clients) client.terminate();
    this.#server.close();
  }

  #onRequest(socket: WebSocket, text: string): void {
    const { id, type, ...body } = JSON.parse(text) as { id: number; type: string };
    this.asked.push(type);
    const reply = (more: object): void => socket.send(JSON.stringify({ id, ...more }));
    const asked: Asked = {
      ...{ type, body, socket },
      answer: (answer = {}) => reply({ type: 'ok', ...answer }),
      refuse: (code) => reply({ type: 'error', code, message: code }),
    };
    const answer = type === 'hello' ? greeting(this.connections) : this.#script(asked);
    if (answer !== undefined) {
      asked.answer(answer);
      return;
    }
    const at = this.#waiting.findIndex((waiting) => waiting.type === type);
    if (at < 0) this.#held.push(asked);
    else this.#waiting.splice(at, 1)[0]?.resolve(asked);
  }
}

function greeting(connection: number): object {
  return { connectionId: `connection ${connection}`, hub: { now: 1_000_000 } };
}

/** The answer to a join: a room without anything in it, at revision 5. */
export function joinedReply(roomId: RoomId): object {
  const playback = { timeline: [{ state: 'stopped', positionMs: 0, at: 0 }] };
  const room = { id: roomId, queue: {}, playback };
  return {
    roomId,
    snapshot: { roomId, epoch: 1, revision: 5, hash: stateHash(room), room },
    presence: { version: 1, count: 1, members: {} },
    chat: { items: [], lastSeq: 0, gap: true },
  };
}

/** A push of revision 6 of that room, in which nothing changed. */
export function nextRevision(roomId: RoomId): object {
  return {
    ...{ type: 'room.events', roomId, epoch: 1 },
    revisions: [{ revision: 6, event: { type: 'RoomRenamed' }, patch: {} }],
  };
}

/** What listeners stand on, with this hub as the only one. */
export function groundOf(hub: ScriptedHub): Ground {
  const latencies = new Latencies();
  return {
    ...{ targets: [hub.target], silences: [], sourceAddresses: [] },
    ...{ agenda: new Agenda(), random: new Random(1), faults: new Faults(), tally: noTally() },
    ...{ counts: new Counts(), latencies, latenciesAt: () => latencies },
    tokenOf: () => Promise.resolve('a token'),
  };
}

/** The faults that were found, in words. */
export function faultsOf({ faults }: Pick<Ground, 'faults'>): string[] {
  return faults.list().map(({ stream, kind, count }) => `${stream} ${kind} ${count}`);
}
