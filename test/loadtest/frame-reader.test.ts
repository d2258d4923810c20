// The bytes of a hub, however the network cuts them, are the messages that it sent.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { clientFrame } from '../../loadtest/wire/client-frame.ts';
import { FrameReader, type FrameSink } from '../../loadtest/wire/frame-reader.ts';

interface Seen {
  readonly kind: string;
  readonly payload: string;
}

function reading(): { seen: Seen[]; reader: FrameReader } {
  const seen: Seen[] = [];
  const add = (kind: string) => (payload: Buffer) => {
    seen.push({ kind, payload: payload.toString('latin1') });
  };
  const sink: FrameSink = {
    ...{ text: add('text'), binary: add('binary'), ping: add('ping') },
    closing: (code, reason) => seen.push({ kind: `closing ${code}`, payload: reason }),
    broken: (message) => seen.push({ kind: 'broken', payload: message }),
  };
  return { seen, reader: new FrameReader(sink) };
}

/** A frame as a server sends it, unmasked. */
function serverFrame(opcode: number, payload: Buffer, isFinal = true): Buffer {
  const { length } = payload;
  const header = Buffer.alloc(length < 126 ? 2 : length < 65_536 ? 4 : 10);
  header[0] = (isFinal ? 0x80 : 0) | opcode;
  header[1] = length < 126 ? length : length < 65_536 ? 126 : 127;
  if (header.length === 4) header.writeUInt16BE(length, 2);
  if (header.length === 10) header.writeBigUInt64BE(BigInt(length), 2);
  return Buffer.concat([header, payload]);
}

const message = fc.record({
  opcode: fc.constantFrom(0x1, 0x2, 0x9),
  payload: fc.oneof(
    fc.uint8Array({ maxLength: 40 }),
    fc.uint8Array({ minLength: 120, maxLength: 140 }),
    fc.integer({ min: 65_530, max: 65_560 }).map((length) => new Uint8Array(length).fill(7)),
  ),
  fragments: fc.integer({ min: 1, max: 3 }),
});
const NAMES: Record<number, string> = { 1: 'text', 2: 'binary', 9: 'ping' };

describe('FrameReader', () => {
  it('reads the same whatever the cuts', () => {
    fc.assert(
      fc.property(
        fc.array(message, { minLength: 1, maxLength: 6 }),
        fc.array(fc.nat({ max: 200_000 }), { maxLength: 12 }),
        (messages, cuts) => {
          const bytes = Buffer.concat(
            messages.flatMap(({ opcode, payload, fragments }) => {
              const whole = Buffer.from(payload);
              // A control frame is never in parts.
              if (opcode === 0x9 || fragments === 1) return [serverFrame(opcode, whole)];
              const size = Math.ceil(whole.length / fragments);
              return Array.from({ length: fragments }, (_, i) =>
                serverFrame(
                  i === 0 ? opcode : 0x0,
                  whole.subarray(i * size, (i + 1) * size),
                  i === fragments - 1,
                ),
              );
            }),
          );
          const { seen, reader } = reading();
          const at = [...new Set(cuts.map((cut) => cut % bytes.length))].sort((a, b) => a - b);
          // The same memory for every chunk, as a socket's own buffer is.
          const memory = Buffer.alloc(bytes.length);
          [...at, bytes.length].reduce((from, to) => {
            bytes.copy(memory, 0, from, to);
            reader.take(memory.subarray(0, to - from));
            memory.fill(0xff);
            return to;
          }, 0);
          expect(seen).toEqual(
            messages.map(({ opcode, payload }) => ({
              kind: NAMES[opcode],
              payload: Buffer.from(payload).toString('latin1'),
            })),
          );
        },
      ),
      { numRuns: 60 },
    );
  });

  it('tells of a close with its code and reason', () => {
    const { seen, reader } = reading();
    const payload = Buffer.concat([Buffer.from([0x0f, 0xa1]), Buffer.from('too slow')]);
    reader.take(serverFrame(0x8, payload));
    reader.take(serverFrame(0x8, Buffer.alloc(0)));
    expect(seen).toEqual([
      { kind: 'closing 4001', payload: 'too slow' },
      { kind: 'closing 1005', payload: '' },
    ]);
  });

  it.each([
    ['a masked frame', clientFrame(0x1, Buffer.from('hello'))],
    ['reserved bits', Buffer.from([0xc1, 0x00])],
    ['a continuation of nothing', serverFrame(0x0, Buffer.from('x'))],
    ['opcode 3', serverFrame(0x3, Buffer.from('x'))],
    [
      'a new message inside another one',
      Buffer.concat([
        serverFrame(0x1, Buffer.from('a'), false),
        serverFrame(0x1, Buffer.from('b')),
      ]),
    ],
    ['bytes', Buffer.from([0x82, 127, 0, 0, 1, 0, 0, 0, 0, 0])],
  ])('names what no server may send: %s', (name, bytes) => {
    const { seen, reader } = reading();
    reader.take(bytes);
    reader.take(serverFrame(0x1, Buffer.from('not read any more')));
    expect(seen).toHaveLength(1);
    expect(seen[0]).toMatchObject({
      kind: 'broken',
      payload: expect.stringContaining(name) as string,
    });
  });
});
