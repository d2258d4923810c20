// The configurations that compose.yaml gives to Redis and nginx, and what a controller makes of the Ingress, read by Redis and nginx themselves.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, request, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it, onTestFinished } from 'vitest';
import { parse } from 'yaml';
import { freePort } from '../support/free-port.ts';
import { hasNginx } from '../support/nginx.ts';
import { orSkipped, startRedisServer } from '../support/redis-server.ts';

const place = mkdtempSync(path.join(tmpdir(), 'earshot-servers-'));
afterAll(() => rmSync(place, { recursive: true, force: true }));

const hasRedis = await orSkipped('Redis', async () => {
  await (await startRedisServer()).stop();
  return true;
});

describe.skipIf(hasRedis === undefined)('deploy/redis/earshot.conf', () => {
  it('is a Redis with a password that throws nothing away and keeps what it has', async () => {
    const dir = mkdtempSync(path.join(place, 'redis-'));
    const auth = path.join(dir, 'redis-auth');
    writeFileSync(auth, 'requirepass of-the-secret\n');
    const text = readFileSync('deploy/redis/earshot.conf', 'utf8');
    const conf = path.join(dir, 'earshot.conf');
    writeFileSync(conf, text.replace('/run/secrets/redis-auth', auth).replace('/data', dir));
    const port = String(await freePort());
    const server = spawn('redis-server', [conf, '--port', port, '--bind', '127.0.0.1']);
    const ended = once(server, 'exit');
    onTestFinished(async () => {
      server.kill('SIGKILL');
      await ended;
    });
    const ask = (...words: string[]): string =>
      spawnSync('redis-cli', ['-p', port, ...words], {
        encoding: 'utf8',
        env: { ...process.env, REDISCLI_AUTH: 'of-the-secret' },
      }).stdout.trim();
    await expect.poll(() => ask('ping'), { timeout: 10_000 }).toBe('PONG');
    const set = ask('config', 'get', 'maxmemory*', 'append*', 'save').split('\n');
    expect(set).toEqual(expect.arrayContaining(['noeviction', '2147483648', 'everysec']));
    expect(set[set.indexOf('appendonly') + 1]).toBe('yes');
    const { stdout } = spawnSync('redis-cli', ['-p', port, 'ping'], { encoding: 'utf8' });
    expect(stdout).toContain('NOAUTH');
  });
});

/** As somebody makes it who takes the # from the lines of the certificate, which is in a folder here. */
function withCertificate(site: string, folder: string): string {
  const own = [
    '-keyout',
    path.join(folder, 'privkey.pem'),
    '-out',
    path.join(folder, 'fullchain.pem'),
  ];
  const made = spawnSync(
    'openssl',
    ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-subj', '/CN=localhost', ...own],
    { encoding: 'utf8' },
  );
  expect([made.status, made.stderr]).toEqual([0, expect.any(String)]);
  return (
    site
      .replaceAll(/^# (listen 8443|ssl_certificate)/gm, '$1')
      // A directive since nginx 1.25.1.
      .replace(/^# http2 on;\n/m, '')
  );
}

describe.skipIf(!hasNginx())('deploy/compose/nginx.conf', () => {
  it.each(['as it is', 'with a certificate'])(
    'is taken by nginx, with what it includes, %s',
    async (how) => {
      const dir = mkdtempSync(path.join(place, 'nginx-'));
      cpSync('deploy/nginx/earshot.conf', path.join(dir, 'earshot.conf'));
      const moved = (name: string, text: string): string => {
        const file = path.join(dir, name);
        writeFileSync(
          file,
          text
            .replaceAll(' /tmp/', ` ${dir}/`)
            .replaceAll(' /dev/', ` ${dir}/`)
            .replaceAll('/etc/nginx/earshot', `${dir}/earshot`)
            .replaceAll('/etc/nginx/site', dir),
        );
        return file;
      };
      const of = (name: string): string => readFileSync(`deploy/compose/${name}`, 'utf8');
      let site = of('earshot-site.conf').replace('8080', `127.0.0.1:${await freePort()}`);
      if (how === 'with a certificate') {
        site = withCertificate(site, dir).replace(
          /^listen 8443/m,
          `listen 127.0.0.1:${await freePort()}`,
        );
        expect(site).toMatch(/^listen 127\S+ ssl;\nssl_certificate .*\nssl_certificate_key /m);
      }
      moved('earshot-site.conf', site);
      // `resolve` came with nginx 1.27.3, and there are no hubs here to resolve.
      const nodes = of('earshot-nodes.conf');
      expect(nodes).toMatch(/^server hub-1:8080 resolve .*\nserver hub-2:8080 resolve /m);
      moved(
        'earshot-nodes.conf',
        nodes.replace(/^resolver .*$/m, '').replaceAll(/hub-\d:8080 resolve/g, '127.0.0.1:1'),
      );
      const main = moved('nginx.conf', of('nginx.conf'));
      const { status, stderr } = spawnSync('nginx', ['-t', '-c', main, '-p', dir, '-e', 'stderr'], {
        encoding: 'utf8',
      });
      expect(stderr).toContain('test is successful');
      expect(status).toBe(0);
    },
  );
});

interface Ingress {
  readonly metadata: { readonly annotations: Readonly<Record<string, string>> };
}

/** What the controller of nginx.org (5.4) makes of the annotations for a Service, as far as it is about which hub is asked. */
function asOfNginxOrg(hubs: readonly number[], port: number, folder: string): string {
  const { metadata } = parse(
    readFileSync('deploy/kubernetes/base/ingress.yaml', 'utf8'),
  ) as Ingress;
  const of = (name: string, usual: string): string =>
    metadata.annotations[`nginx.org/${name}`] ?? usual;
  const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  return `daemon off;
    pid ${folder}/nginx.pid;
    events {}
    http {
      access_log off;
      ${paths.map((kind) => `${kind}_temp_path ${folder}/${kind};`).join(' ')}
      upstream hubs {
        zone hubs 256k;
        ${of('lb-method', 'random two least_conn')};
        ${hubs.map((hub) => `server 127.0.0.1:${hub} max_fails=${of('max-fails', '1')} fail_timeout=${of('fail-timeout', '10s')};`).join(' ')}
      }
      server {
        listen 127.0.0.1:${port};
        location / {
          proxy_http_version 1.1;
          proxy_set_header Upgrade $http_upgrade;
          proxy_set_header Connection upgrade;
          proxy_next_upstream ${of('proxy-next-upstream', 'error timeout')};
          proxy_next_upstream_timeout ${of('proxy-next-upstream-timeout', '0s')};
          proxy_next_upstream_tries ${of('proxy-next-upstream-tries', '0')};
          proxy_pass http://hubs;
        }
      }
    }`;
}

/** What a hub answers to whoever asks for a path. */
type StatusOf = (path: string) => number;

/** Two hubs behind it. @returns asks for a path, as a socket does for its own, and answers the status */
async function behindNginxOrg(
  statuses: readonly StatusOf[],
): Promise<(path: string) => Promise<number>> {
  const hubs: number[] = [];
  for (const statusOf of statuses) {
    const hub = createServer((request, response) => {
      response.writeHead(statusOf(request.url ?? ''), { connection: 'close' }).end();
    });
    hub.on('upgrade', (request, socket) => {
      const status = statusOf(request.url ?? '');
      socket.end(
        `HTTP/1.1 ${status} Of A Hub\r\nConnection: ${status === 101 ? 'upgrade\r\nUpgrade: websocket' : 'close'}\r\n\r\n`,
      );
    });
    hub.listen(0, '127.0.0.1');
    await once(hub, 'listening');
    onTestFinished(() => void hub.close());
    hubs.push((hub.address() as AddressInfo).port);
  }
  const dir = mkdtempSync(path.join(place, 'ingress-'));
  const port = await freePort();
  const file = path.join(dir, 'nginx.conf');
  writeFileSync(file, asOfNginxOrg(hubs, port, dir));
  const nginx = spawn('nginx', ['-c', file, '-p', dir, '-e', path.join(dir, 'error.log')]);
  const ended = once(nginx, 'exit');
  onTestFinished(async () => {
    nginx.kill('SIGTERM');
    await ended;
  });
  const ask = (asked: string): Promise<number> =>
    new Promise((resolve, reject) => {
      const upgrade = asked === '/v1/socket' ? { connection: 'upgrade', upgrade: 'websocket' } : {};
      const sent = request({
        port,
        host: '127.0.0.1',
        path: asked,
        headers: upgrade,
        agent: false,
      });
      const told = ({ statusCode = 0 }: IncomingMessage): void => resolve(statusCode);
      sent
        .on('error', reject)
        .on('response', told)
        .on('upgrade', (answer, socket) => {
          socket.destroy();
          told(answer);
        });
      sent.end();
    });
  await expect
    .poll(() => ask('/').catch(() => undefined), { timeout: 10_000 })
    .toEqual(expect.any(Number));
  return ask;
}

describe.skipIf(!hasNginx())('the Ingress, by the controller of nginx.org,', () => {
  const goes: StatusOf = (asked) => (asked === '/v1/socket' ? 101 : 200);

  it('has a hub take each newcomer whom another one, which is drained, sends away', async () => {
    const drained: StatusOf = (asked) => (asked === '/v1/socket' ? 503 : 200);
    const ask = await behindNginxOrg([drained, goes]);
    for (let i = 0; i < 8; i += 1) expect(await ask('/v1/socket')).toBe(101);
  });

  it('lets sockets and music through while all hubs say 503 to REST, as a store is away', async () => {
    const withoutStore: StatusOf = (asked) => (asked.startsWith('/v1/rooms') ? 503 : goes(asked));
    const ask = await behindNginxOrg([withoutStore, withoutStore]);
    for (let i = 0; i < 4; i += 1) {
      expect(await ask('/v1/rooms')).toBe(503);
      expect(await ask('/v1/socket')).toBe(101);
      expect(await ask('/media/a')).toBe(200);
    }
  });
});
