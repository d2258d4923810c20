// Owns the way from a server's bytes to WebSocket frames (RFC 6455); copies nothing that came whole. Knows no messages.

export interface FrameSink {
  /** `payload` is only valid during the call: the bytes are the socket's own buffer. */
  text(payload: Buffer): void;
  /** The same holds. */
  binary(payload: Buffer): void;
  ping(payload: Buffer): void;
  /** The other side closes. 1005 where it gave no code. */
  closing(code: number, reason: string): void;
  /** The bytes are no frames that a server may send; nothing is read from then on. */
  broken(message: string): void;
}

const [CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG] = [0x0, 0x1, 0x2, 0x8, 0x9, 0xa];
/** Far above any snapshot: a peer that claims more is not one of ours. */
const MOST_BYTES = 64 * 1_024 * 1_024;
const NOTHING = Buffer.alloc(0);

/**
 * Reads the frames of one connection. A frame that lies whole in a chunk is handed on as a view of it, so the common case costs a look
 * at two to four bytes; only what a chunk's end cuts off is kept.
 */
export class FrameReader {
  readonly #sink: FrameSink;
  #held: Buffer = NOTHING;
  #fragments: Buffer[] = [];
  #fragmentKind = 0;
  #isBroken = false;

  constructor(sink: FrameSink) {
    this.#sink = sink;
  }

  /** @param chunk not kept: its bytes may be overwritten afterwards */
  take(chunk: Buffer): void {
    if (this.#isBroken) return;
    let data = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
    this.#held = NOTHING;
    for (let used = this.#one(data); used > 0; used = this.#one(data)) data = data.subarray(used);
    if (data.length > 0) this.#held = Buffer.from(data);
  }

  /** @returns how many bytes the first frame took; 0 where it is not whole yet */
  #one(data: Buffer): number {
    if (data.length < 2) return 0;
    const first = data[0] ?? 0;
    const second = data[1] ?? 0;
    if ((first & 0x70) !== 0) return this.#fail('a frame with reserved bits');
    if ((second & 0x80) !== 0) return this.#fail('a masked frame');
    let length = second & 0x7f;
    let headerBytes = 2;
    if (length === 126) {
      if (data.length < 4) return 0;
      length = data.readUInt16BE(2);
      headerBytes = 4;
    } else if (length === 127) {
      if (data.length < 10) return 0;
      length = Number(data.readBigUInt64BE(2));
      headerBytes = 10;
      if (length > MOST_BYTES) return this.#fail(`a frame of ${length} bytes`);
    }
    const end = headerBytes + length;
    if (data.length < end) return 0;
    this.#frame((first & 0x80) !== 0, first & 0x0f, data.subarray(headerBytes, end));
    return end;
  }

  #frame(isFinal: boolean, opcode: number, payload: Buffer): void {
    if (opcode === CLOSE) {
      const code = payload.length < 2 ? 1005 : payload.readUInt16BE(0);
      this.#sink.closing(code, payload.toString('utf8', 2));
    } else if (opcode === PING) {
      this.#sink.ping(payload);
    } else if (opcode === PONG) {
      // Nothing was asked.
    } else if (opcode === CONTINUATION) {
      if (this.#fragmentKind === 0) this.#fail('a continuation of nothing');
      else this.#fragment(isFinal, payload);
    } else if (opcode !== TEXT && opcode !== BINARY) {
      this.#fail(`a frame with opcode ${opcode}`);
    } else if (this.#fragmentKind !== 0) {
      this.#fail('a new message inside another one');
    } else if (isFinal) {
      this.#message(opcode, payload);
    } else {
      this.#fragmentKind = opcode;
      this.#fragment(false, payload);
    }
  }

  #fragment(isFinal: boolean, payload: Buffer): void {
    this.#fragments.push(Buffer.from(payload));
    if (!isFinal) return;
    const kind = this.#fragmentKind;
    const whole = Buffer.concat(this.#fragments);
    this.#fragments = [];
    this.#fragmentKind = 0;
    this.#message(kind, whole);
  }

  #message(kind: number, payload: Buffer): void {
    if (kind === TEXT) this.#sink.text(payload);
    else this.#sink.binary(payload);
  }

  #fail(message: string): 0 {
    this.#isBroken = true;
    this.#sink.broken(message);
    return 0;
  }
}
