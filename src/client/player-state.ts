// Owns what the player shows to the page.
import type { TrackId } from '../../protocol/ids.ts';

export interface PlayerState {
  /** `locked`: sound is not yet allowed by a press. `detached`: at a position of one's own. */
  readonly mode: 'locked' | 'following' | 'detached';
  readonly output: 'webaudio' | 'element';
  readonly trackId?: TrackId;
  /** Something should be heard and its media is not there yet. */
  readonly buffering: boolean;
  readonly playing: boolean;
  readonly positionMs: number;
  /** Heard less wanted position, ms: positive is ahead; absent while silent. */
  readonly errorMs?: number;
  readonly cannotKeepUp: boolean;
  /** The speed that keeps it in step; 1 is as recorded. */
  readonly rate: number;
  /** Jumps and seeks that were needed to be in step, so far. */
  readonly moves: number;
  readonly failed?: { readonly trackId: TrackId; readonly message: string };
  readonly outputLatencyMs: number;
}
