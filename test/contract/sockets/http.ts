// What every transport does with HTTP requests: bodies, lengths, pipelining, back-pressure, limits.
import { describe, expect, it } from 'vitest';
import { DATA_HEADERS, type ListenOptions } from '../../../src/ports/sockets.ts';
import { handshakeText } from '../../support/raw-websocket.ts';
import { endless, maxBodyBytes, path, type SocketsGround } from './ground.ts';

export function httpContract(ground: SocketsGround): void {
  const { listen, connectRaw } = ground;

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

    it('makes up no query where there is none', async () => {
      const { port } = await listen({ fetch: (request) => new Response(request.url) });
      for (const target of ['/a', '/a?b', '/a?undefined'])
        expect(await (await fetch(url(port, target))).text()).toBe(url(port, target));
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
        while (connection.receivedBytes < 16 * 1024 * 1024)
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

    const gibibyte = 1024 * 1024 * 1024;

    it.each([
      ['chunked', {}],
      ['of known length', { 'content-length': String(gibibyte) }],
    ])(
      'cuts a peer that takes nothing of a body %s, and ends its source',
      async (_name, headers: Record<string, string>) => {
        const source = endless(64 * 1024);
        const { port } = await listen({
          answerPace: { windowMs: 600, minBytes: 1 },
          fetch: () => new Response(source.body, { headers }),
        });
        const connection = await connectRaw(port);
        connection.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
        connection.pauseReading();
        await source.cancelled;
        connection.resumeReading();
        await connection.gone;
      },
    );

    it('cuts a peer that takes nothing of a body that was whole from the start', async () => {
      let cut = (): void => undefined;
      const isCut = new Promise<void>((resolve) => (cut = resolve));
      const { port } = await listen({
        answerPace: { windowMs: 600, minBytes: 1 },
        fetch({ signal }) {
          signal.addEventListener('abort', () => cut());
          return new Response(new Uint8Array(64 * 1024 * 1024));
        },
      });
      const connection = await connectRaw(port);
      connection.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
      connection.pauseReading();
      await isCut;
      connection.resumeReading();
      await connection.gone;
    });

    it.each([
      ['chunked', {}],
      ['of known length', { 'content-length': String(gibibyte) }],
    ])(
      'cuts a peer that always takes a little of a body %s, and less than it must, and ends its source',
      async (_name, headers: Record<string, string>) => {
        const source = endless(64 * 1024);
        const { port } = await listen({
          answerPace: { windowMs: 1_500, minBytes: gibibyte },
          fetch: () => new Response(source.body, { headers }),
        });
        const { body } = await fetch(url(port));
        const read = async (): Promise<void> => {
          for await (const _chunk of body!) await new Promise((resolve) => setTimeout(resolve, 10));
        };
        await expect(read()).rejects.toThrow();
        await source.cancelled;
      },
    );

    it.each([
      ['chunked', false],
      ['of known length', true],
    ])('keeps a peer that takes a body %s at a pace of its own', async (_name, hasLength) => {
      const totalBytes = 48 * 1024 * 1024;
      let restBytes = totalBytes;
      const { port } = await listen({
        answerPace: { windowMs: 1_500, minBytes: 1024 },
        fetch() {
          const body = new ReadableStream<Uint8Array>({
            pull(controller) {
              if (restBytes === 0) controller.close();
              else controller.enqueue(new Uint8Array(64 * 1024));
              restBytes = Math.max(0, restBytes - 64 * 1024);
            },
          });
          return new Response(
            body,
            hasLength ? { headers: { 'content-length': String(totalBytes) } } : {},
          );
        },
      });
      const response = await fetch(url(port));
      let takenBytes = 0;
      let sinceBytes = 0;
      for await (const chunk of response.body!) {
        takenBytes += chunk.byteLength;
        sinceBytes += chunk.byteLength;
        if (sinceBytes < 1024 * 1024) continue;
        sinceBytes = 0;
        await new Promise((resolve) => setTimeout(resolve, 80));
      }
      expect(takenBytes).toBe(totalBytes);
    });

    it('holds it against nobody that the source of a body is slow', async () => {
      let count = 0;
      const { port } = await listen({
        answerPace: { windowMs: 120, minBytes: gibibyte },
        fetch() {
          const body = new ReadableStream<Uint8Array>({
            async pull(controller) {
              await new Promise((resolve) => setTimeout(resolve, 150));
              count += 1;
              if (count > 8) controller.close();
              else controller.enqueue(Buffer.from('part'));
            },
          });
          return new Response(body);
        },
      });
      expect(await (await fetch(url(port))).text()).toBe('part'.repeat(8));
    });

    it('ends the source of each request, sent before the last was answered or not', async () => {
      const sources: ReturnType<typeof endless>[] = [];
      let asked = (): void => undefined;
      const isAsked = new Promise<void>((resolve) => (asked = resolve));
      const { port } = await listen({
        fetch() {
          const source = endless(64 * 1024);
          sources.push(source);
          asked();
          return new Response(source.body);
        },
      });
      const connection = await connectRaw(port);
      connection.write('GET /1 HTTP/1.1\r\nHost: a\r\n\r\n');
      await isAsked;
      connection.write('GET /2 HTTP/1.1\r\nHost: a\r\n\r\nGET /3 HTTP/1.1\r\nHost: a\r\n\r\n');
      // Whatever came on the connection before has been read by the time that another has its answer.
      const other = await connectRaw(port);
      other.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
      await other.takeThrough('\r\n\r\n');
      connection.destroy();
      other.destroy();
      await Promise.all(sources.map(({ cancelled }) => cancelled));
    });

    it('keeps no answers for a peer that goes on asking and reads none', async () => {
      let served = 0;
      let asked = (): void => undefined;
      const { port } = await listen({
        fetch() {
          served += 1;
          asked();
          return new Response('x'.repeat(15_000));
        },
      });
      const connection = await connectRaw(port);
      connection.pauseReading();
      const enough = 3_000;
      while (!connection.net.destroyed && served < enough) {
        // One after the other; and who reads nothing learns of the end by writing alone.
        const isAsked = new Promise<void>((resolve) => {
          asked = resolve;
          setTimeout(resolve, 50);
        });
        connection.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
        await isAsked;
        await new Promise((resolve) => setImmediate(resolve));
      }
      expect(served).toBeLessThan(enough);
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

    it.each([
      'Content-Length: 5\r\nContent-Length: 40',
      'Content-Length: 6\r\nTransfer-Encoding: chunked',
      'Transfer-Encoding: xchunked',
      'Transfer-Encoding: chunked, identity',
      'Transfer-Encoding: chunked\r\nTransfer-Encoding: identity',
    ])(
      'serves neither a request whose end is unclear nor what may be its body (%j)',
      async (lines) => {
        const targets: string[] = [];
        const { port } = await listen({
          fetch: (request) => {
            targets.push(new URL(request.url).pathname);
            return new Response('hello');
          },
        });
        for (const target of ['/seen', path]) {
          const connection = await connectRaw(port);
          const head = `POST ${target} HTTP/1.1\r\nHost: a\r\n${lines}\r\n\r\n`;
          connection.write(`${head}0\r\n\r\nGET /hidden HTTP/1.1\r\nHost: a\r\n\r\n`);
          await connection.gone;
        }
        expect(targets).toEqual([]);
      },
    );

    it.each([
      ['in one piece', Infinity],
      // As networks cut them.
      ['in pieces', 1_460],
    ])(
      'takes headers of 12 KiB, serves none above 16 KiB, and ends the connection (%s)',
      async (_name, pieceBytes) => {
        const targets: string[] = [];
        const { port } = await listen({
          fetch: (request) => {
            targets.push(new URL(request.url).pathname);
            return new Response('hello');
          },
        });
        const send = async (target: string, kib: number) => {
          const connection = await connectRaw(port);
          connection.net.setNoDelay(true);
          const line = `X-Long: ${'x'.repeat(1_014)}\r\n`;
          const text = handshakeText({ port, path: target }).replace(
            '\r\n\r\n',
            `\r\n${line.repeat(kib)}\r\n`,
          );
          for (let at = 0; at < text.length; at += pieceBytes) {
            connection.write(text.slice(at, at + pieceBytes));
            await new Promise((resolve) => setImmediate(resolve));
          }
          return connection;
        };
        expect(await (await send('/fitting', 12)).takeThrough('\r\n')).toContain(' 200 ');
        expect(await (await send(path, 12)).takeThrough('\r\n')).toContain(' 101 ');
        await ground.recorder.next('opened');
        for (const kib of [17, 40, 90])
          for (const target of ['/large', path]) {
            const large = await send(target, kib);
            // One that still writes may lose the answer with the connection.
            if (pieceBytes === Infinity && kib === 17)
              expect(await large.takeThrough('\r\n')).toContain(' 431 ');
            await large.gone;
          }
        expect(targets).toEqual(['/fitting']);
        const opened = ground.recorder.events.filter(({ kind }) => kind === 'opened');
        expect(opened).toHaveLength(1);
      },
    );

    it('answers 400 to a request with two hosts', async () => {
      const { port } = await listen();
      for (const target of ['/', path]) {
        const connection = await connectRaw(port);
        const twice = handshakeText({ port, path: target }).replace(
          '\r\n\r\n',
          '\r\nHost: b\r\n\r\n',
        );
        connection.write(twice);
        expect(await connection.takeThrough('\r\n')).toContain(' 400 ');
      }
    });

    it('says of its own answers that they are data, and no document', async () => {
      const { port } = await listen({
        upgrade: () => ({ kind: 'reject', status: 403, message: 'no' }),
        fetch() {
          throw new Error('secret');
        },
      });
      for (const [status, request] of [
        [400, 'GET / HTTP/1.1\r\nHost: a/b\r\n\r\n'],
        [403, handshakeText({ port, path })],
        [413, `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${maxBodyBytes + 1}\r\n\r\n`],
        [500, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'],
      ] as const) {
        const connection = await connectRaw(port);
        connection.write(request);
        const head = (await connection.takeThrough('\r\n\r\n')).toLowerCase();
        expect(head).toContain(` ${status} `);
        for (const [name, value] of Object.entries(DATA_HEADERS))
          expect(head).toContain(`\r\n${name}: ${value}\r\n`);
      }
    });

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
}
