// A real process and strangers at its edges: who is slow on purpose, whose requests are unclear, who claims to be elsewhere.
import { gzipSync } from 'node:zlib';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SOCKET_PATH } from '../../protocol/version.ts';
import { EarshotProcess, temporaryDir } from '../support/earshot-process.ts';
import { RawConnection } from '../support/raw-connection.ts';
import { handshakeText } from '../support/raw-websocket.ts';

/** Above every limit for slowness of either transport, and far below what an attacker would like. */
const GIVEN_UP_MS = 45_000;
const DRIP_MS = 700;
const GUEST_BURST = 6;

describe.each(['uws', 'ws'] as const)('a service on %s', (transport) => {
  let earshot: EarshotProcess;
  let removeData: () => Promise<void>;

  beforeAll(async () => {
    const data = await temporaryDir();
    removeData = () => data.remove();
    earshot = await EarshotProcess.start({
      DATA_DIR: path.join(data.dir, 'data'),
      TRANSPORT: transport,
      HELLO_TIMEOUT_MS: '1000',
      GUEST_BURST: String(GUEST_BURST),
      GUESTS_PER_MINUTE: '1',
      // Nobody of this test comes from there.
      TRUST_PROXY: '10.0.0.0/8,fd00::/8',
      ALLOWED_ORIGINS: 'https://app.example',
    });
  });

  afterAll(async () => {
    expect(earshot.lines.filter(({ level }) => level === 'error')).toEqual([]);
    await earshot.end('SIGTERM');
    await removeData();
  });

  it('keeps no connection that is slow on purpose, and serves others meanwhile', async () => {
    const { port, url } = earshot;
    const post = `POST /v1/guests HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n`;
    const handshake = handshakeText({ port, path: SOCKET_PATH });
    const slow: readonly [string, string, string][] = [
      ['nothing', '', ''],
      ['headers', 'GET / HTTP/1.1\r\nHost: a\r\n', 'X-A: b\r\n'],
      ['a body', `${post}Content-Length: 4000\r\n\r\n`, 'x'],
      ['a body in chunks', `${post}Transfer-Encoding: chunked\r\n\r\n`, '1\r\nx\r\n'],
      ['a handshake', handshake.slice(0, -2), 'X-A: b\r\n'],
      // A frame of 4,000 masked bytes, of which one comes at a time.
      ['a hello', `${handshake}\x81\xfe\x0f\xa0abcd`, 'x'],
      ['another request', 'GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n', ''],
    ];
    const started = performance.now();
    const ended = slow.map(async ([what, first, drop]) => {
      const connection = await RawConnection.open(port);
      connection.write(Buffer.from(first, 'latin1'));
      const drip = setInterval(() => {
        if (drop !== '') connection.write(drop);
      }, DRIP_MS);
      const patience = setTimeout(() => connection.destroy(), GIVEN_UP_MS);
      await connection.gone;
      clearInterval(drip);
      clearTimeout(patience);
      return { what, isCut: performance.now() - started < GIVEN_UP_MS };
    });
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
    expect(await Promise.all(ended)).toEqual(slow.map(([what]) => ({ what, isCut: true })));
  });

  it('reads no file but its own, however the path is written', async () => {
    const paths = [
      '/../../etc/passwd',
      '/assets/../../../package.json',
      '/..%2f..%2f..%2fetc%2fpasswd',
      '/%2e%2e/%2e%2e/package.json',
      '/.%2e/package.json',
      '/\\..\\..\\package.json',
      '//etc/passwd',
      '/assets/%00',
      '/media/..%2f..%2f..%2fetc%2fpasswd?expires=9999999999&signature=x',
      '/media/%2fetc%2fpasswd',
      '/v1/tracks/..%2f..%2f..%2fpackage.json/cover',
      '/v1/tracks/%2e%2e/cover',
      '/__proto__',
      '/constructor',
    ];
    for (const each of paths) {
      const connection = await RawConnection.open(earshot.port);
      connection.write(`GET ${each} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`);
      await connection.gone.catch(() => undefined);
      const answer = connection.received.toString('latin1');
      expect(answer, each).toMatch(/^HTTP\/1\.1 (?:400|403|404) /);
      expect(answer, each).not.toMatch(/root:|"dependencies"/);
    }
  });

  it('believes nobody where they come from but its proxies', async () => {
    const come = async (claimed: string) =>
      (
        await fetch(`${earshot.url}/v1/guests`, {
          method: 'POST',
          headers: { 'content-type': 'application/json', 'x-forwarded-for': claimed },
          body: '{"name":"Eve"}',
        })
      ).status;
    const statuses: number[] = [];
    for (let n = 0; n <= GUEST_BURST; n += 1)
      statuses.push(await come(`198.51.100.${n}, 10.0.0.1`));
    expect(statuses).toEqual([...Array.from({ length: GUEST_BURST }, () => 201), 429]);
  });

  it('unpacks nothing, neither bodies nor frames', async () => {
    const packed = gzipSync(Buffer.from(`{"name":"${' '.repeat(20_000_000)}"}`));
    expect(packed.length).toBeLessThan(64 * 1_024);
    const answer = await fetch(`${earshot.url}/v1/guests`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'content-encoding': 'gzip' },
      body: packed,
    });
    expect(answer.status).toBe(400);
    const connection = await RawConnection.open(earshot.port);
    const headers = { 'Sec-WebSocket-Extensions': 'permessage-deflate; client_max_window_bits' };
    connection.write(handshakeText({ port: earshot.port, path: SOCKET_PATH, headers }));
    const head = await connection.takeThrough('\r\n\r\n');
    expect(head).toContain(' 101 ');
    expect(head.toLowerCase()).not.toContain('sec-websocket-extensions');
    // A frame that says it is compressed (RSV1) ends the socket.
    connection.write(Buffer.from([0xc1, 0x81, 1, 2, 3, 4, 5]));
    await connection.gone;
  });

  it('lets pages of allowed origins alone call it, and no other write', async () => {
    const from = (origin: string, method = 'GET', target = '/v1/rooms') =>
      fetch(earshot.url + target, {
        method,
        headers: { origin, 'access-control-request-method': 'POST' },
      });
    const allowed = await from('https://app.example');
    expect(allowed.headers.get('access-control-allow-origin')).toBe('https://app.example');
    expect((await from('https://app.example', 'OPTIONS', '/v1/guests')).status).toBe(204);
    const evil = await from('https://evil.example');
    expect(evil.headers.get('access-control-allow-origin')).toBeNull();
    expect((await from('https://evil.example', 'OPTIONS', '/v1/guests')).status).toBe(403);
    expect((await from('https://evil.example', 'POST', '/v1/guests')).status).toBe(403);
  });

  it('is not kept busy by a body of brackets', async () => {
    const brackets = '['.repeat(30_000) + ']'.repeat(30_000);
    const answers = await Promise.all(
      Array.from({ length: 20 }, () =>
        fetch(`${earshot.url}/v1/guests`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: brackets,
        }),
      ),
    );
    for (const answer of answers) {
      expect(answer.status).toBe(400);
      expect(await answer.text()).toContain('deep');
    }
  });
});
