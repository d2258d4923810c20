// Owns what a run leaves behind: the schema of its report. Everything that shows a run reads this and nothing else.
import { z } from 'zod';

export const REPORT_VERSION = 1;
const ms = z.number().nullable().describe('milliseconds; null where nothing was measured');
const count = z.number().min(0);
const counted = z.record(z.string(), count);

export const LatencySummarySchema = z.object({
  count,
  ...{ minMs: ms, meanMs: ms, p50Ms: ms, p90Ms: ms, p95Ms: ms, p99Ms: ms, p999Ms: ms, maxMs: ms },
});

/** `[percent, ms]`: the curve of a distribution, finer towards its end. */
const CurveSchema = z.array(z.tuple([z.number(), z.number()]));

export const FaultSchema = z.object({
  kind: z.string(),
  stream: z.string(),
  meaning: z.string(),
  count,
  examples: z.array(z.string()),
});

export const SecondSchema = z.object({
  atSeconds: z.number(),
  phase: z.int(),
  ...{ wanted: count, connected: count, joined: count },
  ...{ framesPerSecond: count, bytesPerSecond: count, requestsPerSecond: count },
  latencies: z
    .record(z.string(), z.tuple([z.number(), z.number(), z.number()]))
    .describe('p50, p99 and the largest, ms'),
  ...{
    busyShare: z.number(),
    loopDelayMs: z.number(),
    loopDelayP99Ms: z.number(),
    rssBytes: count,
    faults: count,
  },
});

/** The hub beside it, a second: by its process where it is on this machine, and by what it tells of itself. */
export const HubSecondSchema = z.object({
  atSeconds: z.number(),
  cpuShare: z.number().optional().describe('of one core; 1.5 is one and a half'),
  rssBytes: count.optional(),
  metrics: z.record(z.string(), z.number()).describe('those of its own figures that are shown'),
});

export const PhaseReportSchema = z.object({
  name: z.string(),
  measured: z.boolean(),
  load: z.number(),
  seconds: z.number(),
  ...{ frames: count, bytes: count, requests: count },
  latencies: z.record(z.string(), LatencySummarySchema),
  busyShareMost: z.number(),
  loopDelayP99MsMost: z.number(),
});

export const ThresholdResultSchema = z.object({
  text: z.string(),
  value: z.number().nullable(),
  kept: z.boolean(),
});

export const ReportSchema = z.object({
  version: z.literal(REPORT_VERSION),
  scenario: z.object({ name: z.string(), description: z.string(), seed: z.number() }),
  at: z.string().describe('when it began, ISO 8601'),
  verdict: z
    .enum(['passed', 'failed', 'invalid', 'interrupted'])
    .describe('invalid: the generator itself tainted the figures, which say nothing then'),
  /** Why it is invalid, or ended early. */
  reasons: z.array(z.string()),
  hubs: z.array(z.string()),
  machine: z.object({
    cpu: z.string(),
    cores: z.int(),
    memoryBytes: count,
    node: z.string(),
    platform: z.string(),
  }),
  generator: z.object({
    agents: z.int(),
    threads: z.int(),
    lateness: LatencySummarySchema.describe('how much later than meant acts were sent'),
    busyShareMost: z.number(),
    loopDelayP99MsMost: z.number(),
    clockErrorMs: z.number().describe('between the machines of the generator; 0 on one'),
  }),
  thresholds: z.array(ThresholdResultSchema),
  latencies: z.record(z.string(), LatencySummarySchema).describe('of the measured phases together'),
  curves: z.record(z.string(), CurveSchema),
  faults: z.array(FaultSchema),
  stalls: z
    .array(z.object({ hub: z.string(), atSeconds: z.number(), lastedMs: z.number() }))
    .describe('a hub that was asked and for a second or more answered nobody'),
  counts: z.object({
    ...{ opened: count, joined: count, left: count, drained: count, framesReceived: count },
    ...{ bytesReceived: count, requests: count, stale: count, unsent: count, idle: count },
    ...{ unanswered: count, broken: count, lost: count },
    ended: counted.describe('connections that ended unasked, by close code or cause'),
    refused: counted.describe('requests refused, by request and code'),
  }),
  sent: counted.describe('what the ledger accounts for, by kind'),
  inStep: z.object({
    ...{ samples: count, elsewhere: count, unready: count, contradictions: count },
    truthWidthMs: z.number().describe('how exactly the truth was known'),
  }),
  phases: z.array(PhaseReportSchema),
  seconds: z.array(SecondSchema),
  hubSeconds: z.array(HubSecondSchema),
  limit: z
    .object({
      load: z.number().describe('the highest load that kept all thresholds'),
      brokeAt: z.number().nullable().describe('the lowest that did not; null where none was found'),
      gaveWay: z.array(z.string()).describe('what did not hold there'),
      trials: z.array(
        z.object({
          load: z.number(),
          people: count,
          verdict: z.enum(['held', 'broke', 'invalid']),
          broken: z.array(z.string()),
        }),
      ),
    })
    .nullable()
    .describe('of a search for the limit'),
});

export type Report = z.infer<typeof ReportSchema>;
export type LatencyReport = z.infer<typeof LatencySummarySchema>;
export type PhaseReport = z.infer<typeof PhaseReportSchema>;
export type ThresholdResult = z.infer<typeof ThresholdResultSchema>;
export type HubSecond = z.infer<typeof HubSecondSchema>;
export type Limit = NonNullable<Report['limit']>;
