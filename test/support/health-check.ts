// The check of health that the image runs, run by a test.
import { execFile } from 'node:child_process';
import path from 'node:path';
import { expectBuilt } from './built.ts';

const HEALTH_CHECK = path.resolve('dist/src/health-check.js');

/** @param env all of its environment @returns its exit code */
export function healthCheck(
  env: Readonly<Record<string, string>>,
  ...args: readonly string[]
): Promise<number> {
  expectBuilt();
  return new Promise((resolve) => {
    execFile(process.execPath, [HEALTH_CHECK, ...args], { env }, (error) =>
      resolve(error === null ? 0 : Number(error.code)),
    );
  });
}
