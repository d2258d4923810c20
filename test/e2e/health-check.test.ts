// The check of health that the image runs, against servers of whom it is known how they are.
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { readConfig } from '../../src/config.ts';
import { makeCertificate, type CertificateFiles } from '../support/certificate.ts';
import { temporaryDir } from '../support/earshot-process.ts';
import { healthCheck } from '../support/health-check.ts';

/** As a hub whose store is away. */
const UNREADY: RequestListener = ({ url }, response) => {
  response.statusCode = url === '/healthz' ? 200 : 503;
  response.end('{}');
};

describe('the check of health', () => {
  let data: Awaited<ReturnType<typeof temporaryDir>>;
  let files: CertificateFiles;
  const servers: Server[] = [];
  beforeAll(async () => {
    data = await temporaryDir();
    files = makeCertificate(data.dir, 'somebody.example');
  });
  afterEach(() => {
    for (const server of servers.splice(0)) {
      server.close();
      server.closeAllConnections();
    }
  });
  afterAll(() => data.remove());

  async function portOf(server: Server, host = '127.0.0.1'): Promise<string> {
    servers.push(server);
    server.listen(0, host);
    await once(server, 'listening');
    return String((server.address() as AddressInfo).port);
  }
  const tlsServer = (listener: RequestListener): Server => {
    const [cert, key] = [readFileSync(files.cert), readFileSync(files.key)];
    return createTlsServer({ cert, key }, listener);
  };

  it('asks the port that is served, for life or for readiness', async () => {
    const PORT = await portOf(createServer(UNREADY));
    expect(await healthCheck({ PORT })).toBe(0);
    expect(await healthCheck({ PORT, HOST: '0.0.0.0', TLS_CERT_FILE: '' })).toBe(0);
    expect(await healthCheck({ PORT }, '/readyz')).toBe(1);
    expect(await healthCheck({ PORT: '1' })).toBe(1);
  });

  it('asks by TLS where that is spoken, whatever the name of the certificate', async () => {
    const PORT = await portOf(tlsServer(UNREADY));
    expect(await healthCheck({ PORT, TLS_CERT_FILE: files.cert })).toBe(0);
    expect(await healthCheck({ PORT, TLS_CERT_FILE: files.cert }, '/readyz')).toBe(1);
    expect(await healthCheck({ PORT })).toBe(1);
    const plain = await portOf(createServer(UNREADY));
    expect(await healthCheck({ PORT: plain, TLS_CERT_FILE: files.cert })).toBe(1);
  });

  it('asks the address that is listened on, where it is a certain one', async () => {
    const PORT = await portOf(createServer(UNREADY), '127.0.0.2');
    expect(await healthCheck({ PORT, HOST: '127.0.0.2' })).toBe(0);
    expect(await healthCheck({ PORT })).toBe(1);
  });

  it('gives up on who says nothing', async () => {
    const PORT = await portOf(createServer(() => undefined));
    expect(await healthCheck({ PORT })).toBe(1);
  });

  it('is what the image and Compose run, and takes the same port for granted as the service', () => {
    const file = 'dist/src/health-check.js';
    const dockerfile = readFileSync('Dockerfile', 'utf8');
    expect(dockerfile).toContain(`CMD ["node", "${file}"]`);
    const compose = parse(readFileSync('deploy/compose.yaml', 'utf8'), { merge: true }) as {
      services: Record<string, { healthcheck: { test: string[] } }>;
    };
    expect(compose.services['hub-1']?.healthcheck.test).toEqual(['CMD', 'node', file, '/readyz']);
    const { host, port } = readConfig({});
    const source = readFileSync('src/health-check.ts', 'utf8');
    expect(source).toContain(`given('HOST') ?? '${host}'`);
    expect(source).toContain(`given('PORT') ?? '${port}'`);
  });
});
