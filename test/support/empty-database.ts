// An embedded database with its tables and nothing in them, made once and copied: making one takes a core for some seconds, and many tests
// begin with it. Those that are about the making itself take none.
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { createHash } from 'node:crypto';
import { createRequire } from 'node:module';
import path from 'node:path';
import { openEmbeddedStores } from '../../src/adapters/postgres/open-postgres-stores.ts';
import { createPinoLog } from '../../src/adapters/system/pino-log.ts';

const CACHE = path.resolve('.cache');

/** One of another version, or by other migrations, would not be what a first start makes. */
function madeFor(): string {
  const { resolve } = createRequire(import.meta.url);
  // Its package says no more than its entry: that lies in `dist`.
  const root = path.resolve(path.dirname(resolve('@electric-sql/pglite')), '..');
  const packed = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as object;
  const version = 'version' in packed ? String(packed.version) : 'unknown';
  const hash = createHash('sha256');
  for (const name of readdirSync('migrations').sort()) {
    const file = path.join('migrations', name);
    if (name.endsWith('.ts')) hash.update(readFileSync(file));
  }
  return path.join(CACHE, `empty-database-${version}-${hash.digest('hex').slice(0, 12)}`);
}

/** Puts one where `dataDir` has none yet. */
export async function putEmptyDatabase(dataDir: string): Promise<void> {
  const place = path.join(dataDir, 'postgres');
  if (existsSync(place)) return;
  const made = madeFor();
  if (!existsSync(made)) await make(made);
  mkdirSync(dataDir, { recursive: true });
  cpSync(path.join(made, 'postgres'), place, { recursive: true });
}

/** Several at once may each make one: the first that is whole stays. */
async function make(made: string): Promise<void> {
  mkdirSync(CACHE, { recursive: true });
  const making = mkdtempSync(path.join(CACHE, 'making-database-'));
  try {
    const stores = await openEmbeddedStores({ dataDir: making, log: createPinoLog('warn') });
    await stores.stop();
    renameSync(making, made);
  } catch (error) {
    rmSync(making, { recursive: true, force: true });
    if (!existsSync(made)) throw error;
  }
}
