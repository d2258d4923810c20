// What a soak is judged by: whether memory grew while people came and went, and whether what was taken was given back. Samples in, words out.
import { median } from './append-child.ts';
import { slopeOf } from './slope.ts';
import type { Point } from './svg.ts';

/** What is seen from outside of a node, the kernel's figures of the process and those of `/metrics`; and how much of its heap is code. */
export interface SoakSample {
  /** Since the first people of the long run were sent. */
  readonly atSeconds: number;
  readonly rssBytes: number;
  /** In use right after the last full collection. */
  readonly liveBytes: number;
  /** Of that, bytecode and machine code; not the hidden classes and the feedback that V8 keeps for functions. */
  readonly codeBytes: number;
  /** What V8 has taken of memory for the heap, in use or not. */
  readonly takenBytes: number;
  /** Those of the database are counted apart: it keeps the files of each table that was touched once, and connections that were once needed. */
  readonly openFiles: number;
  readonly databaseFiles: number;
  readonly databaseConnections: number;
  /** Those of the hub, as it counts them. */
  readonly timers: number;
  /** All that keeps the event loop alive, but for the connections of the database; the hub's timers do not. */
  readonly resources: number;
  readonly rooms: number;
  readonly connections: number;
}

/** Of a node where nobody is: the median of each figure. */
export type AtRest = Omit<SoakSample, 'atSeconds'>;

export interface Growth {
  /** The mean over the time that is judged. */
  readonly meanBytes: number;
  /** Of the mean, an hour: the slope, its standard error, and the 95 % that it lies in. */
  readonly perHour: number;
  readonly standardError: number;
  readonly low: number;
  readonly high: number;
  readonly samples: number;
  readonly effectiveSamples: number;
  readonly verdict: GrowthVerdict;
}

/** Unsure: nothing grew that could be told from noise, or not by much; but the noise could hide more than is borne. */
export type GrowthVerdict = 'flat' | 'GROWS' | 'unsure';

/** Of the time that is judged; undefined where there were too few samples. */
export interface Growths {
  readonly rss: Growth | undefined;
  /** Of that, what V8 has taken for the heap. */
  readonly taken: Growth | undefined;
  /** Of the heap, what a full collection leaves. */
  readonly live: Growth | undefined;
  /** Of what is left, code; and all else. */
  readonly code: Growth | undefined;
  readonly rest: Growth | undefined;
}

/** Growth of less than this share of the mean an hour does not matter, even where it is certain: who happens to be there changes memory by more. */
export const NO_MATTER = 0.01;
/** Of its mean an hour: a run that cannot rule out so much says nothing. */
export const MOST_HIDDEN = 0.1;
const HOUR_SECONDS = 3_600;

/**
 * It grows where the whole interval is above 0, and the slope above `NO_MATTER`. It is flat where that is not so, and none of the interval is
 * above `MOST_HIDDEN`.
 * @param samples of the time that is judged, evenly spaced
 * @returns undefined where they are too few
 */
export function growthOf(
  samples: readonly SoakSample[],
  bytesOf: (sample: SoakSample) => number,
): Growth | undefined {
  const points = samples.map((sample): Point => [sample.atSeconds, bytesOf(sample)]);
  const line = slopeOf(points);
  if (line === undefined) return undefined;
  const meanBytes = points.reduce((sum, [, bytes]) => sum + bytes, 0) / points.length;
  const share = (perSecond: number): number => (perSecond * HOUR_SECONDS) / meanBytes;
  const [perHour, low, high] = [share(line.slope), share(line.low), share(line.high)];
  return {
    ...{ meanBytes, perHour, low, high, standardError: share(line.standardError) },
    ...{ samples: points.length, effectiveSamples: line.effectiveSamples },
    verdict: verdictOf(perHour, low, high),
  };
}

/** @param samples of the time that is judged, evenly spaced */
export function growthsOf(samples: readonly SoakSample[]): Growths {
  return {
    rss: growthOf(samples, ({ rssBytes }) => rssBytes),
    taken: growthOf(samples, ({ takenBytes }) => takenBytes),
    live: growthOf(samples, ({ liveBytes }) => liveBytes),
    code: growthOf(samples, ({ codeBytes }) => codeBytes),
    rest: growthOf(samples, ({ liveBytes, codeBytes }) => liveBytes - codeBytes),
  };
}

function verdictOf(perHour: number, low: number, high: number): GrowthVerdict {
  if (![perHour, low, high].every(Number.isFinite)) return 'unsure';
  if (low > 0 && perHour > NO_MATTER) return 'GROWS';
  return high > MOST_HIDDEN ? 'unsure' : 'flat';
}

export function atRestOf(samples: readonly SoakSample[]): AtRest {
  const of = (pick: (sample: SoakSample) => number): number => median(samples.map(pick));
  return {
    rssBytes: of(({ rssBytes }) => rssBytes),
    liveBytes: of(({ liveBytes }) => liveBytes),
    codeBytes: of(({ codeBytes }) => codeBytes),
    takenBytes: of(({ takenBytes }) => takenBytes),
    openFiles: of(({ openFiles }) => openFiles),
    databaseFiles: of(({ databaseFiles }) => databaseFiles),
    databaseConnections: of(({ databaseConnections }) => databaseConnections),
    timers: of(({ timers }) => timers),
    resources: of(({ resources }) => resources),
    rooms: of(({ rooms }) => rooms),
    connections: of(({ connections }) => connections),
  };
}

/** What is to be the same before and after, and is more afterwards; in words. */
export function keptOf(before: AtRest, after: AtRest): string[] {
  const told = [
    ['open file descriptors', before.openFiles, after.openFiles],
    ['timers', before.timers, after.timers],
    ['active resources', before.resources, after.resources],
    // Before there are none.
    ['rooms', 0, after.rooms],
    ['connections', 0, after.connections],
  ] as const;
  return told.flatMap(([name, was, is]) => (is > was ? `${name}: ${was} before, ${is} after` : []));
}
