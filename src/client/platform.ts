// Owns what the SDK needs of its surroundings, with the defaults of browsers and Node; the only file here that reads globals,
// but for the start of the worker.

/** The part of a WebSocket that is used. The browser's has it, and so has that of the package `ws`. */
export interface SocketLike {
  binaryType: string;
  addEventListener(type: 'open', listener: () => void): void;
  addEventListener(type: 'message', listener: (event: { readonly data: unknown }) => void): void;
  addEventListener(type: 'error', listener: () => void): void;
  addEventListener(
    type: 'close',
    listener: (event: { readonly code: number; readonly reason: string }) => void,
  ): void;
  send(data: string | Uint8Array<ArrayBuffer>): void;
  close(code?: number, reason?: string): void;
}

export type SocketConstructor = new (url: string, protocols: string[]) => SocketLike;

/** The part of a dedicated worker that is used. */
export interface WorkerLike {
  addEventListener(type: 'message', listener: (event: { readonly data: unknown }) => void): void;
  /** It could not be started, or something in it threw. */
  addEventListener(type: 'error', listener: () => void): void;
  postMessage(message: unknown): void;
  terminate(): void;
}

export type TimerHandle = unknown;

export interface Platform {
  /** Undefined where there is none: Node before 22. Pass that of `ws` then. */
  readonly WebSocket: SocketConstructor | undefined;
  /**
   * Starts the worker of `wire-worker.ts`. Absent where a worker gains nothing (in Node, in a worker) or could not have what the page
   * has (a socket or clock of your own). It may throw, and the worker may never say a word: the page does it all then.
   */
  readonly startWorker?: (() => WorkerLike) | undefined;
  /** Where `performanceNow` began by the wall clock, ms: a claim that is compared with a worker's. */
  readonly timeOriginMs?: number;
  readonly fetch: typeof fetch;
  /** Monotonic, ms, as fine as there is. */
  performanceNow(): number;
  /** The wall clock, ms: only compared with itself, to notice a sleep. */
  wallNow(): number;
  setTimeout(callback: () => void, delayMs: number): TimerHandle;
  clearTimeout(handle: TimerHandle): void;
  /** Uniform in [0, 1). */
  random(): number;
  isHidden(): boolean;
  /** Calls back when `isHidden` may have changed. @returns the remover */
  onVisibilityChange(listener: () => void): () => void;
  /** Calls back when the network may be another one, or the page was thawed. @returns the remover */
  onNetworkChange(listener: () => void): () => void;
}

interface EventSource {
  addEventListener(type: string, listener: () => void): void;
  removeEventListener(type: string, listener: () => void): void;
}

interface Surroundings {
  readonly WebSocket?: SocketConstructor;
  readonly Worker?: new (url: URL, options: { readonly type: 'module' }) => WorkerLike;
  readonly document?: EventSource & { readonly hidden: boolean };
  readonly navigator?: { readonly connection?: Partial<EventSource> };
  readonly addEventListener?: unknown;
}

const surroundings = globalThis as unknown as Surroundings;

function listen(
  source: Partial<EventSource> | undefined,
  types: readonly string[],
  listener: () => void,
): () => void {
  if (source?.addEventListener === undefined) return () => undefined;
  for (const type of types) source.addEventListener(type, listener);
  return () => {
    for (const type of types) source.removeEventListener?.(type, listener);
  };
}

/** Only a page has a thread that is kept busy by others. */
function workerStarter(): (() => WorkerLike) | undefined {
  if (surroundings.document === undefined || surroundings.Worker === undefined) return undefined;
  // Written like this for bundlers, which look for this very expression; those for TypeScript find the source of that name.
  return () => new Worker(new URL('./wire-worker.js', import.meta.url), { type: 'module' });
}

/** The defaults: a browser's page or worker, or Node. */
export function defaultPlatform(): Platform {
  const scope =
    surroundings.addEventListener === undefined
      ? undefined
      : (globalThis as unknown as EventSource);
  return {
    WebSocket: surroundings.WebSocket,
    startWorker: workerStarter(),
    timeOriginMs: performance.timeOrigin,
    fetch: (...args) => fetch(...args),
    performanceNow: () => performance.now(),
    wallNow: () => Date.now(),
    setTimeout: (callback, delayMs) => setTimeout(callback, delayMs),
    clearTimeout: (handle) => clearTimeout(handle as ReturnType<typeof setTimeout>),
    random: () => Math.random(),
    isHidden: () => surroundings.document?.hidden ?? false,
    onVisibilityChange: (listener) =>
      listen(surroundings.document, ['visibilitychange', 'resume'], listener),
    onNetworkChange: (listener) => {
      const removers = [
        listen(scope, ['online', 'pageshow'], listener),
        listen(surroundings.navigator?.connection, ['change'], listener),
      ];
      return () => {
        for (const remove of removers) remove();
      };
    },
  };
}

/** What a worker has of its own: where one of these is replaced, only this thread can do as is wished. */
const OF_EACH_THREAD = ['WebSocket', 'performanceNow', 'wallNow', 'setTimeout', 'random'] as const;

/** The defaults with some parts replaced: what a test or a client in Node passes in. */
export function platformWith(parts: Partial<Platform> = {}): Platform {
  const isPlain = OF_EACH_THREAD.every((part) => parts[part] === undefined);
  const defaults = defaultPlatform();
  return { ...defaults, startWorker: isPlain ? defaults.startWorker : undefined, ...parts };
}
