// Debian's nginx with the configuration that is deployed, as it is: only its nodes and its address are the test's.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { freePort } from './free-port.ts';

const DEPLOYED = path.resolve('deploy/nginx/earshot.conf');
const REQUIRE_ALL = process.env['EARSHOT_TEST_REQUIRE_ALL'] === '1';
const PATIENCE_MS = 30_000;

export interface Nginx {
  readonly url: string;
  readonly port: number;
  /** The whole configuration, as nginx has read it. */
  readonly config: string;
  /** What was logged, with its addresses and answers. */
  readonly accessLog: string;
  stop(): Promise<void>;
}

/** Whether there is an nginx to test with; where there is none, says so in one line, or fails where all is required. */
export function hasNginx(): boolean {
  if (spawnSync('nginx', ['-v']).status === 0) return true;
  if (REQUIRE_ALL) throw new Error('nginx is required, and cannot be run');
  console.warn('skipped behind nginx: there is none (apt-get install nginx)');
  return false;
}

/** @param nodes their ports on this machine */
export async function startNginx(nodes: readonly number[]): Promise<Nginx> {
  const dir = mkdtempSync(path.join(tmpdir(), 'earshot-nginx-'));
  const port = await freePort();
  const write = (name: string, lines: readonly string[]): string => {
    const file = path.join(dir, name);
    writeFileSync(file, `${lines.join('\n')}\n`);
    return file;
  };
  write(
    'earshot-nodes.conf',
    nodes.map((node) => `server 127.0.0.1:${node} max_fails=1 fail_timeout=5s;`),
  );
  const accessLog = path.join(dir, 'access.log');
  write('earshot-site.conf', [`listen 0.0.0.0:${port};`, `access_log ${accessLog} earshot;`]);
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (kind) => `  ${kind}_temp_path ${dir}/${kind};`,
  );
  const main = write('nginx.conf', [
    'daemon off;',
    'worker_processes 1;',
    `pid ${dir}/nginx.pid;`,
    `error_log ${dir}/error.log info;`,
    'events { worker_connections 1024; }',
    'http {',
    ...temporary,
    `  include ${DEPLOYED};`,
    '}',
  ]);
  const args = ['-c', main, '-p', dir, '-e', path.join(dir, 'error.log')];
  const checked = spawnSync('nginx', [...args, '-T'], { encoding: 'utf8' });
  if (checked.status !== 0) throw new Error(`nginx refuses it: ${checked.stderr}`);
  const child = spawn('nginx', args, { stdio: 'ignore' });
  const ended = once(child, 'exit');
  const url = `http://127.0.0.1:${port}`;
  await answering(url);
  return {
    url,
    port,
    config: checked.stdout,
    accessLog,
    async stop() {
      child.kill('SIGTERM');
      await ended;
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

async function answering(url: string): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS;
  for (;;) {
    try {
      await fetch(`${url}/metrics`);
      return;
    } catch (error) {
      if (performance.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}
