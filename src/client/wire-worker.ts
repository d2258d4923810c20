// Owns the start of the worker: its globals, and nothing else. It must not lead to `platform.ts`, which starts workers.
import { serveWires } from './worker-side.ts';
import type { ToWorker } from './worker-messages.ts';

/** The part of a dedicated worker's global scope that is used; the page's types have it otherwise. */
interface WorkerScope {
  postMessage(message: unknown): void;
  addEventListener(type: 'message', listener: (event: { readonly data: unknown }) => void): void;
  close(): void;
}

const scope = globalThis as unknown as WorkerScope;

serveWires({
  platform: {
    WebSocket: globalThis.WebSocket,
    performanceNow: () => performance.now(),
    wallNow: () => Date.now(),
    setTimeout: (callback, delayMs) => setTimeout(callback, delayMs),
    clearTimeout: (handle) => clearTimeout(handle as ReturnType<typeof setTimeout>),
    random: () => Math.random(),
  },
  timeOriginMs: performance.timeOrigin,
  port: {
    post: (message) => scope.postMessage(message),
    listen: (listener) =>
      scope.addEventListener('message', ({ data }) => listener(data as ToWorker)),
    close: () => scope.close(),
  },
});
