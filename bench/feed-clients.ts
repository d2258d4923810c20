// The client process of the feed bench: sockets that look at the feed and count its frames; some of them read when each was sent.
import { WebSocket } from 'ws';
import { SOCKET_PATH, SUBPROTOCOL } from '../protocol/version.ts';
import { obeyOrders } from './append-child.ts';
import { benchToken } from './bench-token.ts';
import { sharedNowMs } from './feed-shape.ts';

export type FeedClientOrder =
  | {
      readonly kind: 'connect';
      readonly port: number;
      readonly first: number;
      readonly viewers: number;
    }
  | { readonly kind: 'subscribe' }
  /** What came since the last time. */
  | { readonly kind: 'count' };

export type FeedClientReport =
  | { readonly kind: 'connected' }
  | { readonly kind: 'subscribed'; readonly wallMs: number }
  | { readonly kind: 'counted'; readonly frames: number; readonly latenciesMs: readonly number[] };

const AT_ONCE = 100;
/** One of so many reads what it gets: all of them would be busy with that alone. */
const READS_ONE_IN = 50;
const SENT = /"title":"sent ([\d.]+)"/;

const sockets: WebSocket[] = [];
let frames = 0;
let latenciesMs: number[] = [];

function replyOf(socket: WebSocket, request: object): Promise<void> {
  return new Promise((resolve, reject) => {
    const closed = (code: number): void => reject(new Error(`a socket was closed with ${code}`));
    socket.once('close', closed);
    socket.once('message', (data: Buffer) => {
      socket.off('close', closed);
      const text = data.toString();
      if (text.includes('"error"')) reject(new Error(text));
      else resolve();
    });
    socket.send(JSON.stringify(request));
  });
}

async function connect(port: number, n: number): Promise<void> {
  const token = await benchToken(n);
  const socket = new WebSocket(`ws://127.0.0.1:${port}${SOCKET_PATH}`, SUBPROTOCOL, {
    perMessageDeflate: false,
  });
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject);
    socket.once('open', () => resolve());
  });
  const client = { name: 'bench', version: '1' };
  await replyOf(socket, { id: 1, type: 'hello', token, client });
  sockets.push(socket);
}

async function subscribe(socket: WebSocket, reads: boolean): Promise<void> {
  await replyOf(socket, { id: 2, type: 'feed.subscribe' });
  socket.on('message', (data: Buffer) => {
    frames += 1;
    if (!reads) return;
    const now = sharedNowMs();
    const sentAt = SENT.exec(data.toString())?.[1];
    if (sentAt !== undefined) latenciesMs.push(now - Number(sentAt));
  });
}

async function inParts<T>(all: readonly T[], work: (one: T, i: number) => Promise<void>) {
  for (let i = 0; i < all.length; i += AT_ONCE)
    await Promise.all(all.slice(i, i + AT_ONCE).map((one, k) => work(one, i + k)));
}

obeyOrders(async (order: FeedClientOrder): Promise<FeedClientReport> => {
  switch (order.kind) {
    case 'connect': {
      const { port, first, viewers } = order;
      const numbers = Array.from({ length: viewers }, (_, i) => first + i);
      await inParts(numbers, (n) => connect(port, n));
      return { kind: 'connected' };
    }
    case 'subscribe': {
      const startedAt = performance.now();
      await inParts(sockets, (socket, i) => subscribe(socket, i % READS_ONE_IN === 0));
      return { kind: 'subscribed', wallMs: performance.now() - startedAt };
    }
    case 'count': {
      const counted: FeedClientReport = { kind: 'counted', frames, latenciesMs };
      frames = 0;
      latenciesMs = [];
      return counted;
    }
  }
});
