// The straight line through samples over time, by least squares, and how sure its slope is. Knows nothing of what was sampled.
import type { Point } from './svg.ts';

export interface Slope {
  /** Of the value, for each unit of x. */
  readonly slope: number;
  readonly standardError: number;
  /** The slope lies between them with 95 % confidence. */
  readonly low: number;
  readonly high: number;
  /** As many samples would say as much, were each independent of the one before. */
  readonly effectiveSamples: number;
}

/** Two-sided, 95 %, by degrees of freedom from 1 on; beyond them the expansion below is right to 0.02. */
const STUDENT_T = [12.71, 4.3, 3.18, 2.78, 2.57];
const NORMAL = 1.96;
/** A line takes two of them. */
const LEAST_SAMPLES = 3;

/**
 * A sample of memory is much like the one ten seconds before, and so tells less than one that is independent of it. The standard error is that of
 * the effective number of samples, n (1 − r) / (1 + r), where r is the correlation of neighbouring residuals (Santer et al. 2000, J. Geophys. Res.
 * 105, 7337). Without that, noise that wanders would pass for growth.
 * @param points in the order of x, evenly spaced
 * @returns undefined of fewer than three
 */
export function slopeOf(points: readonly Point[]): Slope | undefined {
  const count = points.length;
  if (count < LEAST_SAMPLES) return undefined;
  const meanX = mean(points.map(([x]) => x));
  const meanY = mean(points.map(([, y]) => y));
  const spreadX = sum(points.map(([x]) => (x - meanX) ** 2));
  if (spreadX === 0) return undefined;
  const slope = sum(points.map(([x, y]) => (x - meanX) * (y - meanY))) / spreadX;
  const residuals = points.map(([x, y]) => y - meanY - slope * (x - meanX));
  const effectiveSamples = effective(residuals);
  const freedom = effectiveSamples - 2;
  const standardError = Math.sqrt(sum(residuals.map((r) => r * r)) / freedom / spreadX);
  const reach = studentT(freedom) * standardError;
  return { slope, standardError, low: slope - reach, high: slope + reach, effectiveSamples };
}

function effective(residuals: readonly number[]): number {
  const all = sum(residuals.map((r) => r * r));
  // On the line to the last digit, nothing is left to be correlated.
  if (all === 0) return residuals.length;
  const neighbours = sum(residuals.slice(1).map((r, i) => r * (residuals[i] ?? 0)));
  const correlation = Math.min(1, Math.max(0, neighbours / all));
  const count = (residuals.length * (1 - correlation)) / (1 + correlation);
  return Math.max(LEAST_SAMPLES, count);
}

/** @param freedom at least 1 */
function studentT(freedom: number): number {
  const known = STUDENT_T[Math.floor(freedom) - 1];
  if (known !== undefined) return known;
  const z = NORMAL;
  return (
    z + (z ** 3 + z) / (4 * freedom) + (5 * z ** 5 + 16 * z ** 3 + 3 * z) / (96 * freedom ** 2)
  );
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function mean(values: readonly number[]): number {
  return sum(values) / values.length;
}
