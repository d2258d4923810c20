// Writes one WHATWG Response to a uWebSockets.js response, as fast as the peer reads and no faster. Knows no request.

import { STATUS_CODES } from 'node:http';
import type { HttpResponse } from 'uWebSockets.js';
import { type AnswerPace, TakenPace } from '../../ports/sockets.ts';

/** Written by the transport itself, from what it really sends. */
const transportHeaders: ReadonlySet<string> = new Set([
  'content-length',
  'transfer-encoding',
  'connection',
  'keep-alive',
]);

/**
 * How much is offered to a peer that was behind. uWebSockets.js buffers all that `write` is given, so a whole chunk at each
 * writable event would grow the buffer of a peer that reads less than a chunk at a time.
 */
const probeBytes = 1024;
/**
 * uWebSockets.js cuts a response that made no progress for 10 s. A media element that has buffered enough stops reading for longer
 * than that, so a stalled body of known length is offered again this often, which starts those 10 s anew: when it has waited for too long,
 * `sweep` tells.
 */
const retryMs = 4_000;

/** The text behind `HTTP/1.1`, for instance `404 Not Found`. */
export function statusLine(status: number, statusText: string): string {
  return `${status} ${statusText || (STATUS_CODES[status] ?? 'Unknown')}`;
}

type Reader = ReadableStreamDefaultReader<Uint8Array>;
type ReadResult = ReadableStreamReadResult<Uint8Array>;

export class ResponseWriter {
  readonly #res: HttpResponse;
  readonly #underWay: Set<ResponseWriter>;
  readonly #abort = new AbortController();
  readonly #pace = new TakenPace();
  #takenBytes = 0;
  #isDone = false;
  #isHeadWritten = false;
  #isBehind = false;
  #reader: Reader | undefined = undefined;
  #wake: (() => void) | undefined = undefined;
  #watchesWritable = false;

  /**
   * Must be made inside the handler of the request: a response left without an abort handler ends the process. It is `underWay` until it is
   * done.
   */
  constructor(res: HttpResponse, underWay: Set<ResponseWriter>) {
    this.#res = res;
    this.#underWay = underWay;
    underWay.add(this);
    res.onAborted(() => this.#aborted());
  }

  /** Aborted when the peer goes away before the response was complete. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** True once the response is complete or the peer is gone: the native response must not be touched any more. */
  get isDone(): boolean {
    return this.#isDone;
  }

  /** Runs an answer that ends the response at once, unless it was ended before. */
  answer(end: (res: HttpResponse) => void): void {
    if (this.#isDone) return;
    this.#done();
    this.#res.cork(() => end(this.#res));
  }

  /** Cuts the connection of a response that cannot be completed. */
  abandon(): void {
    if (!this.#isDone) this.#res.close();
  }

  /** For the transport alone: called at even intervals. Cuts a peer that takes less than it must. */
  sweep(pace: AnswerPace): void {
    const isWaiting = this.#wake !== undefined;
    if (this.#pace.isTooSlow(isWaiting, this.#takenBytes, pace)) this.abandon();
  }

  /** Resolves when all was handed over or the peer is gone. Rejects when the source of the body fails. */
  async write(response: Response, isHead: boolean): Promise<void> {
    const { body } = response;
    if (this.#isDone) {
      void body?.cancel().catch(ignore);
      return;
    }
    const declared = response.headers.get('content-length');
    const totalBytes = declared === null ? undefined : Number(declared);
    if (isHead || body === null) {
      void body?.cancel().catch(ignore);
      this.answer((res) => {
        writeHead(res, response);
        const hasNoLength = isHead || response.status === 204 || response.status === 304;
        // As a header of ours: given to endWithoutBody, uWebSockets.js would wait for as many bytes, and cut the connection
        // at its next request.
        if (totalBytes !== undefined) res.writeHeader('content-length', String(totalBytes));
        if (hasNoLength || totalBytes !== undefined) res.endWithoutBody();
        else res.end();
      });
      return;
    }
    this.#reader = body.getReader();
    if (totalBytes === undefined) await this.#writeUnknownLength(response, this.#reader);
    else await this.#writeKnownLength(response, this.#reader, totalBytes);
  }

  async #writeKnownLength(response: Response, reader: Reader, totalBytes: number): Promise<void> {
    for (;;) {
      const { done, value } = await reader.read();
      if (this.#isGone()) return;
      if (done) {
        if (totalBytes > 0) throw new Error('the body ended before its content-length');
        this.answer(() => {
          this.#writeHeadOnce(response);
          this.#res.end();
        });
        return;
      }
      if (await this.#offer(response, value, totalBytes)) continue;
      // Whatever the source has beyond its own content-length is of no use.
      void reader.cancel().catch(ignore);
      return;
    }
  }

  /** Hands over a chunk of a body of known length. False when there is no more to do: the response is complete, or the peer has gone. */
  async #offer(response: Response, chunk: Uint8Array, totalBytes: number): Promise<boolean> {
    let rest = chunk;
    for (;;) {
      const before = this.#res.getWriteOffset();
      const [ok, hasResponded] = this.#corked(() => {
        this.#writeHeadOnce(response);
        return this.#res.tryEnd(rest.subarray(0, totalBytes - before), totalBytes);
      });
      if (hasResponded) {
        this.#done();
        return false;
      }
      const takenBytes = this.#res.getWriteOffset() - before;
      this.#takenBytes += takenBytes;
      if (ok) return true;
      rest = rest.subarray(takenBytes);
      await this.#writable(retryMs);
      if (this.#isGone()) return false;
    }
  }

  async #writeUnknownLength(response: Response, reader: Reader): Promise<void> {
    let result: ReadResult = await reader.read();
    if (this.#isGone()) return;
    const first = result.value;
    // A body that was whole from the start ends within microtasks; it goes out in one piece with its length.
    let next = readAhead(reader);
    const isWhole =
      result.done || (await Promise.race([next.then(({ done }) => done), nextTurn()]));
    if (this.#isGone()) return;
    if (isWhole) {
      // Not by its `end`, which buffers without telling: who asks again and again, and reads nothing, would fill the memory.
      if (first !== undefined && first.byteLength > 0)
        await this.#offer(response, first, first.byteLength);
      else
        this.answer(() => {
          this.#writeHeadOnce(response);
          this.#res.end();
        });
      return;
    }
    while (!result.done) {
      if (!(await this.#writeChunk(response, result.value))) return;
      result = await next;
      if (this.#isGone()) return;
      next = readAhead(reader);
    }
    this.answer((res) => res.end());
  }

  /** False when the peer has gone. */
  async #writeChunk(response: Response, chunk: Uint8Array): Promise<boolean> {
    let rest = chunk;
    while (rest.byteLength > 0) {
      const piece = rest.subarray(0, this.#isBehind ? probeBytes : rest.byteLength);
      rest = rest.subarray(piece.byteLength);
      this.#isBehind = !this.#corked(() => {
        this.#writeHeadOnce(response);
        return this.#res.write(piece);
      });
      if (this.#isBehind) await this.#writable();
      if (this.#isGone()) return false;
      this.#takenBytes += piece.byteLength;
    }
    return true;
  }

  #done(): void {
    this.#isDone = true;
    this.#underWay.delete(this);
  }

  #writeHeadOnce(response: Response): void {
    if (this.#isHeadWritten) return;
    this.#isHeadWritten = true;
    writeHead(this.#res, response);
  }

  #corked<T>(action: () => T): T {
    const box: { result?: T } = {};
    this.#res.cork(() => {
      box.result = action();
    });
    return box.result as T;
  }

  /** Read through a call, so that the compiler does not hold it to be what it was before an await. */
  #isGone(): boolean {
    return this.#isDone;
  }

  /** Resolves when the peer takes more, is gone, or after `retryMs`. */
  async #writable(retryMs?: number): Promise<void> {
    if (!this.#watchesWritable) {
      this.#watchesWritable = true;
      this.#res.onWritable(() => {
        this.#wake?.();
        return true;
      });
    }
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
      if (retryMs !== undefined) timer = setTimeout(resolve, retryMs);
    });
    clearTimeout(timer);
    this.#wake = undefined;
  }

  #aborted(): void {
    this.#done();
    const reason = new Error('the peer went away');
    this.#abort.abort(reason);
    void this.#reader?.cancel(reason).catch(ignore);
    this.#wake?.();
  }
}

function writeHead(res: HttpResponse, response: Response): void {
  res.writeStatus(statusLine(response.status, response.statusText));
  for (const [name, value] of response.headers)
    if (!transportHeaders.has(name)) res.writeHeader(name, value);
}

/** A read that may fail before anybody waits for it. */
function readAhead(reader: Reader): ReturnType<Reader['read']> {
  const result = reader.read();
  result.catch(ignore);
  return result;
}

/** False in the next turn of the event loop, when the microtasks of this one are done. */
function nextTurn(): Promise<false> {
  return new Promise((resolve) => setImmediate(() => resolve(false)));
}

// A source that fails while it is being cancelled has nobody left to tell.
function ignore(): void {
  return undefined;
}
