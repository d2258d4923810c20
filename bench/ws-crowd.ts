// A process of `npm run bench:generator`: as many listeners as the load test's, on the package ws, which understand nothing of what they
// get and only count it.
import { WebSocket } from 'ws';
import { SOCKET_PATH, SUBPROTOCOL } from '../protocol/version.ts';
import { obeyOrders } from './append-child.ts';
import { benchToken } from './bench-token.ts';
import { ownUsage } from './usage.ts';

export type CrowdOrder =
  | {
      readonly kind: 'come';
      readonly url: string;
      readonly roomId: string;
      readonly people: number;
    }
  | { readonly kind: 'count' };
export type CrowdReport =
  | { readonly kind: 'came' }
  | {
      readonly kind: 'counted';
      readonly frames: number;
      readonly userUs: number;
      readonly systemUs: number;
    };

const AT_ONCE = 50;
let frames = 0;

async function come(url: string, roomId: string, token: string): Promise<void> {
  const socket = new WebSocket(`${url}${SOCKET_PATH}`, [SUBPROTOCOL], {
    perMessageDeflate: false,
    skipUTF8Validation: true,
  });
  let answers = 0;
  await new Promise<void>((resolve, reject) => {
    socket.on('error', reject);
    socket.on('open', () => {
      const client = { name: 'bench', version: '1' };
      socket.send(JSON.stringify({ id: 1, type: 'hello', token, client }));
      socket.send(JSON.stringify({ id: 2, type: 'room.join', roomId }));
    });
    socket.on('message', () => {
      answers += 1;
      frames += 1;
      if (answers === 2) resolve();
    });
  });
}

obeyOrders(async (order: CrowdOrder): Promise<CrowdReport> => {
  if (order.kind === 'count') {
    const { userUs, systemUs } = ownUsage();
    return { kind: 'counted', frames, userUs, systemUs };
  }
  const token = await benchToken(0);
  for (let done = 0; done < order.people; done += AT_ONCE) {
    const some = Array.from({ length: Math.min(AT_ONCE, order.people - done) });
    await Promise.all(some.map(() => come(order.url, order.roomId, token)));
  }
  return { kind: 'came' };
});
