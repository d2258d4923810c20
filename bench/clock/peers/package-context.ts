// Owns the running of an npm package in virtual time: its own global scope with the simulator's timers and chance.

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createContext, Script } from 'node:vm';
import type { PeerHost } from './peer-clock.ts';

const require = createRequire(import.meta.url);

export interface PackageContext {
  /** What the package exports. */
  readonly exports: unknown;
  /** Runs what its promises have to do. */
  settle(): void;
}

const scripts = new Map<string, Script>();
const nothing = new Script('0');

/**
 * Runs a CommonJS file of a package unchanged, as a browser would: with a `window`, native promises, and timers and
 * `Math.random` of the simulator. Promises have a queue of their own (`microtaskMode`), run by `settle` between two
 * moments of virtual time.
 */
export function runPackage(file: string, host: PeerHost): PackageContext {
  const path = require.resolve(file);
  const module = { exports: {} };
  const repeat = (call: () => void, everyMs: number): number => {
    const again = (): void => {
      host.setTimeout(again, everyMs);
      call();
    };
    return host.setTimeout(again, everyMs);
  };
  const context = createContext(
    {
      module,
      exports: module.exports,
      require: createRequire(path),
      console: { log: ignore, warn: ignore },
      setTimeout: (call: () => void, delayMs: number) => host.setTimeout(call, delayMs),
      setInterval: repeat,
      clearTimeout: (id: number) => host.clearTimeout(id),
      simulatedRandom: () => host.random(),
    },
    { microtaskMode: 'afterEvaluate' },
  );
  new Script('var window = globalThis; Math.random = simulatedRandom;').runInContext(context);
  let script = scripts.get(path);
  if (script === undefined) {
    script = new Script(readFileSync(path, 'utf8'), { filename: path });
    scripts.set(path, script);
  }
  script.runInContext(context);
  return {
    exports: module.exports,
    settle: () => void nothing.runInContext(context),
  };
}

function ignore(): void {
  // A peer's log is not ours.
}
