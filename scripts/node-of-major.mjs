// Finds a Node of a major version: this one if it is that, else the one of npm's package of this platform, which is kept in .cache.
// (The package `node` would fetch that one by a script of its own, which npm may refuse to run.)
// `node scripts/node-of-major.mjs 24` prints its path.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * @param {number} major
 * @returns {string} the path of its binary
 * @throws {Error} in one line where it cannot be installed
 */
export function nodeOfMajor(major) {
  if (Number(process.versions.node.split('.')[0]) === major) return process.execPath;
  const home = path.resolve(`.cache/node${major}`);
  const name = `node-${process.platform}-${process.arch}`;
  const node = path.join(home, 'node_modules', name, 'bin/node');
  if (!existsSync(node)) {
    const args = ['install', '--prefix', home, '--no-audit', '--no-fund', `${name}@${major}`];
    mkdirSync(home, { recursive: true });
    const { status } = spawnSync('npm', args, { stdio: ['ignore', 'ignore', 'inherit'] });
    if (status !== 0) throw new Error(`could not install ${name}@${major} into ${home}`);
  }
  return node;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [, , wanted] = process.argv;
  try {
    if (!/^\d+$/.test(wanted ?? '')) throw new Error('usage: node scripts/node-of-major.mjs MAJOR');
    process.stdout.write(`${nodeOfMajor(Number(wanted))}\n`);
  } catch (error) {
    process.stderr.write(`${error.message}\n`);
    process.exitCode = 1;
  }
}
