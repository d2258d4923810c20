// The load test's socket over TLS, as a hub behind a certificate has it.
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocketServer } from 'ws';
import { LeanSocket, type SocketEnd, type Target } from '../../loadtest/wire/lean-socket.ts';
import { SUBPROTOCOL } from '../../protocol/version.ts';

/** Signed by itself, for localhost and 127.0.0.1. */
const fixture = (name: string): string =>
  readFileSync(path.resolve('test/fixtures/tls', name), 'utf8');

let server: Server;
let sockets: WebSocketServer;

beforeAll(async () => {
  server = createServer({ key: fixture('key.pem'), cert: fixture('cert.pem') });
  sockets = new WebSocketServer({ server, handleProtocols: () => SUBPROTOCOL });
  sockets.on('connection', (socket) => {
    socket.on('message', (data: Buffer) => socket.send(`heard ${data.toString()}`));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});

afterAll(async () => {
  sockets.close();
  server.close();
  await once(server, 'close');
});

function targetOf(host: string, trust: Pick<Target, 'ca' | 'isInsecure'>): Target {
  const { port } = server.address() as AddressInfo;
  return { host, port, isSecure: true, authority: `${host}:${port}`, pathPrefix: '', ...trust };
}

interface Watched {
  readonly socket: LeanSocket;
  readonly heard: Promise<string>;
  readonly ended: Promise<SocketEnd>;
}

function deferred<T>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let resolve: (value: T) => void = () => undefined;
  const promise = new Promise<T>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}

function open(target: Target): Watched {
  const heard = deferred<string>();
  const ended = deferred<SocketEnd>();
  const socket = new LeanSocket(target, {
    opened: () => socket.sendText('hello'),
    text: (payload) => heard.resolve(payload.toString()),
    binary: () => undefined,
    ended: (end) => ended.resolve(end),
  });
  return { socket, heard: heard.promise, ended: ended.promise };
}

describe('LeanSocket over TLS', () => {
  it.each(['localhost', '127.0.0.1'])('speaks to %s by an authority of one’s own', async (host) => {
    const { socket, heard, ended } = open(targetOf(host, { ca: fixture('cert.pem') }));
    expect(await heard).toBe('heard hello');
    socket.close();
    expect(await ended).toMatchObject({ code: 1000, wasOpen: true });
  });

  it('breaks off as a network does, which the server finds as well', async () => {
    const closed = once(sockets, 'connection').then(([peer]) => once(peer as never, 'close'));
    const { socket, heard, ended } = open(targetOf('127.0.0.1', { isInsecure: true }));
    await heard;
    socket.cut();
    expect(await ended).toMatchObject({ code: 1006, wasOpen: true });
    expect((await closed)[0]).toBe(1006);
  });

  it('says that it was TLS where nobody vouches for the certificate', async () => {
    const { ended } = open(targetOf('127.0.0.1', {}));
    expect(await ended).toMatchObject({ code: 1015, wasOpen: false });
    expect((await ended).reason).toMatch(/SELF_SIGNED/);
  });

  it('ends where nobody listens', async () => {
    const { ended } = open({ ...targetOf('127.0.0.1', { isInsecure: true }), port: 1 });
    expect(await ended).toMatchObject({ wasOpen: false });
    expect((await ended).reason).toMatch(/ECONNREFUSED/);
  });
});
