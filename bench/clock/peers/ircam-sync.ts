// Owns the wiring of the npm package @ircam/sync 2.1.0 into the simulator; its method is its own.

import type { MakePeer } from './peer-clock.ts';
import { runPackage } from './package-context.ts';

type Pong = (pingId: number, clientPing: number, serverPing: number, serverPong: number) => void;

interface SyncClient {
  start(
    send: (pingId: number, clientPing: number) => void,
    receive: (call: Pong) => void,
    report: () => void,
  ): void;
  getSyncTime(localTime: number): number;
}

interface SyncModule {
  readonly default: new (getTime: () => number) => SyncClient;
}

/** With all its defaults; it counts in seconds. Its first estimate comes with its first series of ten pings. */
export const ircamSync: MakePeer = (host) => {
  const loaded = runPackage('@ircam/sync/client/index.js', host);
  const { default: Client } = loaded.exports as SyncModule;
  const client = new Client(() => host.now() / 1_000);
  const pingOf = new Map<number, { readonly id: number; readonly at: number }>();
  let pong: Pong | undefined;
  let known = false;
  client.start(
    (id, at) => void pingOf.set(host.send(at * 1_000), { id, at }),
    (call) => (pong = call),
    () => (known = true),
  );
  return {
    settle: () => loaded.settle(),
    onReply({ seq, t1, t2 }) {
      const ping = pingOf.get(seq);
      if (ping === undefined) return;
      pingOf.delete(seq);
      pong?.(ping.id, ping.at, t1 / 1_000, t2 / 1_000);
    },
    hubTimeAt: (localMs) => (known ? client.getSyncTime(localMs / 1_000) * 1_000 : null),
  };
};
