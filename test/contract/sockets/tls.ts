// What every transport does with strangers where it speaks TLS itself.
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import nodePath from 'node:path';
import { connect } from 'node:tls';
import { afterAll, beforeAll, describe, it, onTestFinished } from 'vitest';
import type { TlsFiles } from '../../../src/ports/sockets.ts';
import { makeCertificate } from '../../support/certificate.ts';
import { endless, type SocketsGround } from './ground.ts';

/** A ClientHello of 512 bytes that has but begun. */
const helloBegins = Buffer.from([22, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3]);

export function tlsContract({ listen, connectRaw }: SocketsGround): void {
  describe('TLS', () => {
    let dir: string;
    let tls: TlsFiles;

    beforeAll(() => {
      dir = mkdtempSync(nodePath.join(tmpdir(), 'earshot-tls-'));
      const { cert, key } = makeCertificate(dir, 'transport');
      tls = { certFile: cert, keyFile: key };
    });

    afterAll(() => rmSync(dir, { recursive: true }));

    it(
      'ends a handshake that says nothing, stops half-way or drips',
      { timeout: 40_000 },
      async () => {
        const { port } = await listen({ tls });
        const silent = await connectRaw(port);
        const halfWay = await connectRaw(port);
        halfWay.write(helloBegins);
        const dripping = await connectRaw(port);
        dripping.write(helloBegins);
        const drip = setInterval(() => dripping.write('x'), 700);
        await Promise.all([silent.gone, halfWay.gone, dripping.gone]);
        clearInterval(drip);
      },
    );

    it('stops though a handshake stalls', { timeout: 5_000 }, async () => {
      const listening = await listen({ tls });
      const connection = await connectRaw(listening.port);
      connection.write(helloBegins);
      await listening.stop();
      await connection.gone;
    });

    it('cuts a peer that takes nothing of a body, and ends its source', async () => {
      const source = endless(64 * 1024);
      const { port } = await listen({
        tls,
        answerPace: { windowMs: 600, minBytes: 1 },
        fetch: () => new Response(source.body, { headers: { 'content-length': '1000000000' } }),
      });
      const peer = connect({ port, host: '127.0.0.1', rejectUnauthorized: false });
      onTestFinished(() => void peer.destroy());
      peer.on('error', () => undefined);
      await once(peer, 'secureConnect');
      peer.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
      peer.pause();
      await source.cancelled;
    });
  });
}
