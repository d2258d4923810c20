// Owns the frames that a client sends (RFC 6455): masked, as the law wants it.
import { randomFillSync } from 'node:crypto';

export const OPCODES = { text: 0x1, binary: 0x2, close: 0x8, pong: 0xa } as const;

/** Masks are drawn by the pool: they only have to be unforeseeable to whoever chooses the payload. */
const masks = Buffer.alloc(4_096);
let maskAt = masks.length;

function nextMask(): number {
  if (maskAt + 4 > masks.length) {
    randomFillSync(masks);
    maskAt = 0;
  }
  const at = maskAt;
  maskAt += 4;
  return at;
}

/** One whole frame. */
export function clientFrame(opcode: number, payload: Uint8Array): Buffer {
  const { length } = payload;
  const headerBytes = length < 126 ? 2 : length < 65_536 ? 4 : 10;
  const frame = Buffer.allocUnsafe(headerBytes + 4 + length);
  frame[0] = 0x80 | opcode;
  if (headerBytes === 2) {
    frame[1] = 0x80 | length;
  } else if (headerBytes === 4) {
    frame[1] = 0x80 | 126;
    frame.writeUInt16BE(length, 2);
  } else {
    frame[1] = 0x80 | 127;
    frame.writeBigUInt64BE(BigInt(length), 2);
  }
  const at = nextMask();
  masks.copy(frame, headerBytes, at, at + 4);
  const body = headerBytes + 4;
  for (let i = 0; i < length; i += 1) {
    frame[body + i] = (payload[i] ?? 0) ^ (masks[at + (i & 3)] ?? 0);
  }
  return frame;
}

export function closeFrame(code: number): Buffer {
  const payload = Buffer.alloc(2);
  payload.writeUInt16BE(code, 0);
  return clientFrame(OPCODES.close, payload);
}
