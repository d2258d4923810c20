// Owns what a page of the sync lab and its server tell each other; types and bytes, no behaviour. Times are `performance.now()` as the
// machine counts it, ms.
import type { PlayerCorrection } from '../../../src/client/player-servo.ts';
import type { SyncReport } from '../../../src/client/player-reports.ts';
import type { OutputWish } from '../../../src/client/player-outputs.ts';

/** Our player, and the same player by other clocks. */
export const PLAYER_NAMES = ['earshot', 'timesync', 'ircam'] as const;
export type PlayerName = (typeof PLAYER_NAMES)[number];

export interface LabOptions {
  readonly token: string;
  readonly roomCode: string;
  /** Where the client connects to: behind the link. */
  readonly hubOrigin: string;
  /** Of the peers' server, behind a link as well. */
  readonly peersOrigin: string;
  readonly players: readonly PlayerName[];
  readonly output: OutputWish;
}

/** One probe of the page's clock: sent and received by the page, answered by the machine's clock. */
export type PageExchange = readonly [t0: number, t1: number, t2: number, t3: number];
/** Context time (s) and performance time (ms) of one moment, as the browser tells them. */
export type OutputStamp = readonly [sec: number, atMs: number];

/** What a player held to be true. */
export interface Belief {
  readonly player: PlayerName;
  readonly atMs: number;
  /** Heard less wanted position, as the player shows it. */
  readonly errorMs?: number;
  /** Hub time at `atMs` by its clock. */
  readonly hubMs: number;
  readonly estErrorMs: number;
  readonly maxErrorMs: number;
  readonly resets: number;
  readonly isGood: boolean;
}

export interface LabBatch {
  readonly exchanges: readonly PageExchange[];
  readonly stamps: readonly OutputStamp[];
  readonly beliefs: readonly Belief[];
  readonly reports: readonly ({
    readonly player: PlayerName;
    readonly atMs: number;
  } & SyncReport)[];
  readonly corrections: readonly ({
    readonly player: PlayerName;
    readonly atMs: number;
  } & PlayerCorrection)[];
  readonly visibility: readonly { readonly atMs: number; readonly hidden: boolean }[];
}

export interface Capture {
  readonly player: PlayerName;
  /** Context time of the first sample, s. */
  readonly sec: number;
  readonly sampleRate: number;
  readonly samples: Float32Array;
}

const HEADER_BYTES = 24;

export function encodeCapture({ player, sec, sampleRate, samples }: Capture): ArrayBuffer {
  const bytes = new ArrayBuffer(HEADER_BYTES + samples.length * 4);
  new Float64Array(bytes, 0, 3).set([PLAYER_NAMES.indexOf(player), sec, sampleRate]);
  new Float32Array(bytes, HEADER_BYTES).set(samples);
  return bytes;
}

export function decodeCapture(bytes: ArrayBuffer): Capture {
  const [index, sec, sampleRate] = new Float64Array(bytes, 0, 3);
  const player = PLAYER_NAMES[index ?? -1];
  if (player === undefined || sec === undefined || sampleRate === undefined)
    throw new RangeError('no capture of the lab');
  return { player, sec, sampleRate, samples: new Float32Array(bytes, HEADER_BYTES) };
}
