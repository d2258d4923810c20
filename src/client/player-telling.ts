// Owns what of a player's state the room is told: readiness, how well in step, and the delays by which a start is planned; must not know audio.
import { anchorAt } from '../../protocol/schemas/playback.ts';
import type { SyncState } from '../../protocol/schemas/requests.ts';
import type { AudioOutput, Measurement } from './audio-output.ts';
import type { WantedEntry } from './player-plan.ts';
import { PlayerReports } from './player-reports.ts';
import type { PlayerClock, PlayerRoom } from './player-room.ts';

/** A start takes a moment to be heard; a longer silence is told to the room. */
const silenceMs = 1_000;
/** An output whose latency is not known by then will not tell it. */
const latencyKnownMs = 2_000;

export interface Telling {
  readonly mode: 'locked' | 'following' | 'detached';
  readonly entries: readonly WantedEntry[];
  /** Whether something should be heard now. */
  readonly isDue: boolean;
  readonly measured: Measurement | undefined;
  readonly buffering: boolean;
  readonly cannotKeepUp: boolean;
  /** With the buffers before it and what the user added by ear. */
  readonly outputLatencyMs: number;
}

export class PlayerTelling {
  readonly #room: PlayerRoom;
  readonly #clock: PlayerClock;
  readonly #output: AudioOutput;
  readonly #reports: PlayerReports;
  #joins = 0;
  #wasJoined = false;
  /** Since when (local) something should be heard, and is not. */
  #silentSinceMs: number | undefined;
  #listensSinceMs: number | undefined;

  constructor(room: PlayerRoom, clock: PlayerClock, output: AudioOutput) {
    this.#room = room;
    this.#clock = clock;
    this.#output = output;
    this.#reports = new PlayerReports({
      ready: (entryId, bufferedMs) => room.ready(entryId, bufferedMs),
      reportSync: (report) => room.reportSync(report),
    });
  }

  tell(telling: Telling, nowMs: number): void {
    const { mode, measured, isDue } = telling;
    if (!isDue || measured !== undefined) this.#silentSinceMs = undefined;
    else this.#silentSinceMs ??= nowMs;

    const { room, epoch, status } = this.#room.view.value;
    if (status === 'joined' && !this.#wasJoined) this.#joins += 1;
    this.#wasJoined = status === 'joined';
    if (status !== 'joined') return;

    const ready = telling.entries.flatMap((entry) => {
      const { ready: isReady, bufferedMs } = this.#output.buffered(entry);
      return isReady ? [{ entryId: entry.entryId, bufferedMs }] : [];
    });
    const gate = room.playback.gate?.deadlineAt ?? '';
    this.#reports.ready(ready, `${this.#joins}:${epoch}:${gate}`, nowMs);

    const hubNow = this.#clock.now();
    if (mode === 'locked' || hubNow === undefined) return;
    this.#listensSinceMs ??= nowMs;
    const delays = { rttMs: this.#rttMs(), outputLatencyMs: telling.outputLatencyMs };
    if (anchorAt(room.playback.timeline, hubNow).state !== 'playing') {
      const isKnown = this.#output.latencyMs > 0 || nowMs - this.#listensSinceMs >= latencyKnownMs;
      if (isKnown) this.#reports.delays(delays, String(this.#joins), nowMs);
      return;
    }
    const state = this.#syncState(telling, nowMs);
    if (state === undefined) return;
    const { maxErrorMs } = this.#clock.status.value;
    const errorMs = mode === 'detached' ? 0 : (measured?.errorMs ?? 0);
    this.#reports.sync({ errorMs, maxErrorMs, ...delays, state }, nowMs);
  }

  #rttMs(): number {
    const { rttUsualMs = Infinity, rttMinMs } = this.#clock.status.value;
    return Number.isFinite(rttUsualMs) ? rttUsualMs : rttMinMs;
  }

  /** Undefined while there is nothing to tell yet: what is not heard is neither in step nor out of it. */
  #syncState(telling: Telling, nowMs: number): SyncState | undefined {
    if (telling.mode === 'detached') return 'detached';
    if (telling.buffering) return 'buffering';
    if (telling.measured !== undefined)
      return telling.cannotKeepUp ? 'cannot_keep_up' : 'following';
    const silentSinceMs = this.#silentSinceMs ?? nowMs;
    return nowMs - silentSinceMs >= silenceMs ? 'buffering' : undefined;
  }
}
