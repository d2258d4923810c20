// What is used of the peers' packages, which bring no types.

declare module 'timesync/dist/timesync.js' {
  interface TimeSync {
    send(to: string, data: unknown): Promise<void>;
    receive(from: string, data: unknown): void;
    on(event: 'change', listener: (offset: number) => void): void;
    /** Hub time less local time, ms. */
    readonly offset: number;
    destroy(): void;
  }
  const timesync: {
    create(options: { readonly server: string; readonly now: () => number }): TimeSync;
  };
  export = timesync;
}

declare module '@ircam/sync/client/index.js' {
  interface SyncStatus {
    readonly status: 'new' | 'startup' | 'training' | 'sync';
    readonly frequencyRatio: number;
    /** Of the last series, s. */
    readonly travelDurationMin: number;
  }
  type Pong = (id: number, clientPing: number, serverPing: number, serverPong: number) => void;
  interface SyncClient {
    start(
      send: (id: number, clientPing: number) => void,
      receive: (callback: Pong) => void,
      report: (status: SyncStatus) => void,
    ): void;
    getSyncTime(localSec?: number): number;
    getLocalTime(syncSec?: number): number;
  }
  type Constructor = new (getTimeSec: () => number) => SyncClient;
  /** Whoever loads it may have unwrapped it. */
  const module: Constructor | { readonly default: Constructor };
  export = module;
}

declare module '@ircam/sync/server/index.js' {
  interface SyncServer {
    start(
      send: (id: number, clientPing: number, serverPing: number, serverPong: number) => void,
      receive: (callback: (id: number, clientPing: number) => void) => void,
    ): void;
  }
  type Constructor = new (getTimeSec: () => number) => SyncServer;
  /** Whoever loads it may have unwrapped it. */
  const module: Constructor | { readonly default: Constructor };
  export = module;
}
