// People as the benches have them: a socket, a name, requests with their replies. The servers that Earshot is compared with have them too.
import { SOCKET_PATH, SUBPROTOCOL } from '../protocol/version.ts';
import { BenchSocket } from './append-socket.ts';
import { benchToken } from './bench-token.ts';
import { newsOf } from './news.ts';

/** How a server is spoken to. `plain`: the peers on uWebSockets.js and ws, whose requests look like Earshot's. */
export type ServerKind = 'earshot' | 'plain' | 'socket.io' | 'centrifugo';

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

const PATHS: Readonly<Record<ServerKind, string>> = {
  earshot: SOCKET_PATH,
  plain: '/',
  'socket.io': '/socket.io/?EIO=4&transport=websocket',
  centrifugo: '/connection/websocket',
};
const REPLY = /^\{"id":(\d+),"type":"(\w+)"(?:,"epoch":\d+,"revision":(\d+))?/;
const CENTRIFUGO_REPLY = /^\{"id":(\d+),"(\w+)"/;
/** What a reply says that is of interest stands at its beginning. */
const READ_CHARS = 120;
const [OPEN, FOUR, THREE, ZERO, TWO] = [0x7b, 0x34, 0x33, 0x30, 0x32];
const NEW_LINE = 0x0a;
/** The `i` of `{"id":`; a push begins with `{"type":`. */
const I = 0x69;
const E = 0x65;
const EVENTS = '{"type":"room.events"';
const PING = '{}';

export class Person {
  /** Called for each reply that nobody waits for. */
  onReply: (reply: Reply) => void = () => undefined;
  /** Called for each frame that tells of revisions. */
  onEvents: () => void = () => undefined;
  /** Called for each frame that is no reply, with as much of it as a socket keeps. */
  onPush: (frame: Buffer) => void = () => undefined;
  readonly #socket: BenchSocket;
  readonly #kind: ServerKind;
  readonly #name: string;
  #lastId = 0;
  #waiting: { readonly id: number; readonly resolve: (reply: Reply) => void } | undefined;
  #entered: () => void = () => undefined;

  private constructor(socket: BenchSocket, kind: ServerKind, name: string) {
    this.#socket = socket;
    this.#kind = kind;
    this.#name = name;
    socket.onFrame = (head, length) => this.#heard(head, length);
    socket.onClose = () => {
      process.stderr.write(`${kind} closed a socket during the bench\n`);
      process.exit(1);
    };
  }

  /** Opens a socket and says who it is. @param n a person's number */
  static async come(kind: ServerKind, port: number, n: number): Promise<Person> {
    const subprotocol = kind === 'earshot' ? SUBPROTOCOL : '';
    const socket = await BenchSocket.open(port, PATHS[kind], subprotocol);
    const person = new Person(socket, kind, `Member ${n}`);
    switch (kind) {
      case 'earshot': {
        const token = await benchToken(n);
        await person.must('hello', { token, client: { name: 'bench', version: '1' } });
        break;
      }
      case 'centrifugo':
        await person.must('connect', {});
        break;
      case 'socket.io':
        // Engine.IO may have said 0 by now or not: to enter the namespace early is allowed.
        await new Promise<void>((resolve) => {
          person.#entered = resolve;
          socket.send('40');
        });
        break;
      case 'plain':
        break;
    }
    return person;
  }

  /** Makes a room, and is in it. @param name where a room is known by its name, no two have the same @returns its id */
  async makeRoom(name: string): Promise<string> {
    if (this.#kind !== 'earshot') {
      await this.join(name);
      return name;
    }
    const { text } = await this.must('room.create', { name });
    const roomId = /"roomId":"([^"]+)"/.exec(text)?.[1];
    if (roomId === undefined) throw new Error('a room without an id');
    return roomId;
  }

  /** Rejects for a refusal. */
  join(roomId: string): Promise<Reply> {
    return this.#kind === 'centrifugo'
      ? this.must('subscribe', { channel: roomId })
      : this.must('room.join', { roomId });
  }

  /** Says `text` to all who are in the room, and does not wait. @param seq where the server gives out no numbers, this is the message's own */
  talk(roomId: string, seq: number, text: string): void {
    if (this.#kind !== 'centrifugo')
      this.send('chat.send', `"roomId":"${roomId}","text":"${text}"`);
    else {
      const news = newsOf({ roomId, seq, text, by: this.#name });
      this.send('publish', `"channel":"${roomId}","data":${JSON.stringify(news)}`);
    }
  }

  /** Sends a request and does not wait. @returns its id */
  send(type: string, body: string): number {
    this.#lastId += 1;
    const id = this.#lastId;
    this.#socket.send(textOf(this.#kind, id, type, body));
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
    switch (this.#kind) {
      case 'socket.io':
        this.#heardSocketIo(head, length);
        return;
      case 'centrifugo':
        this.#heardCentrifugo(head);
        return;
      case 'earshot':
      case 'plain':
        if (head[0] === OPEN && head[2] === I) this.#reply(head, length);
        else this.#push(head);
    }
  }

  #push(head: Buffer): void {
    // "room.events" and no other push: the e of "events" is its first difference from "room.sync" and the like.
    if (head[14] === E && head.toString('latin1', 0, EVENTS.length) === EVENTS) this.onEvents();
    this.onPush(head);
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

  /** 0 opens, 2 pings, 40 has entered, 42 is an event, 43 with an id answers. */
  #heardSocketIo(head: Buffer, bytes: number): void {
    const [first, second] = head;
    if (first === TWO) this.#socket.send('3');
    else if (first !== FOUR) return;
    else if (second === ZERO) this.#entered();
    else if (second === TWO) this.onPush(head);
    else if (second === THREE) {
      const id = Number.parseInt(head.toString('latin1', 2, 12), 10);
      this.#replied({ id, isOk: true, revision: 0, bytes, text: '' });
    }
  }

  /** A frame has a line for each thing that there was to say. An empty object pings. */
  #heardCentrifugo(frame: Buffer): void {
    let pushes = 0;
    for (let from = 0; from < frame.length;) {
      const end = frame.indexOf(NEW_LINE, from);
      const line = frame.subarray(from, end < 0 ? frame.length : end);
      from += line.length + 1;
      if (line[2] === I) {
        const text = line.toString('latin1', 0, READ_CHARS);
        const [, id, what] = CENTRIFUGO_REPLY.exec(text) ?? [];
        const isOk = what !== 'error';
        this.#replied({ id: Number(id), isOk, revision: 0, bytes: line.length, text });
      } else if (line.length === PING.length) this.#socket.send(PING);
      else pushes += 1;
    }
    if (pushes > 0) this.onPush(frame);
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

function textOf(kind: ServerKind, id: number, type: string, body: string): string {
  switch (kind) {
    case 'socket.io':
      return `42${id}["${type}",{${body}}]`;
    case 'centrifugo':
      return `{"id":${id},"${type}":{${body}}}`;
    case 'earshot':
    case 'plain':
      return `{"id":${id},"type":"${type}"${body === '' ? '' : `,${body}`}}`;
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
