// A hub in the very process that measures it: its log in memory, and nothing that limits how fast people may ask.
import { MemoryArchive } from '../src/adapters/memory/memory-archive.ts';
import { MemoryChatLog } from '../src/adapters/memory/memory-chat-log.ts';
import { MemoryRoomLog } from '../src/adapters/memory/memory-room-log.ts';
import { MemoryUsers } from '../src/adapters/memory/memory-users.ts';
import { createJwtAuthenticator } from '../src/adapters/system/jwt-authenticator.ts';
import { createPinoLog } from '../src/adapters/system/pino-log.ts';
import { createPromMetrics } from '../src/adapters/system/prom-metrics.ts';
import { createSystemHubClock } from '../src/adapters/system/system-hub-clock.ts';
import { systemRandom } from '../src/adapters/system/system-random.ts';
import { systemTimers } from '../src/adapters/system/system-timers.ts';
import { loadUwsSockets } from '../src/adapters/uws/uws-sockets.ts';
import { createWsSockets } from '../src/adapters/ws/ws-sockets.ts';
import { Hub } from '../src/hub/hub.ts';
import { DEFAULT_HUB_OPTIONS, type HubOptions } from '../src/hub/hub-options.ts';
import type { HubPorts } from '../src/hub/hub-ports.ts';
import { SOCKET_PATH, SUBPROTOCOL } from '../protocol/version.ts';
import { BENCH_SECRET } from './bench-token.ts';

const MANY = 1e9;
const NO_LIMIT = { perSecond: MANY, burst: MANY } as const;

/** @param others that the hub has beside them, or instead */
export function createMemoryHub(
  archive = new MemoryArchive(),
  others: Partial<HubPorts> = {},
  options: Partial<HubOptions> = {},
): Hub {
  return new Hub(
    {
      archive,
      roomLog: new MemoryRoomLog(archive),
      chatLog: new MemoryChatLog(),
      users: new MemoryUsers(),
      authenticator: createJwtAuthenticator({ secret: BENCH_SECRET, tokenLifeMs: 3_600_000 }),
      catalogue: { get: () => undefined },
      clock: createSystemHubClock(0, 1),
      timers: systemTimers,
      random: systemRandom,
      log: createPinoLog('warn'),
      metrics: createPromMetrics(),
      ...others,
    },
    {
      ...DEFAULT_HUB_OPTIONS,
      maxConnectionsPerAddress: 100_000,
      helloTimeoutMs: 60_000,
      connectionRate: NO_LIMIT,
      userRate: NO_LIMIT,
      roomRate: NO_LIMIT,
      addressRoomRate: NO_LIMIT,
      ...options,
    },
  );
}

/** @returns the port */
export async function listenFor(hub: Hub, transport: 'uws' | 'ws'): Promise<number> {
  const uws = transport === 'uws' ? await loadUwsSockets() : undefined;
  if (uws?.kind === 'unavailable') throw new Error(uws.reason);
  const { port } = await (uws?.sockets ?? createWsSockets()).listen({
    host: '127.0.0.1',
    port: 0,
    socketPath: SOCKET_PATH,
    subprotocol: SUBPROTOCOL,
    maxPayloadBytes: 65_536,
    maxBodyBytes: 65_536,
    idleTimeoutSeconds: 120,
    upgrade: (request) => hub.upgrade(request),
    listener: hub,
    fetch: () => new Response(null, { status: 404 }),
  });
  return port;
}
