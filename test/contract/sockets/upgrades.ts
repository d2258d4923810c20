// What every transport does with a request for a WebSocket.
import { describe, expect, it } from 'vitest';
import { handshakeText } from '../../support/raw-websocket.ts';
import { path, subprotocol, type SocketsGround } from './ground.ts';

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

    it('treats an upgrade on another path as HTTP', async () => {
      const { port } = await listen({
        fetch: (request) => new Response(new URL(request.url).pathname, { status: 404 }),
      });
      const connection = await connectRaw(port);
      connection.write(handshakeText({ port, path: '/elsewhere' }));
      expect(await connection.takeThrough('/elsewhere')).toContain(' 404 ');
      expect(ground.recorder.events).toEqual([]);
    });

    it('treats a plain request on the socket path as HTTP', async () => {
      const { port } = await listen();
      expect(await (await fetch(`http://127.0.0.1:${port}${path}`)).text()).toBe('hello');
    });
  });
}
