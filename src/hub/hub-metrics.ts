// The hub's own figures: plain numbers counted on the hot path, read when they are scraped.
import type { ErrorCode } from '../../protocol/errors.ts';
import type { Counter, Histogram, Metrics } from '../ports/metrics.ts';

/** How an append ended, as the log says, or `failed` where it said nothing. */
export type AppendOutcome = 'committed' | 'conflict' | 'moved' | 'duplicate' | 'failed';

/** From a log in memory to one that waits for a disk, a replica, or a store that is hardly there. */
const APPEND_BUCKETS_S = [
  0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5,
];
/** From what nobody hears, over the echo that everybody does, to who is elsewhere. */
const SYNC_ERROR_BUCKETS_S = [0.001, 0.002, 0.005, 0.01, 0.015, 0.02, 0.03, 0.05, 0.1, 0.25, 1];

const NO_LABELS = {};

/** Counters that are raised for each frame: a field is a tenth of the cost of a labelled counter. */
export class HubMetrics {
  framesReceived = 0;
  framesSent = 0;
  framesBuffered = 0;
  /** Frames for a socket that was closed meanwhile. */
  framesClosed = 0;
  /** Room frames withheld from sockets that are behind; each gets a snapshot instead. */
  framesWithheld = 0;
  bytesSent = 0;
  probesAnswered = 0;
  probesRefused = 0;
  requestsFailed = 0;
  badFrames = 0;
  socketsBehind = 0;
  snapshotsForBehind = 0;
  closedTooSlow = 0;
  commandsDecided = 0;
  eventsAppended = 0;
  appends = 0;
  appendConflicts = 0;
  appendFailures = 0;
  /** Times a room was read on because a message of another node was missing. */
  gapsRepaired = 0;
  /** Times a room went over to another history. */
  epochsAdopted = 0;
  /** Times a room was mended after a log had been away. */
  roomsRepaired = 0;
  resumes = 0;
  resumesBySnapshot = 0;
  snapshotsEncoded = 0;

  readonly #requestsRefused: Counter<'code'>;
  readonly #connectionsRefused: Counter<'limit'>;
  readonly #appendDuration: Histogram<'outcome'>;
  readonly #syncError: Histogram;

  constructor(
    metrics: Metrics,
    gauges: {
      readonly connections: () => number;
      readonly rooms: () => number;
      readonly isReady: () => boolean;
      readonly hellosWaiting: () => number;
    },
  ) {
    const total = (name: string, help: string, read: () => number): void => {
      metrics.total({ name: `earshot_${name}_total`, help }, read);
    };
    metrics.gauge({ name: 'earshot_connections', help: 'Open sockets.' }, gauges.connections);
    metrics.gauge({ name: 'earshot_rooms', help: 'Rooms held in memory.' }, gauges.rooms);
    metrics.gauge(
      { name: 'earshot_hellos_waiting', help: 'Hellos that wait for their turn to be looked at.' },
      gauges.hellosWaiting,
    );
    metrics.gauge(
      { name: 'earshot_draining', help: '1 while everybody is asked to go elsewhere, 0 else.' },
      () => (gauges.isReady() ? 0 : 1),
    );
    total('frames_received', 'Frames received.', () => this.framesReceived);
    total('frames_sent', 'Frames handed to the kernel whole.', () => this.framesSent);
    total('frames_buffered', 'Frames kept until a slow peer reads.', () => this.framesBuffered);
    total('frames_closed', 'Frames for sockets that had just closed.', () => this.framesClosed);
    total(
      'frames_withheld',
      'Room frames replaced by one snapshot for a socket that is behind.',
      () => this.framesWithheld,
    );
    total('sent_bytes', 'Payload bytes of sent and buffered frames.', () => this.bytesSent);
    total('clock_probes_answered', 'Clock probes answered.', () => this.probesAnswered);
    total(
      'clock_probes_refused',
      'Clock probes left unanswered: above their rate, or of a socket that does not read its answers.',
      () => this.probesRefused,
    );
    this.#requestsRefused = metrics.counter({
      name: 'earshot_requests_refused_total',
      help: 'Requests answered with an error, by its code.',
      labels: ['code'],
    });
    this.#connectionsRefused = metrics.counter({
      name: 'earshot_connections_refused_total',
      help: 'Connections refused, by the limit that they met.',
      labels: ['limit'],
    });
    // Rates are of what was there before: the first refusal must be one, too.
    for (const limit of ['hub', 'address', 'person', 'rate'])
      this.#connectionsRefused.add(0, { limit });
    total(
      'requests_failed',
      'Requests that failed by a fault of the hub.',
      () => this.requestsFailed,
    );
    total('bad_frames', 'Sockets closed for a malformed frame.', () => this.badFrames);
    total('sockets_behind', 'Times a socket fell behind.', () => this.socketsBehind);
    total(
      'snapshots_behind',
      'Snapshots sent to sockets that had been behind.',
      () => this.snapshotsForBehind,
    );
    total('sockets_too_slow', 'Sockets closed as too slow.', () => this.closedTooSlow);
    total('commands_decided', 'Commands decided.', () => this.commandsDecided);
    total('events_appended', 'Events committed to the rooms’ log.', () => this.eventsAppended);
    total('appends', 'Calls to the rooms’ log that committed.', () => this.appends);
    total(
      'append_conflicts',
      'Appends that lost a race and were decided again.',
      () => this.appendConflicts,
    );
    total('append_failures', 'Appends that failed.', () => this.appendFailures);
    total(
      'gaps_repaired',
      'Times a room was read on because a message of another node was missing.',
      () => this.gapsRepaired,
    );
    total(
      'epochs_adopted',
      'Times a room went over to another epoch, as after a fail-over.',
      () => this.epochsAdopted,
    );
    total(
      'rooms_repaired',
      'Times a room was read on and mended after a log had been away.',
      () => this.roomsRepaired,
    );
    this.#appendDuration = metrics.histogram({
      name: 'earshot_append_duration_seconds',
      help: 'How long the rooms’ log took for an append, by how it ended.',
      labels: ['outcome'],
      buckets: APPEND_BUCKETS_S,
    });
    this.#syncError = metrics.histogram({
      name: 'earshot_sync_error_seconds',
      help: 'How far from the room’s position members who follow it say that they are.',
      buckets: SYNC_ERROR_BUCKETS_S,
    });
    total('resumes', 'Joins answered with what was missing.', () => this.resumes);
    total(
      'resumes_by_snapshot',
      'Joins that named a revision and got a snapshot.',
      () => this.resumesBySnapshot,
    );
    total('snapshots_encoded', 'Snapshots encoded.', () => this.snapshotsEncoded);
  }

  requestRefused(code: ErrorCode): void {
    this.#requestsRefused.add(1, { code });
  }

  /** @param tookMs from the call to its end */
  appended(tookMs: number, outcome: AppendOutcome): void {
    this.#appendDuration.observe(Math.max(0, tookMs) / 1_000, { outcome });
  }

  /** A member who follows the room has reported. @param errorMs either side of the room's position */
  syncReported(errorMs: number): void {
    this.#syncError.observe(Math.abs(errorMs) / 1_000, NO_LABELS);
  }

  connectionRefused(limit: 'hub' | 'address' | 'person' | 'rate'): void {
    this.#connectionsRefused.add(1, { limit });
  }
}
