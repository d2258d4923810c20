// TLS in the process itself: certificates made here, served by both transports, renewed under open connections.
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, writeFileSync } from 'node:fs';
import { get } from 'node:https';
import path from 'node:path';
import { connect, type TLSSocket } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { SOCKET_PATH, SUBPROTOCOL } from '../../protocol/version.ts';
import { makeCertificate, type CertificateFiles } from '../support/certificate.ts';
import { EarshotProcess, startToFail, temporaryDir } from '../support/earshot-process.ts';
import { freePort } from '../support/free-port.ts';
import { healthCheck } from '../support/health-check.ts';

async function nameServed(port: number): Promise<string> {
  const socket: TLSSocket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false });
  await once(socket, 'secureConnect');
  const { subject } = socket.getPeerCertificate();
  socket.destroy();
  return String(subject.CN);
}

describe.each(['uws', 'ws'] as const)('TLS on %s', (transport) => {
  let data: Awaited<ReturnType<typeof temporaryDir>>;
  let served: CertificateFiles;
  let next: CertificateFiles;
  let earshot: EarshotProcess;

  beforeAll(async () => {
    data = await temporaryDir();
    served = makeCertificate(data.dir, 'first');
    next = makeCertificate(data.dir, 'second');
    earshot = await EarshotProcess.start({
      DATA_DIR: path.join(data.dir, 'data'),
      // As uWebSockets.js binds one that the system chooses, it cannot be taken over.
      PORT: String(await freePort()),
      TRANSPORT: transport,
      TLS_CERT_FILE: served.cert,
      TLS_KEY_FILE: served.key,
      TLS_RENEW_SECONDS: '1',
      // One of the sockets is to outlive two renewals, and says nothing until then.
      HELLO_TIMEOUT_MS: '60000',
    });
  });

  afterAll(async () => {
    expect(await earshot.end('SIGTERM')).toBe(0);
    await data.remove();
  });

  function ask(target: string, ca: string): Promise<{ status: number; hsts: unknown }> {
    return new Promise((resolve, reject) => {
      const options = { host: '127.0.0.1', port: earshot.port, path: target, agent: false };
      get({ ...options, ca: execFileSync('cat', [ca]) }, (response) => {
        response.resume();
        const hsts = response.headers['strict-transport-security'];
        resolve({ status: response.statusCode ?? 0, hsts });
      }).on('error', reject);
    });
  }

  function socketTo(origin?: string): WebSocket {
    const url = `wss://127.0.0.1:${earshot.port}${SOCKET_PATH}`;
    return new WebSocket(url, SUBPROTOCOL, {
      rejectUnauthorized: false,
      ...(origin === undefined ? {} : { origin }),
    });
  }

  it('serves the page, REST and sockets, and asks browsers to come by TLS alone', async () => {
    expect(await ask('/', served.cert)).toEqual({
      status: 200,
      hsts: expect.stringContaining('max-age') as string,
    });
    expect((await ask('/readyz', served.cert)).status).toBe(200);
    const socket = socketTo(`https://127.0.0.1:${earshot.port}`);
    await once(socket, 'open');
    socket.terminate();
    expect(earshot.lines.at(-1)?.['url']).toMatch(/^https:/);
  });

  it('tells its health to the check of the image, which asks by TLS where a certificate is named', async () => {
    const PORT = String(earshot.port);
    for (const target of ['/healthz', '/readyz'])
      expect(await healthCheck({ PORT, TLS_CERT_FILE: served.cert }, target)).toBe(0);
    expect(await healthCheck({ PORT })).toBe(1);
  });

  it('says nothing without TLS, and speaks no version that is broken', async () => {
    await expect(fetch(`${earshot.url}/healthz`)).rejects.toThrow();
    const old = connect({
      port: earshot.port,
      host: '127.0.0.1',
      rejectUnauthorized: false,
      minVersion: 'TLSv1',
      maxVersion: 'TLSv1.1',
      ciphers: 'DEFAULT@SECLEVEL=0',
    });
    const [error] = (await once(old, 'error').catch((thrown: unknown) => [thrown])) as [Error];
    expect(error).toBeInstanceOf(Error);
  });

  it('takes a new certificate while sockets stay open, and none that does not fit', async () => {
    const staying = socketTo();
    await once(staying, 'open');
    let isClosed = false;
    const closed = once(staying, 'close').then(([code]) => {
      isClosed = true;
      return code as number;
    });
    // One that is half written is not used, and said once.
    writeFileSync(served.cert, 'half a certificate');
    const complaints = () => earshot.lines.filter(({ msg }) => msg.includes('is not used'));
    await expect.poll(() => complaints().length).toBe(1);
    expect(await nameServed(earshot.port)).toBe('first');
    copyFileSync(next.key, served.key);
    copyFileSync(next.cert, served.cert);
    await expect.poll(() => nameServed(earshot.port).catch(() => 'none')).toBe('second');
    expect((await ask('/healthz', next.cert)).status).toBe(200);
    // The old connection goes on: its socket is answered by the hub.
    expect(isClosed).toBe(false);
    staying.send('{}');
    expect(await closed).toBe(4500);
  });
});

describe('a certificate that cannot be used', () => {
  it('ends the start with one line', async () => {
    const data = await temporaryDir();
    const a = makeCertificate(data.dir, 'a');
    const b = makeCertificate(data.dir, 'b');
    const DATA_DIR = path.join(data.dir, 'data');
    const start = (TLS_CERT_FILE: string, TLS_KEY_FILE: string) =>
      startToFail({ DATA_DIR, TLS_CERT_FILE, TLS_KEY_FILE });
    for (const [cert, key, says] of [
      [a.cert, b.key, 'the key is not that of the certificate'],
      [a.cert, path.join(data.dir, 'nowhere'), 'ENOENT'],
      [a.cert, '', 'TLS_KEY_FILE: must be set'],
    ] as const) {
      const { code, stderr } = await start(cert, key);
      expect(code).toBe(1);
      expect(stderr).toContain(says);
      expect(stderr.trim().split('\n')).toHaveLength(1);
    }
    await data.remove();
  });
});
