// For the image: takes out of a node_modules what runs nowhere (types, source maps, pages) and what runs elsewhere (the binaries of
// uWebSockets.js for other platforms), and sees that what is left of that one loads. `node scripts/prune-dependencies.mjs node_modules`
import { existsSync, readdirSync, rmSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';

const [, , root = 'node_modules'] = process.argv;
const UWS = path.join(root, 'uWebSockets.js');
/** With the C library that its binaries for Node 22 and newer need. */
const UWS_GLIBC = 2.38;
const NEVER_RUN = /\.(?:map|md|markdown|flow|tsbuildinfo)$|\.d\.[cm]?ts$/i;
/** Whoever hands on what others made hands on their terms, too. */
const KEPT = /^(?:licen[cs]e|notice|copying)/i;
/** Of the others the folder's name says it. */
const NEVER_RUN_FOLDERS = [path.join(root, '@types')];

let freed = 0;
function drop(file) {
  freed += sizeOf(file);
  rmSync(file, { recursive: true });
}

function sizeOf(file) {
  const stats = statSync(file);
  if (!stats.isDirectory()) return stats.size;
  return readdirSync(file).reduce((sum, name) => sum + sizeOf(path.join(file, name)), 0);
}

function prune(dir) {
  for (const entry of readdirSync(dir, { withFileTypes: true })) {
    const file = path.join(dir, entry.name);
    if (entry.isDirectory()) prune(file);
    else if (entry.isFile() && NEVER_RUN.test(entry.name) && !KEPT.test(entry.name)) drop(file);
  }
}

/** The library is one file that names its binary by platform, architecture and ABI. */
function pruneUws() {
  const binary = `uws_${process.platform}_${process.arch}_${process.versions.modules}.node`;
  const kept = new Set(['uws.js', 'package.json', 'LICENSE', binary]);
  for (const name of readdirSync(UWS)) if (!kept.has(name)) drop(path.join(UWS, name));
  const glibc = process.report.getReport().header.glibcVersionRuntime ?? '0';
  if (!existsSync(path.join(UWS, binary))) throw new Error(`uWebSockets.js has no ${binary}`);
  if (newer(UWS_GLIBC, glibc))
    return `${binary}, not loaded: it needs glibc ${UWS_GLIBC}, here is ${glibc}`;
  const { App } = createRequire(path.resolve(root, 'here.js'))('uWebSockets.js');
  if (typeof App !== 'function') throw new Error('uWebSockets.js loads, and is not what it was');
  return `${binary}, which loads`;
}

function newer(wanted, version) {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [wantedMajor, wantedMinor] = String(wanted).split('.').map(Number);
  return major < wantedMajor || (major === wantedMajor && minor < wantedMinor);
}

for (const dir of NEVER_RUN_FOLDERS) if (existsSync(dir)) drop(dir);
const kept = existsSync(UWS) ? pruneUws() : 'not installed';
prune(root);
process.stdout.write(`uWebSockets.js: ${kept}; ${Math.round(freed / 1e6)} MB less\n`);
