// What every transport must do, whatever it is made of: the contract of ports/sockets.ts over real connections.

import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import {
  type Frame,
  type ListenOptions,
  type Listening,
  PortInUse,
  type Socket,
  type Sockets,
  type UpgradeRequest,
} from '../../src/ports/sockets.ts';
import { RawConnection } from '../support/raw-connection.ts';
import {
  clientFrame,
  closePayload,
  handshakeText,
  RawWebSocket,
} from '../support/raw-websocket.ts';
import { SocketRecorder } from '../support/socket-recorder.ts';

const path = '/v1/socket';
const subprotocol = 'earshot.v1';
const maxPayloadBytes = 4096;
const maxBodyBytes = 10_000;

const text = (content: string): Frame => ({ bytes: Buffer.from(content), isBinary: false });
const binary = (...bytes: number[]): Frame => ({ bytes: Uint8Array.from(bytes), isBinary: true });

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

export interface SocketsContractOptions {
  /** The shortest idle timeout that the transport can keep. */
  readonly shortestIdleSeconds: number;
}

export function socketsContract(
  createSockets: () => Promise<Sockets>,
  { shortestIdleSeconds }: SocketsContractOptions,
): void {
  let sockets: Sockets;
  let recorder: SocketRecorder;
  let started: Listening[];
  let clients: (WebSocket | RawConnection)[];

  beforeEach(async () => {
    sockets = await createSockets();
    recorder = new SocketRecorder();
    started = [];
    clients = [];
  });

  afterEach(async () => {
    for (const client of clients)
      if (client instanceof WebSocket) client.terminate();
      else client.destroy();
    await Promise.all(started.map((listening) => listening.stop()));
  });

  async function listen(options: Partial<ListenOptions> = {}): Promise<Listening> {
    const listening = await sockets.listen({
      host: '127.0.0.1',
      port: 0,
      socketPath: path,
      subprotocol,
      maxPayloadBytes,
      idleTimeoutSeconds: 60,
      maxBodyBytes,
      upgrade: () => ({ kind: 'accept' }),
      listener: recorder,
      fetch: () => new Response('hello'),
      ...options,
    });
    started.push(listening);
    return listening;
  }

  async function open(port: number): Promise<{ client: WebSocket; socket: Socket }> {
    const client = new WebSocket(`ws://127.0.0.1:${port}${path}`, subprotocol);
    clients.push(client);
    await once(client, 'open');
    return { client, socket: (await recorder.next('opened')).socket };
  }

  async function openRaw(
    port: number,
    headers: Record<string, string> = {},
  ): Promise<{ raw: RawWebSocket; socket: Socket }> {
    const raw = await RawWebSocket.open({ port, path, headers });
    clients.push(raw.connection);
    return { raw, socket: (await recorder.next('opened')).socket };
  }

  async function connectRaw(port: number, host?: string): Promise<RawConnection> {
    const connection = await RawConnection.open(port, host);
    clients.push(connection);
    return connection;
  }

  /** Fills the way to a peer that does not read, until the transport has to keep some of it. */
  function stall(socket: Socket, frame: Frame): number {
    for (let sent = 1; sent <= 4096; sent += 1) if (socket.send(frame) === 'buffered') return sent;
    throw new Error('nothing was ever buffered');
  }

  describe('WebSockets', () => {
    it('opens, carries text and binary both ways, and closes, in this order', async () => {
      const { port } = await listen();
      recorder.during = (event) => {
        if (event.kind === 'opened') event.socket.send(text('from opened'));
        if (event.kind === 'message')
          event.socket.send({ bytes: event.data, isBinary: event.isBinary });
      };
      const client = new WebSocket(`ws://127.0.0.1:${port}${path}`, subprotocol);
      clients.push(client);
      const heard: [string, boolean][] = [];
      client.on('message', (data, isBinary) => {
        heard.push([(data as Buffer).toString('latin1'), isBinary]);
        if (heard.length === 1) {
          client.send('tëxt');
          client.send(Buffer.from([0, 255]));
        }
        if (heard.length === 3) client.close(4321, 'done');
      });
      const { socket, code, reason } = await recorder.next('closed');
      expect([code, reason]).toEqual([4321, 'done']);
      expect(heard).toEqual([
        ['from opened', false],
        [Buffer.from('tëxt').toString('latin1'), false],
        ['\x00\xff', true],
      ]);
      expect(recorder.kindsOf(socket).filter((kind) => kind !== 'drained')).toEqual([
        'opened',
        'message',
        'message',
        'closed',
      ]);
    });

    it('tells the hub about the request', async () => {
      const requests: UpgradeRequest[] = [];
      const { port } = await listen({
        upgrade(request) {
          requests.push(request);
          return { kind: 'accept' };
        },
      });
      const raw = await RawWebSocket.open({
        port,
        path: `${path}?a=1&b=%20`,
        headers: { Origin: 'https://a.example', 'X-Thing': 'Value' },
      });
      clients.push(raw.connection);
      const { request } = await recorder.next('opened');
      expect(requests).toEqual([request]);
      expect(request.remoteAddress).toBe('127.0.0.1');
      expect(request.origin).toBe('https://a.example');
      expect(request.query).toBe('a=1&b=%20');
      expect(request.headers.get('x-thing')).toBe('Value');
    });

    it('has no origin for a client that is no browser', async () => {
      const { port } = await listen();
      await openRaw(port);
      expect(
        recorder.events[0]?.kind === 'opened' && recorder.events[0].request.origin,
      ).toBeUndefined();
    });

    it('sends frames of every header size', async () => {
      const { port } = await listen();
      const { raw, socket } = await openRaw(port);
      for (const length of [0, 125, 126, 65_535, 65_536, 200_000]) {
        socket.send({ bytes: Buffer.alloc(length, 7), isBinary: true });
        const frame = await raw.nextFrame();
        expect([frame.opcode, frame.isFinal, frame.payload.length]).toEqual([2, true, length]);
        expect(frame.payload.every((byte) => byte === 7)).toBe(true);
      }
    });

    it('sends one frame to many sockets unchanged', async () => {
      const { port } = await listen();
      const first = await openRaw(port);
      const second = await openRaw(port);
      const frame = text('same bytes');
      expect(first.socket.send(frame)).toBe('sent');
      expect(second.socket.send(frame)).toBe('sent');
      expect((await first.raw.nextFrame()).payload.toString()).toBe('same bytes');
      expect((await second.raw.nextFrame()).payload.toString()).toBe('same bytes');
      expect(frame.bytes).toEqual(Buffer.from('same bytes'));
    });

    it('keeps the order of corked sends, nested corks and a close within', async () => {
      const { port } = await listen();
      const { client, socket } = await open(port);
      const heard: string[] = [];
      client.on('message', (data) => heard.push((data as Buffer).toString()));
      const gone = once(client, 'close');
      socket.cork(() => {
        socket.send(text('1'));
        socket.cork(() => socket.send(binary(50)));
        socket.send(text('3'));
        socket.close(4001, 'behind');
        expect(socket.isOpen).toBe(false);
        expect(socket.send(text('4'))).toBe('closed');
      });
      const [code, reason] = (await gone) as [number, Buffer];
      expect([code, reason.toString(), heard]).toEqual([4001, 'behind', ['1', '2', '3']]);
      expect((await recorder.next('closed', socket)).code).toBe(4001);
    });

    it('passes on what a throwing cork throws, and is usable after it', async () => {
      const { port } = await listen();
      const { raw, socket } = await openRaw(port);
      expect(() => {
        socket.cork(() => {
          throw new Error('from inside');
        });
      }).toThrow('from inside');
      expect(socket.send(text('after'))).toBe('sent');
      expect((await raw.nextFrame()).payload.toString()).toBe('after');
    });

    it('buffers for a reader that stalls, drains when it reads, and harms no other', async () => {
      const { port } = await listen();
      const stalled = await openRaw(port);
      const other = await openRaw(port);
      stalled.raw.connection.pauseReading();
      const frame: Frame = { bytes: Buffer.alloc(64 * 1024, 1), isBinary: true };
      let sent = stall(stalled.socket, frame);
      for (let more = 0; more < 8; more += 1, sent += 1)
        expect(stalled.socket.send(frame)).toBe('buffered');
      const buffered = stalled.socket.bufferedBytes;
      expect(buffered).toBeGreaterThan(8 * 64 * 1024);
      expect(other.socket.send(text('through'))).toBe('sent');
      expect(other.socket.bufferedBytes).toBe(0);
      expect((await other.raw.nextFrame()).payload.toString()).toBe('through');
      expect(recorder.kindsOf(stalled.socket)).toEqual(['opened']);

      stalled.raw.connection.resumeReading();
      while (stalled.socket.bufferedBytes > 0) await recorder.next('drained', stalled.socket);
      for (let read = 0; read < sent; read += 1)
        expect((await stalled.raw.nextFrame()).payload.length).toBe(64 * 1024);
      expect(stalled.socket.send(text('again'))).toBe('sent');
      expect((await stalled.raw.nextFrame()).payload.toString()).toBe('again');
      expect(recorder.kindsOf(other.socket)).toEqual(['opened']);
    });

    it('shows after a cork what the cork could not send, and drains it', async () => {
      const { port } = await listen();
      const { raw, socket } = await openRaw(port);
      raw.connection.pauseReading();
      const frame: Frame = { bytes: Buffer.alloc(8 * 1024 * 1024, 1), isBinary: true };
      socket.cork(() => {
        socket.send(frame);
        socket.send(text('behind it'));
      });
      expect(socket.bufferedBytes).toBeGreaterThan(0);
      raw.connection.resumeReading();
      while (socket.bufferedBytes > 0) await recorder.next('drained', socket);
      expect((await raw.nextFrame()).payload.length).toBe(8 * 1024 * 1024);
      expect((await raw.nextFrame()).payload.toString()).toBe('behind it');
    });

    it('terminates a stalled socket at once, and frees what was buffered', async () => {
      const { port } = await listen();
      const { raw, socket } = await openRaw(port);
      raw.connection.pauseReading();
      stall(socket, { bytes: Buffer.alloc(64 * 1024), isBinary: true });
      socket.terminate();
      expect(socket.isOpen).toBe(false);
      expect(socket.bufferedBytes).toBe(0);
      expect(recorder.kindsOf(socket)).not.toContain('closed');
      expect((await recorder.next('closed', socket)).code).toBe(1006);
      raw.connection.resumeReading();
      await raw.connection.gone;
    });

    it('closes with a code and a reason, calls back afterwards and once', async () => {
      const { port } = await listen();
      const { client, socket } = await open(port);
      const gone = once(client, 'close');
      socket.close(4001, 'too slow');
      expect(recorder.kindsOf(socket)).toEqual(['opened']);
      expect(socket.isOpen).toBe(false);
      socket.close(4002, 'again');
      socket.cork(() => expect.unreachable('a cork ran on a closed socket'));
      expect(socket.send(text('late'))).toBe('closed');
      const [code, reason] = (await gone) as [number, Buffer];
      expect([code, reason.toString()]).toEqual([4001, 'too slow']);
      const closed = await recorder.next('closed', socket);
      expect([closed.code, closed.reason]).toEqual([4001, 'too slow']);
      socket.terminate();
      await listenAgain();
      expect(recorder.kindsOf(socket)).toEqual(['opened', 'closed']);
    });

    /** A whole exchange on another connection: whatever was on its way before it has arrived. */
    async function listenAgain(): Promise<void> {
      const { port } = await listen();
      await openRaw(port);
    }

    it('cuts a reason that is too long for a close frame between characters', async () => {
      const { port } = await listen();
      const { client, socket } = await open(port);
      const gone = once(client, 'close');
      socket.close(4001, 'ü'.repeat(100));
      const [code, reason] = (await gone) as [number, Buffer];
      expect([code, reason.toString()]).toEqual([4001, 'ü'.repeat(61)]);
    });

    it('reports a close without a code as 1005, and a lost connection as 1006', async () => {
      const { port } = await listen();
      const first = await openRaw(port);
      first.raw.send(8, '');
      expect((await recorder.next('closed', first.socket)).code).toBe(1005);
      const second = await openRaw(port);
      second.raw.connection.destroy();
      expect((await recorder.next('closed', second.socket)).code).toBe(1006);
      expect(second.socket.isOpen).toBe(false);
    });

    it('answers a close frame and ends the connection', async () => {
      const { port } = await listen();
      const { raw } = await openRaw(port);
      raw.send(8, closePayload(4000, 'bye'));
      const frame = await raw.nextFrame();
      expect(frame.opcode).toBe(8);
      expect(frame.payload.readUInt16BE(0)).toBe(4000);
      await raw.connection.gone;
    });

    it('puts a fragmented message together, with a ping in between', async () => {
      const { port } = await listen();
      const { raw, socket } = await openRaw(port);
      const bytes = Buffer.from('grüße');
      raw.send(1, bytes.subarray(0, 3), false);
      raw.send(9, 'beat');
      raw.send(0, bytes.subarray(3, 4), false);
      raw.send(0, bytes.subarray(4));
      const { data, isBinary } = await recorder.next('message', socket);
      expect([data.toString(), isBinary]).toEqual(['grüße', false]);
      const pong = await raw.nextFrame();
      expect([pong.opcode, pong.payload.toString()]).toEqual([10, 'beat']);
    });

    it('takes a message of the largest size', async () => {
      const { port } = await listen();
      const { raw, socket } = await openRaw(port);
      raw.send(2, Buffer.alloc(maxPayloadBytes, 9));
      expect((await recorder.next('message', socket)).data.length).toBe(maxPayloadBytes);
    });

    it.each([
      ['a larger message', [clientFrame(2, Buffer.alloc(maxPayloadBytes + 1))]],
      [
        'fragments that are larger together',
        [
          clientFrame(2, Buffer.alloc(maxPayloadBytes), false),
          clientFrame(0, Buffer.alloc(maxPayloadBytes)),
        ],
      ],
      ['text that is not UTF-8', [clientFrame(1, Buffer.from([0xc3, 0x28]))]],
      ['a reserved opcode', [clientFrame(3, 'x')]],
      [
        'an announced length of 2^62',
        [Buffer.from([0x82, 0xff, 0x40, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4])],
      ],
    ])('closes the socket on %s, and delivers nothing', async (_name, frames) => {
      const { port } = await listen();
      const { raw, socket } = await openRaw(port);
      for (const frame of frames) raw.connection.write(frame);
      const { code } = await recorder.next('closed', socket);
      expect(code).toBe(1006);
      await raw.connection.gone;
      expect(recorder.kindsOf(socket)).toEqual(['opened', 'closed']);
    });

    it('opens after a handshake that comes in pieces', async () => {
      const { port } = await listen();
      const connection = await connectRaw(port);
      const handshake = handshakeText({ port, path });
      connection.net.setNoDelay(true);
      for (let at = 0; at < handshake.length - 20; at += 20) {
        connection.write(handshake.slice(at, at + 20));
        await new Promise((resolve) => setImmediate(resolve));
      }
      connection.write(handshake.slice(Math.ceil((handshake.length - 20) / 20) * 20));
      const raw = await RawWebSocket.adopt(connection);
      expect(raw.responseHead).toContain(' 101 ');
      raw.send(1, 'first');
      expect((await recorder.next('message')).data.toString()).toBe('first');
    });

    it('drops a half-open peer after the idle timeout, and keeps a live one by its pongs', async () => {
      const { port } = await listen({ idleTimeoutSeconds: shortestIdleSeconds });
      const live = await open(port);
      // A raw peer reads and never answers a ping.
      const halfOpen = await openRaw(port);
      const { code } = await recorder.next('closed', halfOpen.socket);
      expect(code).toBe(1006);
      await halfOpen.raw.connection.gone;
      expect(live.socket.isOpen).toBe(true);
    });
  });

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
      expect(recorder.events).toEqual([]);
    });

    it('refuses another version of the handshake', async () => {
      const { port } = await listen();
      const { head } = await refusal(port, { 'Sec-WebSocket-Version': '8' });
      expect(head).toContain(' 400 ');
      expect(recorder.events).toEqual([]);
    });

    it('answers a rejection with its status and text', async () => {
      const { port } = await listen({
        upgrade: () => ({ kind: 'reject', status: 403, message: 'origin not allowed' }),
      });
      const { head, body } = await refusal(port);
      expect(head).toContain(' 403 Forbidden\r\n');
      expect(JSON.parse(body)).toMatchObject({ status: 403, detail: 'origin not allowed' });
      expect(recorder.events).toEqual([]);
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
      expect(recorder.events).toEqual([]);
    });

    it('treats a plain request on the socket path as HTTP', async () => {
      const { port } = await listen();
      expect(await (await fetch(`http://127.0.0.1:${port}${path}`)).text()).toBe('hello');
    });
  });

  describe('HTTP', () => {
    const url = (port: number, target = '/'): string => `http://127.0.0.1:${port}${target}`;

    it('hands over method, URL, headers, body and peer', async () => {
      const { port } = await listen({
        fetch: async (request, peer) =>
          Response.json({
            method: request.method,
            path: new URL(request.url).pathname,
            query: new URL(request.url).search,
            header: request.headers.get('x-thing'),
            body: await request.text(),
            peer: peer.remoteAddress,
          }),
      });
      const response = await fetch(url(port, '/a%20b?q=1&q=2'), {
        method: 'PUT',
        headers: { 'X-Thing': 'Value' },
        body: 'grüße',
      });
      expect(await response.json()).toEqual({
        method: 'PUT',
        path: '/a%20b',
        query: '?q=1&q=2',
        header: 'Value',
        body: 'grüße',
        peer: '127.0.0.1',
      });
    });

    it('answers with status, headers and several cookies', async () => {
      const { port } = await listen({
        fetch: () =>
          new Response('made', {
            status: 201,
            headers: [
              ['x-one', '1'],
              ['set-cookie', 'a=1; Path=/'],
              ['set-cookie', 'b=2'],
            ],
          }),
      });
      const response = await fetch(url(port));
      expect([response.status, await response.text()]).toEqual([201, 'made']);
      expect(response.headers.get('x-one')).toBe('1');
      expect(response.headers.getSetCookie()).toEqual(['a=1; Path=/', 'b=2']);
    });

    it('gives a whole body its length, and sends it in one piece', async () => {
      const { port } = await listen();
      const connection = await connectRaw(port);
      connection.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
      const head = await connection.takeThrough('\r\n\r\n');
      expect(head.toLowerCase()).toContain('content-length: 5\r\n');
      expect(head.toLowerCase()).not.toContain('transfer-encoding');
      expect(connection.received.toString()).toBe('hello');
    });

    it('answers HEAD with the length and no body, and 204 and 304 with neither', async () => {
      const { port } = await listen({
        fetch(request) {
          const { pathname } = new URL(request.url);
          if (pathname === '/204') return new Response(null, { status: 204 });
          if (pathname === '/304')
            return new Response(null, { status: 304, headers: { etag: '"1"' } });
          return new Response('x'.repeat(1234), { headers: { 'content-length': '1234' } });
        },
      });
      const connection = await connectRaw(port);
      connection.write('HEAD / HTTP/1.1\r\nHost: a\r\n\r\n');
      expect((await connection.takeThrough('\r\n\r\n')).toLowerCase()).toContain(
        'content-length: 1234\r\n',
      );
      for (const status of [204, 304]) {
        connection.write(`GET /${status} HTTP/1.1\r\nHost: a\r\n\r\n`);
        const head = (await connection.takeThrough('\r\n\r\n')).toLowerCase();
        expect(head.startsWith(`http/1.1 ${status} `)).toBe(true);
        expect(head).not.toMatch(/content-length: [1-9]|transfer-encoding/);
      }
      connection.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
      expect(await connection.takeThrough('\r\n\r\n')).toContain(' 200 ');
    });

    it('answers one request after another on one connection, and never mixes pipelined ones', async () => {
      const { port } = await listen({
        async fetch(request) {
          await new Promise((resolve) => setImmediate(resolve));
          return new Response(`<${new URL(request.url).pathname}>`);
        },
      });
      const connection = await connectRaw(port);
      for (const name of ['one', 'two', 'three']) {
        connection.write(`GET /${name} HTTP/1.1\r\nHost: a\r\n\r\n`);
        expect(await connection.takeThrough('>')).toMatch(new RegExp(`</${name}>$`));
      }
      // A transport may close the connection instead: a client then asks again. It must not answer out of order.
      const pipelined = await connectRaw(port);
      pipelined.write('GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n');
      const answers: string[] = [];
      try {
        for (let count = 0; count < 2; count += 1)
          answers.push(/<.*>$/.exec(await pipelined.takeThrough('>'))![0]);
      } catch {
        await pipelined.gone;
      }
      expect(['', '</1>', '</1></2>']).toContain(answers.join(''));
    });

    /** A body that counts how often it is asked for more. */
    function endless(chunkBytes: number): {
      body: ReadableStream<Uint8Array>;
      pulled: () => number;
      cancelled: Promise<void>;
    } {
      let count = 0;
      let cancel = (): void => undefined;
      const cancelled = new Promise<void>((resolve) => (cancel = resolve));
      const body = new ReadableStream<Uint8Array>(
        {
          pull(controller) {
            count += 1;
            controller.enqueue(new Uint8Array(chunkBytes));
          },
          cancel: () => cancel(),
        },
        { highWaterMark: 0 },
      );
      return { body, pulled: () => count, cancelled };
    }

    /** Resolves when the count has stood still for a while: the peer's and the system's buffers are full. */
    async function settled(count: () => number): Promise<number> {
      for (let last = -1; ;) {
        const now = count();
        if (now === last) return now;
        last = now;
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    }

    it.each([
      ['chunked', {}],
      ['of known length', { 'content-length': String(1024 * 1024 * 1024) }],
    ])(
      'pulls a body %s only as fast as the peer reads, and cancels it when the peer goes',
      async (_name, headers: Record<string, string>) => {
        const source = endless(64 * 1024);
        let signal: AbortSignal | undefined;
        const { port } = await listen({
          fetch(request) {
            signal = request.signal;
            return new Response(source.body, { headers });
          },
        });
        const connection = await connectRaw(port);
        connection.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
        await connection.takeThrough('\r\n\r\n');
        connection.pauseReading();
        // What two sockets' kernel buffers hold, with room to spare; a gigabyte without back-pressure.
        const full = await settled(source.pulled);
        expect(full).toBeLessThan(512);
        connection.resumeReading();
        while (connection.received.length < 16 * 1024 * 1024)
          await new Promise((resolve) => setImmediate(resolve));
        expect(source.pulled()).toBeGreaterThan(full);
        expect(signal?.aborted).toBe(false);
        connection.destroy();
        await source.cancelled;
        expect(signal?.aborted).toBe(true);
      },
    );

    it.each([
      ['chunked', false],
      ['of known length', true],
    ])('delivers a large body %s whole', async (_name, hasLength) => {
      const pieces = Array.from({ length: 40 }, (_, at) => Buffer.alloc(100_000 + at, at));
      const whole = Buffer.concat(pieces);
      const { port } = await listen({
        fetch() {
          const rest = [...pieces];
          const body = new ReadableStream<Uint8Array>({
            async pull(controller) {
              await new Promise((resolve) => setImmediate(resolve));
              const piece = rest.shift();
              if (piece) controller.enqueue(piece);
              else controller.close();
            },
          });
          return new Response(
            body,
            hasLength ? { headers: { 'content-length': String(whole.length) } } : {},
          );
        },
      });
      const received = Buffer.from(await (await fetch(url(port))).arrayBuffer());
      expect(received.equals(whole)).toBe(true);
    });

    it('cuts the connection when a body fails half-way', async () => {
      const { port } = await listen({
        fetch() {
          let count = 0;
          const body = new ReadableStream<Uint8Array>({
            async pull(controller) {
              await new Promise((resolve) => setImmediate(resolve));
              count += 1;
              if (count === 3) controller.error(new Error('secret'));
              else controller.enqueue(Buffer.from('part'));
            },
          });
          return new Response(body);
        },
      });
      const response = await fetch(url(port));
      await expect(response.text()).rejects.toThrow();
    });

    it('answers 413 to a body that is announced too large, without reading it', async () => {
      let isCalled = false;
      const { port } = await listen({
        fetch() {
          isCalled = true;
          return new Response();
        },
      });
      const connection = await connectRaw(port);
      connection.write(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${maxBodyBytes + 1}\r\n\r\n`);
      expect(await connection.takeThrough('\r\n\r\n')).toContain(' 413 ');
      await connection.gone;
      expect(isCalled).toBe(false);
    });

    it('answers 413 to a chunked body once it has grown too large, and takes one that fits', async () => {
      const { port } = await listen({
        fetch: async (request) => new Response(`<${(await request.arrayBuffer()).byteLength}>`),
      });
      const chunk = `1388\r\n${'x'.repeat(5000)}\r\n`;
      const head = 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n';
      const fitting = await connectRaw(port);
      fitting.write(`${head}${chunk}${chunk}0\r\n\r\n`);
      expect(await fitting.takeThrough('>')).toContain(`<${maxBodyBytes}>`);
      const growing = await connectRaw(port);
      growing.write(`${head}${chunk}${chunk}${chunk}`);
      expect(await growing.takeThrough('\r\n')).toContain(' 413 ');
    });

    it.each([
      [
        'throws',
        () => {
          throw new Error('secret');
        },
      ],
      ['rejects', () => Promise.reject(new Error('secret'))],
    ] as [string, ListenOptions['fetch']][])(
      'answers 500 without details when the handler %s, and goes on',
      async (_name, handler) => {
        let isFirst = true;
        const { port } = await listen({
          fetch(request, peer) {
            if (!isFirst) return new Response('fine');
            isFirst = false;
            return handler(request, peer);
          },
        });
        const response = await fetch(url(port));
        expect(response.status).toBe(500);
        expect(await response.text()).not.toContain('secret');
        expect(await (await fetch(url(port))).text()).toBe('fine');
      },
    );

    it.each(['Host: a/b', 'Host: user@a', 'Host: [', 'Host: a b'])(
      'answers 400 to a request whose URL cannot be made (%s)',
      async (host) => {
        const { port } = await listen();
        const connection = await connectRaw(port);
        connection.write(`GET / HTTP/1.1\r\n${host}\r\n\r\n`);
        expect(await connection.takeThrough('\r\n')).toContain(' 400 ');
      },
    );
  });

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
      expect(recorder.kindsOf(socket)).toEqual(['opened', 'closed']);
      expect(recorder.kindsOf(stalled.socket)).toEqual(['opened', 'closed']);
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
