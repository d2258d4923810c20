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

type Done = (answer: Answer, nowMs: number) => void;

export class Requests {
  #lastId = 0;
  readonly #pending = new Map<number, Done>();

  /** @returns the frame's text */
  add<T extends RequestType>(type: T, body: RequestBody<T>, done: Done): string {
    this.#lastId += 1;
    this.#pending.set(this.#lastId, done);
    return JSON.stringify({ id: this.#lastId, type, ...body });
  }

  /** @returns whether such a request was under way */
  answer(reply: Readonly<Record<string, unknown>>, nowMs: number): boolean {
    const id = typeof reply['id'] === 'number' ? reply['id'] : -1;
    const done = this.#pending.get(id);
    if (done === undefined) return false;
    this.#pending.delete(id);
    done(answerOf(reply), nowMs);
    return true;
  }

  broken(nowMs: number): number {
    const all = [...this.#pending.values()];
    this.#pending.clear();
    for (const done of all) done({ kind: 'broken' }, nowMs);
    return all.length;
  }

  /** How many still wait for their answer. */
  get waiting(): number {
    return this.#pending.size;
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
