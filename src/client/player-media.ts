// Owns the signed addresses of media and the loading of whole files, with one fresh address after a refusal; knows no audio.
import type { TrackId } from '../../protocol/ids.ts';

/** An address that works for a while. */
export interface SignedUrl {
  readonly url: string;
  readonly expiresInMs: number;
}

export interface TrackMediaOptions {
  readonly mediaUrl: (trackId: TrackId) => Promise<SignedUrl>;
  readonly fetch: typeof fetch;
  readonly now: () => number;
  readonly wait: (ms: number, signal: AbortSignal) => Promise<void>;
}

/** Refused for good: the network is fine, the answer is no. */
export class MediaRefused extends Error {
  override readonly name = 'MediaRefused';
}

/** Addresses are renewed this long before they end, so that a request that begins now does not meet the end. */
const marginMs = 10_000;
const firstPauseMs = 500;
const longestPauseMs = 15_000;

/** How long to wait for a network that is away before the next try, ms. @param tries those that failed so far */
export function pauseAfter(tries: number): number {
  return Math.min(longestPauseMs, firstPauseMs * 2 ** Math.max(0, tries - 1));
}

/**
 * Where the media of tracks are. A refusal (expired, moved, gone) gets one fresh address; a network that is away is
 * waited for, as the room will still be there.
 */
export class TrackMedia {
  readonly #options: TrackMediaOptions;
  readonly #urls = new Map<TrackId, { readonly url: string; readonly untilMs: number }>();

  constructor(options: TrackMediaOptions) {
    this.#options = options;
  }

  /** @param fresh ask the hub even if an address is known, because that one was refused */
  async url(trackId: TrackId, fresh = false): Promise<string> {
    const known = this.#urls.get(trackId);
    if (known !== undefined && !fresh && known.untilMs > this.#options.now()) return known.url;
    const { url, expiresInMs } = await this.#options.mediaUrl(trackId);
    this.#urls.set(trackId, { url, untilMs: this.#options.now() + expiresInMs - marginMs });
    return url;
  }

  /** The whole file. Rejects with `MediaRefused` when a fresh address is refused as well, and when aborted. */
  async load(trackId: TrackId, signal: AbortSignal): Promise<ArrayBuffer> {
    let refusals = 0;
    for (let attempt = 0; ; attempt += 1) {
      const outcome = await this.#attempt(trackId, refusals > 0, signal);
      if (outcome instanceof ArrayBuffer) return outcome;
      signal.throwIfAborted();
      if (outcome.refused) {
        refusals += 1;
        if (refusals > 1) throw new MediaRefused(outcome.message);
      } else {
        await this.#options.wait(pauseAfter(attempt + 1), signal);
        signal.throwIfAborted();
      }
    }
  }

  async #attempt(
    trackId: TrackId,
    fresh: boolean,
    signal: AbortSignal,
  ): Promise<ArrayBuffer | { refused: boolean; message: string }> {
    try {
      const url = await this.url(trackId, fresh);
      const response = await this.#options.fetch(url, { signal });
      if (response.ok) return await response.arrayBuffer();
      await response.body?.cancel();
      const { status } = response;
      const passing = status === 429 || status >= 500;
      return { refused: !passing, message: `the media was refused with status ${status}` };
    } catch (cause) {
      const message = cause instanceof Error ? cause.message : String(cause);
      return { refused: isRefusal(cause), message };
    }
  }
}

/** The SDK's errors say whether trying again makes sense; anything else thrown by a request is the network. */
export function isRefusal(cause: unknown): boolean {
  return (
    typeof cause === 'object' && cause !== null && 'retryable' in cause && cause.retryable === false
  );
}
