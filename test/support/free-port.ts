// A port of this machine that nobody uses at this moment.
import { createServer } from 'node:net';

/**
 * Below those that systems give to whoever connects (from 32,768 on, or 49,152): one of these would be taken by any connection between this look
 * and the server's start. Above 10,080, the last of those that `fetch` and browsers refuse.
 */
const [LEAST, MOST] = [11_000, 32_000] as const;
const TRIES = 50;

export async function freePort(): Promise<number> {
  for (let i = 0; i < TRIES; i += 1) {
    const port = LEAST + Math.floor(Math.random() * (MOST - LEAST));
    if (await isFree(port)) return port;
  }
  throw new Error('no free port');
}

function isFree(port: number): Promise<boolean> {
  const probe = createServer();
  return new Promise((resolve) => {
    probe.once('error', () => resolve(false));
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
  });
}
