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
    const data = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
    this.#held = NOTHING;
    let at = 0;
    for (let end = this.#one(data, at); end > at; end = this.#one(data, at)) at = end;
    if (at < data.length) this.#held = Buffer.from(data.subarray(at));
  }

  /** @returns where the frame that begins at `from` ends; `from` where it is not whole yet */
  #one(data: Buffer, from: number): number {
    const available = data.length - from;
    if (available < 2) return from;
    const first = data[from] ?? 0;
    const second = data[from + 1] ?? 0;
    if ((first & 0x70) !== 0) return this.#fail('a frame with reserved bits', from);
    if ((second & 0x80) !== 0) return this.#fail('a masked frame', from);
    let length = second & 0x7f;
    let headerBytes = 2;
    if (length === 126) {
      if (available < 4) return from;
      length = data.readUInt16BE(from + 2);
      headerBytes = 4;
    } else if (length === 127) {
      if (available < 10) return from;
      length = Number(data.readBigUInt64BE(from + 2));
      headerBytes = 10;
      if (length > MOST_BYTES) return this.#fail(`a frame of ${length} bytes`, from);
    }
    if (available < headerBytes + length) return from;
    const end = from + headerBytes + length;
    this.#frame((first & 0x80) !== 0, first & 0x0f, data.subarray(from + headerBytes, end));
    return this.#isBroken ? from : end;
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

  /** @returns `at`, as nothing is taken any more */
  #fail(message: string, at = 0): number {
    this.#isBroken = true;
    this.#sink.broken(message);
    return at;
  }
}
