// Owns what the player shows to the page.
import type { TrackId } from '../../protocol/ids.ts';
import type { SoundHold } from './audio-graph.ts';
import type { OutputDevice } from './output-devices.ts';

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
  readonly failed?: { readonly trackId: TrackId; readonly message: string };
  /** Between handing over a sample and hearing it, as the browser says or said of this device; 0 where nothing is known. */
  readonly outputLatencyMs: number;
  /** Where the sound goes, as far as that can be known. */
  readonly device: OutputDevice;
  /** What keeps the sound away that should be heard: it comes back by itself, or with a press. */
  readonly waitsFor?: SoundHold;
  /** The clicks by which two devices are compared sound. */
  readonly clicking: boolean;
}
