// A load test's report as one would be, small and made up: every test changes what it is about.
import {
  REPORT_VERSION,
  type HubSecond,
  type LatencyReport,
  type PhaseReport,
  type Report,
} from '../../loadtest/report/report.ts';

const RAMP_SECONDS = 4;
const SECONDS = 16;
const PERCENTS = [0, 10, 25, 50, 75, 90, 95, 97.5, 99, 99.5, 99.9, 99.95, 99.99, 100];

/** A distribution whose median is `p50Ms`, and whose largest is twelve times that. */
export function latencyOf(p50Ms: number, count = 1_000): LatencyReport {
  return {
    ...{ count, minMs: p50Ms / 2, meanMs: p50Ms * 1.1, p50Ms },
    ...{ p90Ms: p50Ms * 2, p95Ms: p50Ms * 3, p99Ms: p50Ms * 5, p999Ms: p50Ms * 9 },
    maxMs: p50Ms * 12,
  };
}

const LATENCIES: Report['latencies'] = {
  connect: latencyOf(11),
  join: latencyOf(14),
  'command.ack': latencyOf(6, 240),
  'command.each': latencyOf(6.5, 1_200),
  'command.last': latencyOf(7, 240),
  'seek.ack': latencyOf(6, 60),
  probe: latencyOf(0.3, 5_000),
  'inStep.error': latencyOf(0.04, 4_000),
  'inStep.spread': latencyOf(0.1, 800),
  'generator.late': latencyOf(0.6, 400),
};

function curveOf(p50Ms: number): [number, number][] {
  return PERCENTS.map((percent) => [percent, p50Ms * (0.5 + (percent / 100) ** 40 * 11.5)]);
}

function secondOf(at: number): Report['seconds'][number] {
  const people = Math.min(100, at * 25);
  return {
    ...{ atSeconds: at + 0.02, phase: at <= RAMP_SECONDS ? 0 : 1 },
    ...{ wanted: people, connected: people, joined: people },
    ...{ framesPerSecond: 900 + at * 10, bytesPerSecond: 90_000, requestsPerSecond: 20 + (at % 3) },
    latencies: { join: [14, 60, 90], 'command.last': [7, 20 + at, 40 + at], probe: [0.3, 2, 4] },
    ...{ busyShare: 0.2, loopDelayMs: 4, loopDelayP99Ms: 2, rssBytes: 150_000_000, faults: 0 },
  };
}

function hubSecondOf(at: number): HubSecond {
  return {
    atSeconds: at + 0.5,
    ...{ cpuShare: 0.3 + (at % 2) / 10, rssBytes: 300_000_000 + at * 1_000_000 },
    metrics: {
      earshot_connections: Math.min(100, at * 25),
      earshot_frames_sent_total: at * 900,
      earshot_gaps_repaired_total: 0,
      nodejs_eventloop_lag_p99_seconds: 0.012,
    },
  };
}

function phaseOf(name: string, measured: boolean, seconds: number): PhaseReport {
  return {
    ...{ name, measured, load: 1, seconds },
    ...{ frames: 900 * seconds, bytes: 90_000 * seconds, requests: 20 * seconds },
    ...{ latencies: LATENCIES, busyShareMost: 0.3, loopDelayP99MsMost: 3 },
  };
}

/** One that passed. */
export function loadReport(changes: Partial<Report> = {}): Report {
  const numbers = Array.from({ length: SECONDS }, (_, at) => at + 1);
  return {
    version: REPORT_VERSION,
    scenario: { name: 'party', description: 'rooms of five friends', seed: 1 },
    ...{ at: '2026-03-01T20:15:00.000Z', verdict: 'passed', reasons: [] },
    hubs: ['http://hub.example:8080'],
    machine: {
      ...{ cpu: 'A processor', cores: 4, memoryBytes: 8 * 1_024 ** 3 },
      ...{ node: 'v20.19.0', platform: 'linux x64' },
    },
    generator: {
      ...{ agents: 0, threads: 2, lateness: latencyOf(0.6, 400) },
      ...{ busyShareMost: 0.3, loopDelayP99MsMost: 3, clockErrorMs: 0 },
    },
    thresholds: [
      { text: 'faults == 0', value: 0, kept: true },
      { text: 'command.last p99 <= 250', value: 35, kept: true },
    ],
    latencies: LATENCIES,
    curves: Object.fromEntries(
      Object.entries(LATENCIES).map(([name, { p50Ms }]) => [name, curveOf(p50Ms ?? 0)]),
    ),
    ...{ faults: [], stalls: [] },
    counts: {
      ...{ opened: 100, joined: 100, left: 0, drained: 0, framesReceived: 15_000 },
      ...{ bytesReceived: 1_500_000, requests: 330, stale: 2, unsent: 1, idle: 3 },
      ...{ unanswered: 0, broken: 0, lost: 0, ended: {}, refused: {} },
    },
    sent: { frames: 15_000, revisions: 900, chatItems: 700, repairs: 0 },
    inStep: { samples: 4_000, elsewhere: 4, unready: 2, contradictions: 0, truthWidthMs: 0.3 },
    phases: [phaseOf('ramp', false, RAMP_SECONDS), phaseOf('steady', true, SECONDS - RAMP_SECONDS)],
    seconds: numbers.map(secondOf),
    hubSeconds: numbers.map(hubSecondOf),
    limit: null,
    ...changes,
  };
}

/** One in which nearly everything went wrong, so that all that a report can tell is told. */
export function badReport(changes: Partial<Report> = {}): Report {
  const good = loadReport();
  return {
    ...good,
    verdict: 'failed',
    thresholds: [
      { text: 'faults == 0', value: 7, kept: false },
      { text: 'command.last p99 <= 250', value: 612.4, kept: false },
      { text: 'resume p99 <= 1000', value: null, kept: false },
    ],
    faults: [
      {
        ...{ kind: 'missing', stream: 'chat', count: 7 },
        meaning: 'a number of the sequence never came by itself',
        examples: ['room 3, Listener 12: 41 after 33'],
      },
    ],
    stalls: [{ hub: 'http://hub.example:8080', atSeconds: 9.2, lastedMs: 2_300 }],
    counts: {
      ...good.counts,
      ended: { '1006': 4, '4008 too slow': 2 },
      refused: { 'playback.seek conflict': 3 },
    },
    seconds: good.seconds.map((second) => ({
      ...second,
      faults: second.atSeconds > 8 ? 7 : 0,
    })),
    ...changes,
  };
}

/** One that searched for the limit: two phases for each trial. */
export function limitReport(changes: Partial<Report> = {}): Report {
  const good = loadReport();
  return {
    ...good,
    thresholds: [],
    seconds: good.seconds.map((second, at) => ({ ...second, phase: Math.floor(at / 4) })),
    limit: {
      ...{ load: 1, brokeAt: 2, gaveWay: ['command.last p99 <= 250 (was 612)'] },
      trials: [
        { load: 1, people: 100, verdict: 'held', broken: [] },
        { load: 2, people: 200, verdict: 'broke', broken: ['command.last p99 <= 250 (was 612)'] },
      ],
    },
    ...changes,
  };
}
