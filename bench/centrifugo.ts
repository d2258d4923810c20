// Gets and starts Centrifugo, which Earshot is measured beside: a server of its own, in Go. Knows nothing of what is measured.
import { execFile, spawn } from 'node:child_process';
import { access, constants, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';
import { freePort } from '../test/support/free-port.ts';
import { endOf } from '../test/support/process-end.ts';
import { aside } from './append-child.ts';
import { firstLineOf } from './report.ts';
import type { RoomServer } from './room-servers.ts';
import { sumOf, usageOf, type Usage } from './usage.ts';

export type Centrifugo =
  | { readonly kind: 'found'; readonly command: string; readonly version: string }
  | { readonly kind: 'none'; readonly reason: string };

const VERSION = '5.4.9';
const MODULE = 'github.com/centrifugal/centrifugo/v5';
const FOLDER = path.resolve('.cache/centrifugo');
const BUILT = path.join(FOLDER, 'centrifugo');
const START_MS = 15_000;
const COLLECTIONS = 2;
/** What has been collected goes back to the system little by little. */
const GIVEN_BACK_MS = 2_000;

/** `CENTRIFUGO`, the one on the path, the one that was built before; else it is built, where there is Go. */
export async function findCentrifugo(): Promise<Centrifugo> {
  for (const command of [process.env['CENTRIFUGO'], 'centrifugo', BUILT]) {
    const found = command === undefined ? undefined : asFound(command);
    if (found !== undefined) return found;
  }
  const go = firstLineOf('go', ['version']);
  if (go === undefined) return { kind: 'none', reason: 'there is no Centrifugo here, and no Go' };
  aside(`building Centrifugo ${VERSION} with ${go}, which may take some minutes`);
  try {
    await build();
  } catch (error) {
    const told = error instanceof Error ? error.message.trim().split('\n').at(-1) : String(error);
    return { kind: 'none', reason: `Centrifugo cannot be built: ${told ?? ''}` };
  }
  return asFound(BUILT) ?? { kind: 'none', reason: 'the Centrifugo that was built does not run' };
}

function asFound(command: string): Centrifugo | undefined {
  // Centrifugo v5.4.9 (Go version: go1.26.8)
  const version = firstLineOf(command, ['version']);
  return version === undefined ? undefined : { kind: 'found', command, version };
}

async function build(): Promise<void> {
  await mkdir(FOLDER, { recursive: true });
  const lines = ['module earshot-bench-centrifugo', 'go 1.23.0', `require ${MODULE} v${VERSION}`];
  await writeFile(path.join(FOLDER, 'go.mod'), `${lines.join('\n\n')}\n`);
  // Only a release knows its version by itself.
  const named = `-X ${MODULE}/internal/build.Version=${VERSION}`;
  const args = ['build', '-mod=mod', '-ldflags', named, '-o', BUILT, MODULE];
  await promisify(execFile)('go', args, { cwd: FOLDER });
  await access(BUILT, constants.X_OK);
}

interface Node {
  readonly port: number;
  readonly pid: number;
  stop(): Promise<void>;
}

/** Anybody may enter and talk; nothing is kept of a channel, neither what was said nor who is there. @param redisUrl where nodes have one in common */
export async function startCentrifugo(
  centrifugo: Centrifugo,
  count = 1,
  redisUrl?: string,
): Promise<RoomServer> {
  if (centrifugo.kind === 'none') throw new Error(centrifugo.reason);
  const nodes: Node[] = [];
  const stop = async (): Promise<void> => {
    await Promise.all(nodes.map((node) => node.stop()));
  };
  const usage = async (): Promise<Usage> =>
    sumOf(await Promise.all(nodes.map(({ pid }) => usageOf(pid))));
  try {
    while (nodes.length < count) nodes.push(await startNode(centrifugo.command, redisUrl));
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    kind: 'centrifugo',
    ports: nodes.map(({ port }) => port),
    usage,
    memory: async () => {
      await Promise.all(nodes.map(({ port }) => collect(port)));
      return usage();
    },
    counters: () => Promise.resolve(new Map()),
    stop,
  };
}

async function startNode(command: string, redisUrl: string | undefined): Promise<Node> {
  const port = await freePort();
  const dir = await mkdtemp(path.join(tmpdir(), 'earshot-centrifugo-'));
  const file = path.join(dir, 'config.json');
  const config = {
    address: '127.0.0.1',
    port: String(port),
    client_insecure: true,
    health: true,
    // Its garbage is collected through these.
    debug: true,
    log_level: 'error',
    usage_stats_disable: true,
    ...(redisUrl === undefined ? {} : { engine: 'redis', redis_address: redisUrl }),
  };
  await writeFile(file, JSON.stringify(config));
  const child = spawn(command, ['--config', file], {
    env: { PATH: process.env['PATH'] },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const ended = endOf(child);
  const stop = async (): Promise<void> => {
    child.kill('SIGKILL');
    await ended;
    await rm(dir, { recursive: true, force: true });
  };
  const { pid } = child;
  if (pid === undefined || !(await isHealthy(port))) {
    await stop();
    throw new Error('Centrifugo did not listen in time');
  }
  return { port, pid, stop };
}

async function isHealthy(port: number): Promise<boolean> {
  const end = performance.now() + START_MS;
  while (performance.now() < end) {
    try {
      const { ok } = await fetch(`http://127.0.0.1:${port}/health`);
      if (ok) return true;
    } catch {
      // It does not listen yet.
    }
    await pause(50);
  }
  return false;
}

async function collect(port: number): Promise<void> {
  for (let i = 0; i < COLLECTIONS; i += 1) {
    const profile = await fetch(`http://127.0.0.1:${port}/debug/pprof/heap?gc=1`);
    await profile.arrayBuffer();
    await pause(GIVEN_BACK_MS);
  }
}
