// What every transport does with its port: binding, draining, stopping.
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { PortInUse } from '../../../src/ports/sockets.ts';
import { RawConnection } from '../../support/raw-connection.ts';
import { freePort } from '../../support/free-port.ts';
import { text, type SocketsGround } from './ground.ts';

export function portContract(ground: SocketsGround): void {
  const { listen, open, openRaw, connectRaw } = ground;

  describe('the port', () => {
    it('rejects with PortInUse when another has it, and leaves nothing open', async () => {
      const { port } = await listen();
      await expect(listen({ port })).rejects.toThrow(PortInUse);
      const { socket } = await openRaw(port);
      expect(socket.isOpen).toBe(true);
    });

    it('stops accepting while open sockets go on', async () => {
      const listening = await listen();
      const { raw, socket } = await openRaw(listening.port);
      listening.stopAccepting();
      listening.stopAccepting();
      await expect(RawConnection.open(listening.port)).rejects.toThrow('ECONNREFUSED');
      expect(socket.send(text('still here'))).toBe('sent');
      expect((await raw.nextFrame()).payload.toString()).toBe('still here');
    });

    it('closes open sockets with 1001 when it stops, and frees the port', async () => {
      // A number known before, as in production: what the system gave for 0 is bound without SO_REUSEADDR by uWebSockets.js.
      const listening = await listen({ port: await freePort() });
      const { client, socket } = await open(listening.port);
      const stalled = await openRaw(listening.port);
      stalled.raw.connection.pauseReading();
      const gone = once(client, 'close');
      await Promise.all([listening.stop(), listening.stop()]);
      await listening.stop();
      expect((await gone)[0]).toBe(1001);
      expect(ground.recorder.kindsOf(socket)).toEqual(['opened', 'closed']);
      expect(ground.recorder.kindsOf(stalled.socket)).toEqual(['opened', 'closed']);
      await expect(RawConnection.open(listening.port)).rejects.toThrow('ECONNREFUSED');
      const again = await listen({ port: listening.port });
      expect(again.port).toBe(listening.port);
    });

    it('ends requests that are not answered when it stops', async () => {
      let asked = (): void => undefined;
      const isAsked = new Promise<void>((resolve) => (asked = resolve));
      let signal: AbortSignal | undefined;
      const listening = await listen({
        fetch(request) {
          signal = request.signal;
          asked();
          return new Promise(() => undefined);
        },
      });
      const connection = await connectRaw(listening.port);
      connection.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
      await isAsked;
      const aborted = signal!;
      await listening.stop();
      await connection.gone;
      if (!aborted.aborted) await once(aborted, 'abort');
    });

    it('shows an IPv4 peer of an IPv6 port by its IPv4 address, and an IPv6 peer in short form', async () => {
      const addresses: string[] = [];
      const { port } = await listen({
        host: '::',
        fetch(_request, peer) {
          addresses.push(peer.remoteAddress);
          return new Response('hello');
        },
      });
      const { socket } = await openRaw(port);
      expect(socket.remoteAddress).toBe('127.0.0.1');
      await (await fetch(`http://127.0.0.1:${port}/`)).text();
      await (await fetch(`http://[::1]:${port}/`)).text();
      expect(addresses).toEqual(['127.0.0.1', '::1']);
    });
  });
}
