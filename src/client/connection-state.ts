// Owns what an application is told of its connection; knows nothing of how it comes about.
import type { ConnectionId } from '../../protocol/ids.ts';
import type { Limits, User } from '../../protocol/schemas/pushes.ts';

export type ConnectionState =
  | { readonly phase: 'idle' }
  | { readonly phase: 'connecting'; readonly attempt: number }
  | {
      readonly phase: 'connected';
      readonly user: User;
      readonly connectionId: ConnectionId;
      readonly limits: Limits;
      readonly features: readonly string[];
    }
  | {
      readonly phase: 'waiting';
      /** The number of the next try, the first after a connection being 1. */
      readonly attempt: number;
      /** `performanceNow` of the next try, ms. */
      readonly retryAt: number;
      /** The close code's name, `network` or `token`. */
      readonly cause: string;
    }
  /** Does not come back by itself. */
  | { readonly phase: 'closed'; readonly cause: string; readonly code?: number };
