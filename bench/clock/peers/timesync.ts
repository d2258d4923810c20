// Owns the wiring of the npm package timesync 1.0.11 into the simulator; its method is its own.

import type { MakePeer } from './peer-clock.ts';
import { runPackage } from './package-context.ts';

interface TimesyncMessage {
  readonly id: number;
}

interface Timesync {
  readonly offset: number;
  send: (to: string, data: TimesyncMessage) => Promise<void>;
  receive(from: string, data: { readonly id: number; readonly result: number }): void;
  on(event: 'change', call: () => void): void;
}

interface TimesyncModule {
  readonly create: (options: {
    readonly server: string;
    readonly interval: number;
    readonly now: () => number;
  }) => Timesync;
}

/**
 * Its browser build, as `lib` needs the package `promise`, which it does not depend on. Told to stamp with the monotonic clock
 * where its default is `Date.now`, and answered with all digits of hub time where its server gives whole milliseconds: both
 * in its favour. `intervalMs` is an hour by default, and 10 s in the examples of its README.
 */
export function timesync(intervalMs: number): MakePeer {
  return (host) => {
    const loaded = runPackage('timesync/dist/timesync.js', host);
    const { create } = loaded.exports as TimesyncModule;
    const clock = create({ server: 'hub', interval: intervalMs, now: () => host.now() });
    const idOf = new Map<number, number>();
    let known = false;
    clock.send = (_to, { id }) => {
      idOf.set(host.send(host.now()), id);
      return Promise.resolve();
    };
    clock.on('change', () => (known = true));
    return {
      settle: () => loaded.settle(),
      onReply({ seq, t2 }) {
        const id = idOf.get(seq);
        if (id === undefined) return;
        idOf.delete(seq);
        clock.receive('hub', { id, result: t2 });
      },
      hubTimeAt: (localMs) => (known ? localMs + clock.offset : null),
    };
  };
}
