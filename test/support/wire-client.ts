// A plain client over a real socket: JSON in, JSON out, no cleverness of the SDK's.
import { WebSocket } from 'ws';
import { SOCKET_PATH, SUBPROTOCOL } from '../../protocol/version.ts';
import type { Message } from './hub-world.ts';

const PATIENCE_MS = 90_000;
/** Of the pushes that came instead. */
const MOST_TOLD = 20;

export interface GuestToken {
  readonly token: string;
  readonly user: { readonly id: string; readonly name: string };
}

export async function guestToken(url: string, name: string): Promise<GuestToken> {
  const response = await fetch(`${url}/v1/guests`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name }),
  });
  if (response.status !== 201)
    throw new Error(`no guest: ${response.status} ${await response.text()}`);
  return (await response.json()) as GuestToken;
}

export class WireClient {
  readonly pushes: Message[] = [];
  closed: { readonly code: number; readonly reason: string } | undefined;
  readonly #socket: WebSocket;
  readonly #waiting = new Map<number, (reply: Message | undefined) => void>();
  readonly #onPush = new Set<() => void>();
  #id = 0;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on('message', (data: Buffer, isBinary: boolean) => {
      if (isBinary) return;
      const message = JSON.parse(data.toString()) as Message;
      if (message.id === undefined) {
        this.pushes.push(message);
        for (const listener of this.#onPush) listener();
        return;
      }
      this.#waiting.get(message.id)?.(message);
      this.#waiting.delete(message.id);
    });
    socket.on('close', (code, reason) => {
      this.closed = { code, reason: reason.toString() };
      for (const settle of this.#waiting.values()) settle(undefined);
      this.#waiting.clear();
      for (const listener of this.#onPush) listener();
    });
    socket.on('error', () => undefined);
  }

  static async open(url: string): Promise<WireClient> {
    const socket = new WebSocket(url.replace(/^http/, 'ws') + SOCKET_PATH, SUBPROTOCOL);
    const client = new WireClient(socket);
    await new Promise<void>((resolve, reject) => {
      socket.once('open', () => resolve());
      socket.once('error', reject);
    });
    return client;
  }

  /** Opens a socket and says hello. */
  static async enter(url: string, guest: GuestToken): Promise<WireClient> {
    const client = await WireClient.open(url);
    const reply = await client.ask('hello', {
      token: guest.token,
      client: { name: 'test', version: '1' },
    });
    if (reply?.type !== 'ok') throw new Error(`hello was refused: ${JSON.stringify(reply)}`);
    return client;
  }

  /** Undefined where the socket closed before the reply. */
  ask(type: string, body: object): Promise<Message | undefined> {
    this.#id += 1;
    const id = this.#id;
    if (this.closed !== undefined) return Promise.resolve(undefined);
    return new Promise((settle) => {
      this.#waiting.set(id, settle);
      this.#socket.send(JSON.stringify({ id, type, ...body }));
    });
  }

  /**
   * Resolves with the first push for which `test` holds, past or coming; undefined when the socket closes first. Rejects after a minute and a
   * half, and says what came instead.
   */
  async push(test: (message: Message) => boolean): Promise<Message | undefined> {
    const deadline = performance.now() + PATIENCE_MS;
    for (;;) {
      const found = this.pushes.find(test);
      if (found !== undefined || this.closed !== undefined) return found;
      const leftMs = deadline - performance.now();
      if (leftMs <= 0) {
        const types = this.pushes.slice(-MOST_TOLD).map(({ type }) => type);
        throw new Error(`what was waited for did not come; the last pushes: ${types.join(', ')}`);
      }
      await new Promise<void>((resolve) => {
        const listener = (): void => {
          clearTimeout(timeout);
          this.#onPush.delete(listener);
          resolve();
        };
        const timeout = setTimeout(listener, leftMs);
        this.#onPush.add(listener);
      });
    }
  }

  close(): void {
    this.#socket.close();
  }
}

/** All that was said in the room, by number. */
export async function chatOf(client: WireClient, roomId: string): Promise<Map<number, string>> {
  const kept = new Map<number, string>();
  for (let before = Number.MAX_SAFE_INTEGER; before > 1;) {
    const page = await client.ask('chat.history', { roomId, before, limit: 100 });
    const items = (page as Message & { items?: { seq: number; text: string }[] }).items ?? [];
    for (const { seq, text } of items) kept.set(seq, text);
    const oldest = Math.min(...items.map(({ seq }) => seq), before);
    if (oldest === before) break;
    before = oldest;
  }
  return kept;
}
