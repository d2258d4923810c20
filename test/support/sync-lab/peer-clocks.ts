// Owns the peers' packages as clocks of our player, with their own settings and each over a socket of its own; knows no player.
import ircam from '@ircam/sync/client/index.js';
import timesync from 'timesync/dist/timesync.js';
import { Cell } from '../../../src/client/observable.ts';
import type { PlayerClock, PlayerClockStatus } from '../../../src/client/player-room.ts';

/** Neither package tells an error: the player then corrects by its own thresholds alone. */
const UNKNOWN: PlayerClockStatus = {
  quality: 'none',
  maxErrorMs: Infinity,
  estErrorMs: Infinity,
  rttMinMs: 0,
  skewPpm: 0,
  resets: 0,
};
const KNOWN: PlayerClockStatus = { ...UNKNOWN, quality: 'good', maxErrorMs: 0, estErrorMs: 0 };

const now = (): number => performance.now();

async function openSocket(url: string): Promise<WebSocket> {
  const socket = new WebSocket(url);
  await new Promise((resolve, reject) => {
    socket.addEventListener('open', resolve);
    socket.addEventListener('error', reject);
  });
  return socket;
}

/** By the page's monotonic clock in place of the package's `Date.now`, which counts whole ms; all else is as it comes. */
export async function timesyncClock(origin: string): Promise<PlayerClock> {
  const socket = await openSocket(`${origin}/timesync`);
  const status = new Cell(UNKNOWN);
  const sync = timesync.create({ server: 'hub', now });
  sync.send = (_to, data) => {
    socket.send(JSON.stringify(data));
    return Promise.resolve();
  };
  socket.addEventListener('message', ({ data }: MessageEvent<string>) =>
    sync.receive('hub', JSON.parse(data)),
  );
  sync.on('change', () => status.set(KNOWN));
  return {
    now: () => (status.value.quality === 'none' ? undefined : now() + sync.offset),
    toLocal: (at) => (status.value.quality === 'none' ? undefined : at - sync.offset),
    status,
  };
}

export async function ircamClock(origin: string): Promise<PlayerClock> {
  const socket = await openSocket(`${origin}/ircam`);
  const status = new Cell(UNKNOWN);
  const Client = 'default' in ircam ? ircam.default : ircam;
  const sync = new Client(() => now() / 1_000);
  sync.start(
    (id, clientPing) => socket.send(JSON.stringify([id, clientPing])),
    (pong) =>
      socket.addEventListener('message', ({ data }: MessageEvent<string>) => {
        const [id, clientPing, serverPing, serverPong] = JSON.parse(data) as number[];
        pong(id!, clientPing!, serverPing!, serverPong!);
      }),
    (report) => {
      if (report.status === 'new' || report.status === 'startup') return;
      const skewPpm = (report.frequencyRatio - 1) * 1e6;
      status.set({ ...KNOWN, rttMinMs: report.travelDurationMin * 1_000, skewPpm });
    },
  );
  return {
    now: () =>
      status.value.quality === 'none' ? undefined : sync.getSyncTime(now() / 1_000) * 1_000,
    toLocal: (at) =>
      status.value.quality === 'none' ? undefined : sync.getLocalTime(at / 1_000) * 1_000,
    status,
  };
}
