// The configurations that compose.yaml gives to Redis and nginx, read by Redis and nginx themselves.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it, onTestFinished } from 'vitest';
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
