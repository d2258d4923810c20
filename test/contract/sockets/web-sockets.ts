// What every transport does with open WebSockets: frames, back-pressure, closing, hostile bytes.
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { type Frame, type UpgradeRequest } from '../../../src/ports/sockets.ts';
import {
  clientFrame,
  closePayload,
  handshakeText,
  RawWebSocket,
} from '../../support/raw-websocket.ts';
import {
  path,
  subprotocol,
  maxPayloadBytes,
  text,
  binary,
  stall,
  type SocketsGround,
} from './ground.ts';

export function webSocketsContract(ground: SocketsGround): void {
  const { listen, open, openRaw, connectRaw } = ground;

  describe('WebSockets', () => {
    it('opens, carries text and binary both ways, and closes, in this order', async () => {
      const { port } = await listen();
      ground.recorder.during = (event) => {
        if (event.kind === 'opened') event.socket.send(text('from opened'));
        if (event.kind === 'message')
          event.socket.send({ bytes: event.data, isBinary: event.isBinary });
      };
      const client = new WebSocket(`ws://127.0.0.1:${port}${path}`, subprotocol);
      ground.clients.push(client);
      const heard: [string, boolean][] = [];
      client.on('message', (data, isBinary) => {
        heard.push([(data as Buffer).toString('latin1'), isBinary]);
        if (heard.length === 1) {
          client.send('tëxt');
          client.send(Buffer.from([0, 255]));
        }
        if (heard.length === 3) client.close(4321, 'done');
      });
      const { socket, code, reason } = await ground.recorder.next('closed');
      expect([code, reason]).toEqual([4321, 'done']);
      expect(heard).toEqual([
        ['from opened', false],
        [Buffer.from('tëxt').toString('latin1'), false],
        ['\x00\xff', true],
      ]);
      expect(ground.recorder.kindsOf(socket).filter((kind) => kind !== 'drained')).toEqual([
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
      ground.clients.push(raw.connection);
      const { request } = await ground.recorder.next('opened');
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
        ground.recorder.events[0]?.kind === 'opened' && ground.recorder.events[0].request.origin,
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
      expect((await ground.recorder.next('closed', socket)).code).toBe(4001);
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
      // The system may take some more yet, as it lets a buffer of its own grow.
      let outcome = 'buffered';
      while (stalled.socket.bufferedBytes <= 8 * 64 * 1024 && sent < 5_000) {
        outcome = stalled.socket.send(frame);
        sent += 1;
      }
      expect(outcome).toBe('buffered');
      expect(stalled.socket.bufferedBytes).toBeGreaterThan(8 * 64 * 1024);
      expect(other.socket.send(text('through'))).toBe('sent');
      expect(other.socket.bufferedBytes).toBe(0);
      expect((await other.raw.nextFrame()).payload.toString()).toBe('through');
      expect(ground.recorder.kindsOf(stalled.socket)).toEqual(['opened']);

      stalled.raw.connection.resumeReading();
      while (stalled.socket.bufferedBytes > 0)
        await ground.recorder.next('drained', stalled.socket);
      for (let read = 0; read < sent; read += 1)
        expect((await stalled.raw.nextFrame()).payload.length).toBe(64 * 1024);
      expect(stalled.socket.send(text('again'))).toBe('sent');
      expect((await stalled.raw.nextFrame()).payload.toString()).toBe('again');
      expect(ground.recorder.kindsOf(other.socket)).toEqual(['opened']);
    });

    it('tells what its peer has not read though the system has taken it, until it shows that it has', async () => {
      const { port } = await listen();
      const { client, socket } = await open(port);
      const frame: Frame = { bytes: Buffer.alloc(16 * 1024, 1), isBinary: true };
      for (let n = 0; n < 3; n += 1) socket.send(frame);
      // So little that nobody asks.
      expect(socket.unreadBytes).toBe(3 * 16 * 1024);
      client.pause();
      for (let n = 0; n < 9; n += 1) socket.send(frame);
      const sent = socket.unreadBytes;
      expect(sent).toBe(12 * 16 * 1024);
      // Neither what it says nor a pong of its own is a proof.
      client.pong(Buffer.alloc(8));
      client.send('still here');
      await ground.recorder.next('message', socket);
      expect(socket.unreadBytes).toBe(sent);

      client.resume();
      while (socket.unreadBytes > 64 * 1024) await ground.recorder.next('drained', socket);
      expect(ground.recorder.kindsOf(socket)).toContain('drained');
    });

    it('asks for the proof once more where a peer has answered another ping alone', async () => {
      const { port } = await listen();
      const { raw, socket } = await openRaw(port);
      for (let n = 0; n < 5; n += 1)
        socket.send({ bytes: Buffer.alloc(16 * 1024, 1), isBinary: true });
      raw.send(0xa, '');
      raw.send(0x1, 'so far');
      await ground.recorder.next('message', socket);
      for (let n = 0; n < 5; n += 1) await raw.nextFrame();
      // The ping and its repetition are answered by this peer as it comes to them.
      socket.send(text('behind them'));
      expect((await raw.nextFrame()).payload.toString()).toBe('behind them');
      expect(raw.pings).toBe(2);
      while (socket.unreadBytes > 64 * 1024) await ground.recorder.next('drained', socket);
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
      while (socket.bufferedBytes > 0) await ground.recorder.next('drained', socket);
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
      expect(ground.recorder.kindsOf(socket)).not.toContain('closed');
      expect((await ground.recorder.next('closed', socket)).code).toBe(1006);
      raw.connection.resumeReading();
      await raw.connection.gone;
    });

    it('closes with a code and a reason, calls back afterwards and once', async () => {
      const { port } = await listen();
      const { client, socket } = await open(port);
      const gone = once(client, 'close');
      socket.close(4001, 'too slow');
      expect(ground.recorder.kindsOf(socket)).toEqual(['opened']);
      expect(socket.isOpen).toBe(false);
      socket.close(4002, 'again');
      socket.cork(() => expect.unreachable('a cork ran on a closed socket'));
      expect(socket.send(text('late'))).toBe('closed');
      const [code, reason] = (await gone) as [number, Buffer];
      expect([code, reason.toString()]).toEqual([4001, 'too slow']);
      const closed = await ground.recorder.next('closed', socket);
      expect([closed.code, closed.reason]).toEqual([4001, 'too slow']);
      socket.terminate();
      await listenAgain();
      expect(ground.recorder.kindsOf(socket)).toEqual(['opened', 'closed']);
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
      expect((await ground.recorder.next('closed', first.socket)).code).toBe(1005);
      const second = await openRaw(port);
      second.raw.connection.destroy();
      expect((await ground.recorder.next('closed', second.socket)).code).toBe(1006);
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
      const { data, isBinary } = await ground.recorder.next('message', socket);
      expect([data.toString(), isBinary]).toEqual(['grüße', false]);
      const pong = await raw.nextFrame();
      expect([pong.opcode, pong.payload.toString()]).toEqual([10, 'beat']);
    });

    it('takes a message of the largest size', async () => {
      const { port } = await listen();
      const { raw, socket } = await openRaw(port);
      raw.send(2, Buffer.alloc(maxPayloadBytes, 9));
      expect((await ground.recorder.next('message', socket)).data.length).toBe(maxPayloadBytes);
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
      const { code } = await ground.recorder.next('closed', socket);
      expect(code).toBe(1006);
      await raw.connection.gone;
      expect(ground.recorder.kindsOf(socket)).toEqual(['opened', 'closed']);
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
      expect((await ground.recorder.next('message')).data.toString()).toBe('first');
    });

    it('drops a half-open peer after the idle timeout, and keeps a live one by its pongs', async () => {
      const { port } = await listen({ idleTimeoutSeconds: ground.shortestIdleSeconds });
      const live = await open(port);
      // A raw peer reads and never answers a ping.
      const halfOpen = await openRaw(port);
      const { code } = await ground.recorder.next('closed', halfOpen.socket);
      expect(code).toBe(1006);
      await halfOpen.raw.connection.gone;
      expect(live.socket.isOpen).toBe(true);
    });
  });
}
