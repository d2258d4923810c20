// What the image weighs, part by part: of the folder that `npm run try:image` makes by the Dockerfile's own steps. Starts no engine.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { lstat, readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { aside } from './append-child.ts';

const TRY_IMAGE = path.resolve('scripts/try-image.mjs');
/** The stage whose root is the image’s. */
const SERVICE = 'service';

export interface Image {
  /** On top of the image that it begins with. */
  readonly wholeBytes: number;
  readonly parts: readonly ImagePart[];
  /** Each package, or each scope where it has one. */
  readonly packages: readonly ImagePart[];
}

export interface ImagePart {
  readonly name: string;
  readonly bytes: number;
}

export async function measureImage(): Promise<Image> {
  const { kept, code, told } = await tried();
  try {
    if (code !== 0 || kept === undefined)
      throw new Error(
        `npm run try:image ended with ${code}: ${told.trim().split('\n').at(-1) ?? ''}`,
      );
    return await weighed(path.join(kept, SERVICE));
  } finally {
    if (kept !== undefined) await rm(kept, { recursive: true, force: true });
  }
}

async function tried(): Promise<{
  readonly kept: string | undefined;
  readonly code: number | null;
  readonly told: string;
}> {
  // The build that is here is the one that is measured otherwise, too.
  const child = spawn(process.execPath, [TRY_IMAGE, '--built', '--keep'], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  let told = '';
  child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (told += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number | null];
  aside(said.trimEnd());
  return { kept: /^kept: (.+)$/m.exec(said)?.[1], code, told };
}

async function weighed(root: string): Promise<Image> {
  const app = path.join(root, 'app');
  const dist = await bytesOf(path.join(app, 'dist'));
  const page = await bytesOf(path.join(app, 'dist/web'));
  const loadTest = await bytesOf(path.join(app, 'dist/loadtest'));
  const packages = await packagesIn(path.join(app, 'node_modules'));
  const parts = [
    { name: 'Node', bytes: await bytesOf(path.join(root, 'usr/local/bin/node')) },
    { name: 'packages', bytes: sumOf(packages) },
    { name: 'the hub, the SDK, the protocol and the migrations', bytes: dist - page - loadTest },
    { name: 'the page', bytes: page },
    { name: 'the load test', bytes: loadTest },
  ];
  const wholeBytes = (await bytesOf(app)) + (parts[0]?.bytes ?? 0);
  const other = { name: 'other', bytes: wholeBytes - sumOf(parts) };
  return { wholeBytes, parts: [...parts, other], packages };
}

/** By package, or by scope where it has one. */
async function packagesIn(folder: string): Promise<ImagePart[]> {
  const names = await readdir(folder);
  return Promise.all(
    names.map(async (name) => ({ name, bytes: await bytesOf(path.join(folder, name)) })),
  );
}

async function bytesOf(file: string): Promise<number> {
  const stats = await lstat(file);
  if (!stats.isDirectory()) return stats.size;
  const within = await readdir(file);
  const each = await Promise.all(within.map((name) => bytesOf(path.join(file, name))));
  return each.reduce((sum, bytes) => sum + bytes, 0);
}

function sumOf(parts: readonly ImagePart[]): number {
  return parts.reduce((sum, { bytes }) => sum + bytes, 0);
}
