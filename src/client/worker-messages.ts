// Owns what the page and its worker say to each other, in types. Plain data; each side is told in the order in which the other spoke.
import type { Exchange } from '../clock/exchange.ts';

/** `wire` counts up, so that what an earlier one still says is not taken for this one's. */
export type ToWorker =
  | { readonly kind: 'open'; readonly wire: number; readonly url: string }
  | { readonly kind: 'send'; readonly wire: number; readonly text: string }
  | { readonly kind: 'ping'; readonly wire: number }
  /** So many characters of text have been taken since the last word of it. */
  | { readonly kind: 'took'; readonly wire: number; readonly characters: number }
  | { readonly kind: 'close'; readonly wire: number }
  | { readonly kind: 'wake' }
  | { readonly kind: 'hidden'; readonly isHidden: boolean }
  | { readonly kind: 'playing'; readonly isPlaying: boolean }
  /** What time is it there? */
  | { readonly kind: 'compare'; readonly askedMs: number }
  /** Nothing follows: end yourself. */
  | { readonly kind: 'stop' };

export type FromWorker =
  | { readonly kind: 'ready'; readonly timeOriginMs: number }
  | { readonly kind: 'opened'; readonly wire: number }
  | { readonly kind: 'text'; readonly wire: number; readonly text: string }
  | { readonly kind: 'malformed'; readonly wire: number }
  | { readonly kind: 'probed'; readonly wire: number }
  | { readonly kind: 'answered'; readonly wire: number }
  | {
      readonly kind: 'ended';
      readonly wire: number;
      readonly code: number;
      readonly reason: string;
    }
  | { readonly kind: 'impossible'; readonly wire: number; readonly message: string }
  /** Stamped by the worker's clock, as all that follows. */
  | { readonly kind: 'exchange'; readonly exchange: Exchange; readonly wallMs: number }
  | { readonly kind: 'slept'; readonly localMs: number; readonly wallMs: number }
  | { readonly kind: 'stray' }
  | {
      readonly kind: 'compared';
      readonly askedMs: number;
      readonly takenMs: number;
      readonly toldMs: number;
    };
