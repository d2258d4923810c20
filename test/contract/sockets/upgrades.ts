// What every transport does with a request for a WebSocket.
import { connect, type Socket as NetSocket } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { handshakeText } from '../../support/raw-websocket.ts';
import { endless, path, subprotocol, type SocketsGround } from './ground.ts';

export function upgradesContract(ground: SocketsGround): void {
  const { listen, openRaw, connectRaw } = ground;

  describe('upgrades', () => {
    it('chooses its subprotocol among those offered', async () => {
      const { port } = await listen();
      const { raw } = await openRaw(port, { 'Sec-WebSocket-Protocol': `other, ${subprotocol}` });
      expect(raw.responseHead.toLowerCase()).toContain(
        `sec-websocket-protocol: ${subprotocol}\r\n`,
      );
    });

    it('accepts a client that offers none, and names none', async () => {
      const { port } = await listen();
      const { raw } = await openRaw(port);
      expect(raw.responseHead.toLowerCase()).not.toContain('sec-websocket-protocol');
      expect(raw.responseHead.toLowerCase()).not.toContain('sec-websocket-extensions');
    });

    async function refusal(
      port: number,
      headers: Record<string, string> = {},
    ): Promise<{ head: string; body: string }> {
      const connection = await connectRaw(port);
      connection.write(handshakeText({ port, path, headers }));
      const head = await connection.takeThrough('\r\n\r\n');
      const length = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0);
      const body = await connection.take((received) =>
        received.length >= length ? length : undefined,
      );
      return { head, body: body.toString() };
    }

    it('refuses a client that offers others only', async () => {
      const { port } = await listen();
      const { head } = await refusal(port, { 'Sec-WebSocket-Protocol': 'other, earshot.v0' });
      expect(head).toContain(' 400 ');
      expect(ground.recorder.events).toEqual([]);
    });

    it('refuses another version of the handshake', async () => {
      const { port } = await listen();
      const { head } = await refusal(port, { 'Sec-WebSocket-Version': '8' });
      expect(head).toContain(' 400 ');
      expect(ground.recorder.events).toEqual([]);
    });

    it('answers a rejection with its status and text', async () => {
      const { port } = await listen({
        upgrade: () => ({ kind: 'reject', status: 403, message: 'origin not allowed' }),
      });
      const { head, body } = await refusal(port);
      expect(head).toContain(' 403 Forbidden\r\n');
      expect(JSON.parse(body)).toMatchObject({ status: 403, detail: 'origin not allowed' });
      expect(ground.recorder.events).toEqual([]);
    });

    it('answers 500 without details when the decision throws', async () => {
      const { port } = await listen({
        upgrade() {
          throw new Error('secret');
        },
      });
      const { head, body } = await refusal(port);
      expect(head).toContain(' 500 ');
      expect(body).not.toContain('secret');
    });

    /** Reads that the other side has ended, and does not end its own. */
    async function halfOpen(port: number, target: string): Promise<NetSocket> {
      const net = connect({ host: '127.0.0.1', port, allowHalfOpen: true });
      onTestFinished(() => void net.destroy());
      net.on('error', () => undefined);
      net.write(handshakeText({ port, path: target }));
      net.resume();
      await new Promise((resolve) => net.once('end', resolve));
      return net;
    }

    it.each([
      ['that was refused', path],
      ['that asked elsewhere', '/elsewhere'],
    ])('lets go of a client %s and keeps its side open', async (_name, target) => {
      const { port } = await listen({
        upgrade: () => ({ kind: 'reject', status: 403, message: 'no' }),
      });
      const net = await halfOpen(port, target);
      const gone = new Promise((resolve) => net.once('close', resolve));
      // What comes where nobody is any more is answered by a reset.
      const drip = setInterval(() => net.write('x'), 20);
      await gone;
      clearInterval(drip);
    });

    it('stops though a client that was refused keeps its side open', async () => {
      const listening = await listen({
        upgrade: () => ({ kind: 'reject', status: 403, message: 'no' }),
      });
      await halfOpen(listening.port, path);
      await listening.stop();
    });

    it('stops though a client that asked elsewhere does not read its answer', async () => {
      const source = endless(64 * 1024);
      const listening = await listen({ fetch: () => new Response(source.body) });
      const connection = await connectRaw(listening.port);
      connection.write(handshakeText({ port: listening.port, path: '/elsewhere' }));
      await connection.takeThrough('\r\n\r\n');
      connection.pauseReading();
      await listening.stop();
      await source.cancelled;
    });

    it('cuts a client that asked elsewhere and takes nothing of its answer', async () => {
      const source = endless(64 * 1024);
      const { port } = await listen({
        answerPace: { windowMs: 600, minBytes: 1 },
        fetch: () => new Response(source.body),
      });
      const connection = await connectRaw(port);
      connection.write(handshakeText({ port, path: '/elsewhere' }));
      connection.pauseReading();
      await source.cancelled;
    });

    it.each([path, '/elsewhere'])(
      'ends a connection that asks for %s before it has its last answer, and goes on',
      async (target) => {
        let asked = (): void => undefined;
        const isAsked = new Promise<void>((resolve) => (asked = resolve));
        const { port } = await listen({
          fetch(request) {
            if (request.url.endsWith('/fine')) return new Response('fine');
            asked();
            return new Promise(() => undefined);
          },
        });
        const connection = await connectRaw(port);
        connection.write('GET /first HTTP/1.1\r\nHost: a\r\n\r\n');
        await isAsked;
        connection.write(handshakeText({ port, path: target }));
        await connection.gone;
        expect(ground.recorder.events).toEqual([]);
        expect(await (await fetch(`http://127.0.0.1:${port}/fine`)).text()).toBe('fine');
      },
    );

    it('treats an upgrade on another path as HTTP', async () => {
      const { port } = await listen({
        fetch: (request) => new Response(new URL(request.url).pathname, { status: 404 }),
      });
      const connection = await connectRaw(port);
      connection.write(handshakeText({ port, path: '/elsewhere' }));
      expect(await connection.takeThrough('/elsewhere')).toContain(' 404 ');
      expect(ground.recorder.events).toEqual([]);
    });

    it('answers in whole a client that asked elsewhere', async () => {
      const { port } = await listen({ fetch: () => new Response('x'.repeat(300_000) + 'end') });
      const connection = await connectRaw(port);
      connection.write(handshakeText({ port, path: '/elsewhere' }));
      await connection.takeThrough('\r\n\r\n');
      expect(await connection.takeThrough('end')).toHaveLength(300_003);
    });

    it('treats a plain request on the socket path as HTTP', async () => {
      const { port } = await listen();
      expect(await (await fetch(`http://127.0.0.1:${port}${path}`)).text()).toBe('hello');
    });
  });
}
