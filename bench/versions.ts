// Which versions of everything were measured.
import { readFile } from 'node:fs/promises';
import type { Centrifugo } from './centrifugo.ts';
import { firstLineOf } from './report.ts';

const PACKAGES = ['uWebSockets.js', 'ws', 'socket.io', '@socket.io/redis-adapter'];
const NONE = 'not installed';

export type Versions = Readonly<Record<string, string>>;

export async function versions(centrifugo: Centrifugo): Promise<Versions> {
  const packages: [string, string][] = [];
  for (const name of PACKAGES) packages.push([name, await versionOf(name)]);
  return {
    ...Object.fromEntries(packages),
    Centrifugo: centrifugo.kind === 'found' ? centrifugo.version : centrifugo.reason,
    Redis: /v=([\d.]+)/.exec(firstLineOf('redis-server', ['--version']) ?? '')?.[1] ?? NONE,
  };
}

async function versionOf(name: string): Promise<string> {
  try {
    const text = await readFile(`node_modules/${name}/package.json`, 'utf8');
    return (JSON.parse(text) as { version: string }).version;
  } catch {
    // What is not there is told as such.
    return NONE;
  }
}
