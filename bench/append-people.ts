// People as the benches have them: a socket, a name, requests with their replies. The servers that Earshot is compared with have them too.
import { SOCKET_PATH, SUBPROTOCOL } from '../protocol/version.ts';
import { BenchSocket } from './append-socket.ts';
import { benchToken } from './bench-token.ts';

export type ServerKind = 'earshot' | 'uws' | 'socket.io';

export interface Reply {
  readonly id: number;
  readonly isOk: boolean;
  /** 0 where the reply has none. */
  readonly revision: number;
  /** Of the payload. */
  readonly bytes: number;
  /** The start of the payload, and all of it where it is short. */
  readonly text: string;
}

const REPLY = /^\{"id":(\d+),"type":"(\w+)"(?:,"epoch":\d+,"revision":(\d+))?/;
/** What a reply says that is of interest stands at its beginning. */
const READ_CHARS = 120;
const [OPEN, FOUR, THREE, ZERO, TWO] = [0x7b, 0x34, 0x33, 0x30, 0x32];
/** The `i` of `{"id":`; a push begins with `{"type":`. */
const I = 0x69;
const E = 0x65;
const EVENTS = '{"type":"room.events"';

export class Person {
  /** Called for each reply that nobody waits for. */
  onReply: (reply: Reply) => void = () => undefined;
  /** Called for each frame that tells of revisions. */
  onEvents: () => void = () => undefined;
  readonly #socket: BenchSocket;
  readonly #kind: ServerKind;
  #lastId = 0;
  #waiting: { readonly id: number; readonly resolve: (reply: Reply) => void } | undefined;
  #entered: () => void = () => undefined;

  private constructor(socket: BenchSocket, kind: ServerKind) {
    this.#socket = socket;
    this.#kind = kind;
    socket.onFrame = (head, length) => this.#heard(head, length);
    socket.onClose = () => {
      process.stderr.write(`${kind} closed a socket during the bench\n`);
      process.exit(1);
    };
  }

  /** Opens a socket and says who it is. @param n a person's number */
  static async come(kind: ServerKind, port: number, n: number): Promise<Person> {
    const path =
      kind === 'earshot'
        ? SOCKET_PATH
        : kind === 'uws'
          ? '/'
          : '/socket.io/?EIO=4&transport=websocket';
    const socket = await BenchSocket.open(port, path, kind === 'earshot' ? SUBPROTOCOL : '');
    const person = new Person(socket, kind);
    if (kind === 'earshot') {
      const token = await benchToken(n);
      await person.must('hello', { token, client: { name: 'bench', version: '1' } });
    } else if (kind === 'socket.io') {
      // Engine.IO may have said 0 by now or not: to enter the namespace early is allowed.
      await new Promise<void>((resolve) => {
        person.#entered = resolve;
        socket.send('40');
      });
    }
    return person;
  }

  /** Sends a request and does not wait. @returns its id */
  send(type: string, body: string): number {
    this.#lastId += 1;
    const id = this.#lastId;
    if (this.#kind === 'socket.io') this.#socket.send(`42${id}["${type}",{${body}}]`);
    else this.#socket.send(`{"id":${id},"type":"${type}"${body === '' ? '' : `,${body}`}}`);
    return id;
  }

  /** One request at a time. */
  ask(type: string, body: object): Promise<Reply> {
    return new Promise((resolve) => {
      const id = this.send(type, JSON.stringify(body).slice(1, -1));
      this.#waiting = { id, resolve };
    });
  }

  /** Rejects for a refusal. */
  async must(type: string, body: object): Promise<Reply> {
    const reply = await this.ask(type, body);
    if (!reply.isOk) throw new Error(`${type}: ${reply.text}`);
    return reply;
  }

  /** What it hears from here on is nobody's business. */
  leave(): void {
    this.#socket.onClose = () => undefined;
    this.#socket.end();
  }

  #heard(head: Buffer, length: number): void {
    if (this.#kind === 'socket.io') this.#heardSocketIo(head, length);
    else if (head[0] === OPEN && head[2] === I) this.#reply(head, length);
    // "room.events" and no other push: the e of "events" is its first difference from "room.sync" and the like.
    else if (head[14] === E && head.toString('latin1', 0, EVENTS.length) === EVENTS)
      this.onEvents();
  }

  #reply(head: Buffer, bytes: number): void {
    const [, id, type, revision] = REPLY.exec(head.toString('latin1', 0, READ_CHARS)) ?? [];
    this.#replied({
      id: Number(id),
      isOk: type === 'ok',
      revision: Number(revision ?? 0),
      bytes,
      text: this.#waiting === undefined && type === 'ok' ? '' : head.toString(),
    });
  }

  /** 0 opens, 2 pings, 40 has entered, 43 with an id answers. */
  #heardSocketIo(head: Buffer, bytes: number): void {
    const [first, second] = head;
    if (first === TWO) this.#socket.send('3');
    else if (first === FOUR && second === ZERO) this.#entered();
    else if (first === FOUR && second === THREE) {
      const id = Number.parseInt(head.toString('latin1', 2, 12), 10);
      this.#replied({ id, isOk: true, revision: 0, bytes, text: '' });
    }
  }

  #replied(reply: Reply): void {
    const waiting = this.#waiting;
    if (waiting?.id !== reply.id) {
      this.onReply(reply);
      return;
    }
    this.#waiting = undefined;
    waiting.resolve(reply);
  }
}

/** Runs `work` for each of `count` numbers from 0, so many at once. */
export async function each(
  count: number,
  atOnce: number,
  work: (n: number) => Promise<void>,
): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < count) {
      const n = next;
      next += 1;
      await work(n);
    }
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, count) }, worker));
}
