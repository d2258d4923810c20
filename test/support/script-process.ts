// Runs one of our TypeScript files as a process of its own: Node 20 cannot, so it is bundled first, packages left where they are.
import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';

/** Within the checkout, so that the bundle finds the packages. */
const CACHE = fileURLToPath(new URL('../../.cache/', import.meta.url));

export interface Script {
  start(...args: readonly string[]): ChildProcessByStdio<null, Readable, Readable>;
  /** @param options of Node itself */
  startUnder(
    options: readonly string[],
    ...args: readonly string[]
  ): ChildProcessByStdio<null, Readable, Readable>;
  /** @param environment besides this process's own */
  startWith(
    environment: Readonly<Record<string, string>>,
    ...args: readonly string[]
  ): ChildProcessByStdio<null, Readable, Readable>;
  remove(): void;
}

export async function bundleScript(entry: URL): Promise<Script> {
  mkdirSync(CACHE, { recursive: true });
  const outDir = mkdtempSync(path.join(CACHE, 'script-'));
  await build({
    configFile: false,
    logLevel: 'error',
    build: {
      ssr: fileURLToPath(entry),
      outDir,
      target: 'node20',
      rolldownOptions: { output: { entryFileNames: 'script.mjs' } },
    },
  });
  const spawned = (
    options: readonly string[],
    environment: Readonly<Record<string, string>>,
    args: readonly string[],
  ): ReturnType<Script['start']> =>
    spawn(process.execPath, [...options, path.join(outDir, 'script.mjs'), ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...environment },
    });
  return {
    start: (...args) => spawned([], {}, args),
    startUnder: (options, ...args) => spawned(options, {}, args),
    startWith: (environment, ...args) => spawned([], environment, args),
    remove: () => rmSync(outDir, { recursive: true, force: true }),
  };
}
