// Owns where the frames of a WebSocket begin and end in its bytes (RFC 6455 §5.2); changes nothing of them and knows no meaning.

export interface SocketFrame {
  readonly bytes: Buffer;
  /** Undefined for the handshake before the first frame. */
  readonly opcode: number | undefined;
  readonly payloadBytes: number;
}

export const BINARY_OPCODE = 2;
const HANDSHAKE_END = '\r\n\r\n';
const MASK_BYTES = 4;

/** One direction of one connection: bytes in as they come, whole frames out. */
export class SocketFrames {
  #rest: Buffer = Buffer.alloc(0);
  #isOpen = false;

  take(chunk: Buffer): SocketFrame[] {
    this.#rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    const frames: SocketFrame[] = [];
    for (let frame = this.#next(); frame !== undefined; frame = this.#next()) {
      frames.push(frame);
      this.#rest = this.#rest.subarray(frame.bytes.length);
    }
    return frames;
  }

  #next(): SocketFrame | undefined {
    const bytes = this.#rest;
    if (!this.#isOpen) {
      const end = bytes.indexOf(HANDSHAKE_END);
      if (end === -1) return undefined;
      this.#isOpen = true;
      const length = end + HANDSHAKE_END.length;
      return { bytes: bytes.subarray(0, length), opcode: undefined, payloadBytes: 0 };
    }
    if (bytes.length < 2) return undefined;
    const short = (bytes[1] ?? 0) & 0x7f;
    const lengthBytes = short === 127 ? 8 : short === 126 ? 2 : 0;
    if (bytes.length < 2 + lengthBytes) return undefined;
    const payloadBytes =
      lengthBytes === 8
        ? Number(bytes.readBigUInt64BE(2))
        : lengthBytes === 2
          ? bytes.readUInt16BE(2)
          : short;
    const isMasked = ((bytes[1] ?? 0) & 0x80) !== 0;
    const length = 2 + lengthBytes + (isMasked ? MASK_BYTES : 0) + payloadBytes;
    if (bytes.length < length) return undefined;
    return { bytes: bytes.subarray(0, length), opcode: (bytes[0] ?? 0) & 0x0f, payloadBytes };
  }
}
