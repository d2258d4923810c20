// Owns what is said between the one who leads a run and the threads that carry it, wherever they are. Plain data: it crosses threads and
// networks.
import type { RoomId, TrackId } from '../protocol/ids.ts';
import type { Recorded } from './latency.ts';
import type { FaultCount } from './ledger/faults.ts';
import type { ActMark } from './ledger/arrivals.ts';
import type { Furthest } from './ledger/room-book.ts';
import type { Tally } from './ledger/room-trace.ts';
import type { CountsReport } from './listener/counts.ts';
import type { Stall } from './listener/hub-silence.ts';
import type { StepCounts } from './listener/in-step.ts';
import type { LoopReport } from './loop-watch.ts';
import type { Scenario } from './scenario/scenario.ts';
import type { Target } from './wire/lean-socket.ts';

/** Who the people are: signed for here, or guests that were asked for. */
export type Identity =
  | { readonly kind: 'secret'; readonly secret: string }
  | {
      readonly kind: 'guests';
      readonly people: readonly { readonly id: string; readonly token: string }[];
    };

export interface CrewStart {
  readonly kind: 'start';
  readonly scenario: Scenario;
  /** The highest load that any phase may ask for. */
  readonly mostLoad: number;
  readonly thread: number;
  readonly threads: number;
  /** 32 bits that make the run's people and rooms its own. */
  readonly run: number;
  readonly targets: readonly Target[];
  readonly sourceAddresses: readonly string[];
  readonly identity: Identity;
  readonly tracks: readonly TrackId[];
}

export interface RoomPlan {
  readonly group: number;
  readonly room: number;
  readonly roomId: RoomId;
}

export interface PhaseOrder {
  readonly kind: 'phase';
  /** Told with each interval that belongs to it. */
  readonly phase: number;
  /** From the arrival of this order on. */
  readonly inMs: number;
  readonly seconds: number;
  readonly from: number;
  readonly to: number;
  readonly reconnectWithinMs?: number;
}

/** What is numbered, or named, and measured from the act to those who get it. */
export type MarkedStream = 'revisions' | 'chat' | 'feed';

/** What came of an act in a room, or a feed, that several threads have members of. */
export interface SpreadMark extends ActMark {
  readonly group: number;
  readonly room: number;
  readonly stream: MarkedStream;
  readonly key: string;
  /** In a feed: it is surely shown by now, and this is the place of the person whose it is. */
  readonly shownOf?: number;
}

/** When the last listener of one thread got it. */
export interface LastSeen {
  readonly group: number;
  readonly room: number;
  readonly stream: MarkedStream;
  readonly key: string;
  readonly act: string;
  readonly afterMs: number;
}

/** The furthest that one thread's members of a room got. */
export interface RoomFurthest extends Furthest {
  readonly group: number;
  readonly room: number;
}

/** The last that a person of a feed was surely shown with. */
export interface FeedLatest {
  readonly group: number;
  readonly place: number;
  readonly activityId: string;
}

export type CrewOrder =
  | CrewStart
  | { readonly kind: 'rooms'; readonly rooms: readonly RoomPlan[] }
  | PhaseOrder
  | { readonly kind: 'marks'; readonly marks: readonly SpreadMark[] }
  /** Nothing is done any more; what is on its way arrives. */
  | { readonly kind: 'quiet' }
  /** What is held is compared with what all threads together know to exist. */
  | {
      readonly kind: 'judge';
      readonly furthest: readonly RoomFurthest[];
      readonly latest: readonly FeedLatest[];
    }
  /** Everybody leaves. @param closeRooms whether the rooms are closed for good */
  | { readonly kind: 'end'; readonly closeRooms: boolean };

export interface EarlierLatencies {
  readonly phase: number;
  readonly latencies: Readonly<Record<string, Recorded>>;
}

export interface IntervalReport {
  readonly kind: 'interval';
  readonly thread: number;
  readonly phase: number;
  /** By the machine's clock of the thread. */
  readonly fromMs: number;
  readonly toMs: number;
  /** Of people: meant to be there, connected, in their room. */
  readonly wanted: number;
  readonly connected: number;
  readonly joined: number;
  /** All since the start. */
  readonly counts: CountsReport;
  readonly tally: Tally;
  readonly inStep: StepCounts;
  readonly faults: readonly FaultCount[];
  /** Of this interval alone. */
  readonly stalls: readonly Stall[];
  readonly latencies: Readonly<Record<string, Recorded>>;
  /** Of acts that were meant in phases before, and whose last listener is known only now. */
  readonly earlier: readonly EarlierLatencies[];
  readonly loop: LoopReport;
  readonly rssBytes: number;
}

export type CrewReport =
  | { readonly kind: 'started' }
  | IntervalReport
  | { readonly kind: 'marks'; readonly marks: readonly SpreadMark[] }
  | { readonly kind: 'last'; readonly seen: readonly LastSeen[] }
  | {
      readonly kind: 'quiet';
      readonly furthest: readonly RoomFurthest[];
      readonly latest: readonly FeedLatest[];
    }
  | { readonly kind: 'judged' }
  | { readonly kind: 'ended' }
  | { readonly kind: 'failed'; readonly message: string };
