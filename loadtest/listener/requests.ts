// Owns the requests that are under way on one connection, and what became of them. Knows no sockets.
import type { RequestBody, RequestType } from '../../protocol/schemas/requests.ts';

export type Answer =
  | { readonly kind: 'ok'; readonly body: Readonly<Record<string, unknown>> }
  | {
      readonly kind: 'refused';
      readonly code: string;
      readonly message: string;
      readonly retryAfterMs: number;
    }
  /** The connection broke before an answer came. */
  | { readonly kind: 'broken' };

interface Pending {
  readonly type: RequestType;
  readonly sentAtMs: number;
  readonly done: (answer: Answer, nowMs: number) => void;
}

export class Requests {
  #lastId = 0;
  readonly #pending = new Map<number, Pending>();

  /** @returns the frame's text */
  add<T extends RequestType>(
    type: T,
    body: RequestBody<T>,
    nowMs: number,
    done: (answer: Answer, nowMs: number) => void,
  ): string {
    this.#lastId += 1;
    this.#pending.set(this.#lastId, { type, sentAtMs: nowMs, done });
    return JSON.stringify({ id: this.#lastId, type, ...body });
  }

  /** @returns whether such a request was under way */
  answer(reply: Readonly<Record<string, unknown>>, nowMs: number): boolean {
    const id = typeof reply['id'] === 'number' ? reply['id'] : -1;
    const pending = this.#pending.get(id);
    if (pending === undefined) return false;
    this.#pending.delete(id);
    pending.done(answerOf(reply), nowMs);
    return true;
  }

  broken(nowMs: number): number {
    const all = [...this.#pending.values()];
    this.#pending.clear();
    for (const { done } of all) done({ kind: 'broken' }, nowMs);
    return all.length;
  }

  /** What has waited for longer than `ms`. */
  waitingLonger(ms: number, nowMs: number): number {
    let count = 0;
    for (const { sentAtMs } of this.#pending.values()) if (nowMs - sentAtMs > ms) count += 1;
    return count;
  }
}

function answerOf(reply: Readonly<Record<string, unknown>>): Answer {
  if (reply['type'] === 'ok') return { kind: 'ok', body: reply };
  const { code, message, retryAfterMs } = reply;
  return {
    kind: 'refused',
    code: typeof code === 'string' ? code : 'unknown',
    message: typeof message === 'string' ? message : '',
    retryAfterMs: typeof retryAfterMs === 'number' ? retryAfterMs : 0,
  };
}
