// A port of this machine that nobody uses at this moment, and that, on Linux, no other test's process has been given.
import { createServer, type ListenOptions, type Server } from 'node:net';

/**
 * Below those that systems give to whoever connects (from 32,768 on, or 49,152): one of these would be taken by any connection between this look
 * and the server's start. Above 10,080, the last of those that `fetch` and browsers refuse.
 */
const [LEAST, MOST] = [11_000, 32_000] as const;
const TRIES = 50;

export async function freePort(): Promise<number> {
  for (let i = 0; i < TRIES; i += 1) {
    const port = LEAST + Math.floor(Math.random() * (MOST - LEAST));
    if ((await claim(port)) && (await isFree(port))) return port;
  }
  throw new Error('no free port');
}

/**
 * A server may need seconds to be there, in which tests of other processes look for ports, too. So a name for it is taken, which is one of
 * Linux's that stand in no folder, and goes with this process.
 * @returns whether it is this process's now
 */
async function claim(port: number): Promise<boolean> {
  if (process.platform !== 'linux') return true;
  const name = await listening({ path: `\0earshot-test-port-${port}` });
  name?.unref();
  return name !== undefined;
}

async function isFree(port: number): Promise<boolean> {
  const probe = await listening({ port, host: '127.0.0.1' });
  if (probe === undefined) return false;
  await new Promise((resolve) => probe.close(resolve));
  return true;
}

function listening(options: ListenOptions): Promise<Server | undefined> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once('error', () => resolve(undefined));
    server.listen(options, () => resolve(server));
  });
}
