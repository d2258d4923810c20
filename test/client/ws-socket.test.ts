// The SDK over a real socket of the package ws, as a client in Node has it: text and binary frames arrive as they should.
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { answerProbe, isProbe } from '../../protocol/clock-frames.ts';
import { EarshotClient } from '../../src/client/client.ts';

describe('with the package ws', () => {
  it('greets, learns hub time, and says goodbye', async () => {
    const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
    await new Promise((resolve) => server.once('listening', resolve));
    const closed = new Promise<number>((resolve) => {
      server.on('connection', (socket) => {
        socket.on('close', resolve);
        socket.on('message', (data: Buffer, isBinary) => {
          if (isBinary) {
            if (isProbe(data)) socket.send(answerProbe(data, 1, 5_000, 5_000));
            return;
          }
          const { id, type } = JSON.parse(data.toString()) as { id: number; type: string };
          if (type !== 'hello') return;
          const user = { id: 'ana', name: 'Ana', guest: true };
          const more = { limits: { maxFrameBytes: 100 }, heartbeatMs: 1_000, features: [] };
          socket.send(JSON.stringify({ id, type: 'ok', user, connectionId: 'c', ...more }));
        });
      });
    });
    const { port } = server.address() as AddressInfo;
    const client = new EarshotClient({
      url: `http://127.0.0.1:${port}`,
      token: 'token',
      platform: { WebSocket },
    });
    const known = new Promise<void>((resolve) => {
      const remove = client.clock.status.subscribe(() => {
        remove();
        resolve();
      });
    });
    await client.connect();
    await known;
    expect(client.connection.value).toMatchObject({ phase: 'connected', user: { name: 'Ana' } });
    expect(client.clock.now()).toBeGreaterThan(4_000);
    expect(client.counts.malformedFrames).toBe(0);
    client.close();
    expect(await closed).toBe(1_000);
    await new Promise((resolve) => server.close(resolve));
  });

  it('waits for a hub that is not there', async () => {
    const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
    await new Promise((resolve) => server.once('listening', resolve));
    const { port } = server.address() as AddressInfo;
    await new Promise((resolve) => server.close(resolve));
    const platform = { WebSocket };
    const client = new EarshotClient({ url: `ws://127.0.0.1:${port}`, token: 't', platform });
    const waiting = new Promise<void>((resolve) => {
      client.connection.subscribe(({ phase }) => {
        if (phase === 'waiting') resolve();
      });
    });
    const refused = client.connect().catch((error: unknown) => error);
    await waiting;
    expect(client.connection.value).toMatchObject({ phase: 'waiting', cause: 'network' });
    client.close();
    expect(await refused).toMatchObject({ code: 'closed' });
  });
});
