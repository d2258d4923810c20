// Owns what a leader and an agent on another machine say to each other: JSON over a WebSocket. The orders and reports of threads inside it
// are those of `crew-messages.ts`.
import type { CrewOrder, CrewReport } from './crew-messages.ts';

export const AGENT_VERSION = 1;
/** The leader names it as `Authorization: Bearer <key>`. */
export const AGENT_PATH = '/agent';

export type ToAgent =
  /** Start so many threads; the first thing that is said. */
  | { readonly kind: 'threads'; readonly version: number; readonly count: number }
  | { readonly kind: 'order'; readonly thread: number; readonly order: CrewOrder }
  /** What time is it with you? */
  | { readonly kind: 'clock'; readonly id: number };

export type FromAgent =
  /** It stands ready, or says why not. */
  | { readonly kind: 'ready'; readonly cores: number }
  | { readonly kind: 'refused'; readonly message: string }
  | { readonly kind: 'report'; readonly thread: number; readonly report: CrewReport }
  | { readonly kind: 'clock'; readonly id: number; readonly machineMs: number };
