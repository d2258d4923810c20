// What one peer was sent and has not shown to have read, for both transports. Knows no sockets.

/** A peer is asked for a proof each time it has been sent so much. */
const PROVED_EACH_BYTES = 64 * 1_024;
/** A frame counts for no more: who was sent a large one may be sent what follows. */
const MOST_OF_A_FRAME_BYTES = 256 * 1_024;
/** What a peer cannot guess, having read nothing. */
const PROOF_BYTES = 8;
/** How often the same is asked for at most: whoever says pong by themselves is not to be told more than they say. */
const MOST_REPEATS = 8;

/**
 * The kernels on the way take megabytes for a peer that reads nothing, and tell no process. A peer that reads answers a ping with the ping's
 * own bytes (RFC 6455, 5.5.2 and 5.5.3), once it has read all that came before it; a browser does so by itself.
 */
export class Unread {
  #sentBytes = 0;
  #readBytes = 0;
  #asked: { readonly proof: Uint8Array; readonly sentBytes: number; repeats: number } | undefined =
    undefined;

  get bytes(): number {
    return this.#sentBytes - this.#readBytes;
  }

  sent(bytes: number): void {
    this.#sentBytes += Math.min(bytes, MOST_OF_A_FRAME_BYTES);
  }

  /** The bytes of a ping that is due; undefined where none is, or one is under way. */
  due(): Uint8Array | undefined {
    if (this.#asked !== undefined || this.bytes <= PROVED_EACH_BYTES) return undefined;
    const proof = crypto.getRandomValues(new Uint8Array(PROOF_BYTES));
    this.#asked = { proof, sentBytes: this.#sentBytes, repeats: 0 };
    return proof;
  }

  /**
   * Those of the ping that is under way, for one more: of several pings a peer may answer the newest alone (5.5.3), and a transport has
   * others. Undefined where none is under way.
   */
  again(): Uint8Array | undefined {
    if (this.#asked === undefined || this.#asked.repeats >= MOST_REPEATS) return undefined;
    this.#asked.repeats += 1;
    return this.#asked.proof;
  }

  /** @returns whether it was the proof that was asked for; another may be due then */
  proved(pong: Uint8Array): boolean {
    const asked = this.#asked;
    if (asked === undefined || pong.length !== PROOF_BYTES) return false;
    if (asked.proof.some((byte, at) => byte !== pong[at])) return false;
    this.#readBytes = asked.sentBytes;
    this.#asked = undefined;
    return true;
  }
}
