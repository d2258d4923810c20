// Owns the narrow view that the player has of a room, a clock and the API; `Room`, `ClientClock` and `EarshotApi` satisfy it.
import type { EntryId, HubMs, TrackId } from '../../protocol/ids.ts';
import type { PublicRoom } from '../../protocol/schemas/room.ts';
import type { ClockQuality } from '../clock/corridor.ts';
import type { Observable } from './observable.ts';
import type { SyncReport } from './player-reports.ts';
import type { TrackGain } from './track-levels.ts';

export interface PlayerRoomView {
  readonly room: Pick<PublicRoom, 'queue' | 'playback'>;
  readonly epoch: number;
  readonly status: 'joined' | 'reconnecting' | 'left';
}

export interface PlayerRoom {
  readonly view: Observable<PlayerRoomView>;
  ready(entryId: EntryId, bufferedMs: number): Promise<unknown>;
  reportSync(report: SyncReport): Promise<unknown>;
}

export interface PlayerClockStatus {
  readonly quality: ClockQuality;
  readonly maxErrorMs: number;
  readonly estErrorMs: number;
  readonly rttMinMs: number;
  /** What three of four of the last round trips do not exceed; absent where nobody counts them. */
  readonly rttUsualMs?: number;
  readonly skewPpm: number;
  readonly resets: number;
}

export interface PlayerClock {
  now(): HubMs | undefined;
  /** Hub time → `performance` ms. */
  toLocal(at: HubMs): number | undefined;
  /** Told whether something is heard, from when on the estimate should only glide. */
  setPlaying?(playing: boolean): void;
  /** Sounds were found to be elsewhere than local time says: it, too, may have leapt. */
  compare?(): void;
  readonly status: Observable<PlayerClockStatus>;
}

export interface PlayerClient {
  readonly clock: PlayerClock;
  readonly api: {
    track(
      id: TrackId,
    ): Promise<TrackGain & { readonly mediaUrl: string; readonly mediaUrlExpiresInMs: number }>;
  };
}
