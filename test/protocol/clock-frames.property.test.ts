// Probes and replies over all numbers that fit into them.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  PROBE_BYTES,
  REPLY_BYTES,
  answerProbe,
  decodeReply,
  encodeProbe,
  isProbe,
} from '../../protocol/clock-frames.ts';

// The same cases each time: another seed is another test.
fc.configureGlobal({ seed: 7 });

const u16 = fc.integer({ min: 0, max: 0xffff });
const u32 = fc.integer({ min: 0, max: 0xffff_ffff });
const stamp = fc.double();

describe('clock frames', () => {
  it('CL1, CL2: what is sent comes back, with the stamps of the hub', () => {
    fc.assert(
      fc.property(u32, stamp, u16, stamp, stamp, (seq, t0, timelineId, t1, t2) => {
        const probe = encodeProbe({ seq, t0 });
        expect(probe.length).toBe(PROBE_BYTES);
        expect(isProbe(probe)).toBe(true);
        const reply = answerProbe(probe, timelineId, t1, t2);
        expect(reply.length).toBe(REPLY_BYTES);
        // `toStrictEqual` tells −0 from 0 and takes NaN for itself.
        expect(decodeReply(reply)).toStrictEqual({ seq, t0, timelineId, t1, t2 });
      }),
      { numRuns: 500 },
    );
  });

  it('CL1: seq and t0 come back bit by bit, whatever the bits', () => {
    const twelve = fc.uint8Array({ minLength: 12, maxLength: 12 });
    fc.assert(
      fc.property(twelve, (bits) => {
        const probe = Uint8Array.of(1, 1, 0, 0, ...bits);
        expect(answerProbe(probe, 1, 2, 3).slice(4, 16)).toEqual(bits);
      }),
    );
  });

  it('CL3: other bytes are neither', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        const head = `${bytes[0] ?? ''} ${bytes[1] ?? ''}`;
        expect(isProbe(bytes)).toBe(bytes.length === 16 && head === '1 1');
        expect(decodeReply(bytes) !== undefined).toBe(bytes.length === 32 && head === '2 1');
      }),
      { numRuns: 500 },
    );
    for (const length of [15, 16, 17, 31, 32, 33]) {
      for (const kind of [0, 1, 2, 3]) {
        const bytes = new Uint8Array(length);
        bytes.set([kind, 1]);
        expect(isProbe(bytes)).toBe(length === 16 && kind === 1);
        expect(decodeReply(bytes) !== undefined).toBe(length === 32 && kind === 2);
      }
    }
  });

  it('are read where they stand, also in the middle of a larger buffer', () => {
    const frame = answerProbe(encodeProbe({ seq: 7, t0: 1.5 }), 3, 10.25, 10.5);
    const buffer = new Uint8Array(64).fill(0xff);
    buffer.set(frame, 11);
    expect(decodeReply(buffer.subarray(11, 43))).toEqual(decodeReply(frame));
    const probe = encodeProbe({ seq: 7, t0: 1.5 });
    buffer.set(probe, 5);
    expect(answerProbe(buffer.subarray(5, 21), 3, 10.25, 10.5)).toEqual(frame);
  });
});
