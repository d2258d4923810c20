// Whether the build is what the sources say: a test of a whole process must not pass or fail for an older one.
import { existsSync, readdirSync, statSync } from 'node:fs';
import path from 'node:path';

const HUB_SOURCES = ['protocol', 'src', 'migrations', 'loadtest', 'tsconfig.build.json'];

function newest(file: string): number {
  const stats = statSync(file);
  if (!stats.isDirectory()) return /\.(?:ts|json)$/.test(file) ? stats.mtimeMs : 0;
  return Math.max(0, ...readdirSync(file).map((name) => newest(path.join(file, name))));
}

/** Throws where `npm run build` is due; `EARSHOT_TEST_ANY_BUILD=1` takes what there is. The page's own sources do not count: its tests build it themselves. */
export function expectBuilt(): void {
  if (process.env['EARSHOT_TEST_ANY_BUILD'] === '1') return;
  const main = 'dist/src/main.js';
  const sources = HUB_SOURCES.flatMap((file) =>
    file === 'src'
      ? readdirSync(file)
          .filter((name) => name !== 'web')
          .map((name) => path.join(file, name))
      : [file],
  ).filter((file) => !file.includes('generated'));
  if (existsSync(main) && statSync(main).mtimeMs >= Math.max(...sources.map(newest))) return;
  throw new Error('dist/ is older than the sources: run `npm run build` first');
}
