// Owns the straight line through noisy points with prior knowledge of its slope; knows nothing of clocks, and keeps no state.

/** One point; `sigma` is the standard deviation that is expected of `y`, in y's unit. */
export interface FitPoint {
  readonly x: number;
  readonly y: number;
  readonly sigma: number;
}

export interface SlopePrior {
  readonly mean: number;
  readonly sigma: number;
}

/** The line `y = yAtMean + slope · (x − meanX)`. */
export interface LineFit {
  readonly slope: number;
  /** Standard deviation of the slope, already widened when the points scatter more than they promised. */
  readonly slopeSigma: number;
  readonly meanX: number;
  readonly yAtMean: number;
  /** Standard deviation of `yAtMean`, widened likewise. */
  readonly ySigma: number;
  /** Mean squared scatter in units of the promised one; 1 means that the sigmas were right. */
  readonly scatter: number;
}

/**
 * Weighted least squares of `y` on `x` with a normal prior on the slope and none on the height. The points are centred
 * on their weighted mean, so that height and slope are independent and stamps of 10¹² ms lose no digits.
 *
 * Source: conjugate Bayesian linear regression with known noise (any textbook, e.g. Gelman et al., *Bayesian Data
 * Analysis*, ch. 14): precision of the slope is prior precision plus Σ w·(x − x̄)². The sigmas that come out are
 * multiplied by the Birge ratio √(χ²/dof) when it is above 1, as metrologists do with readings that disagree.
 *
 * Returns null without points.
 */
export function fitLine(points: readonly FitPoint[], prior: SlopePrior): LineFit | null {
  const first = points[0];
  if (first === undefined) return null;

  let weights = 0;
  let sumX = 0;
  let sumY = 0;
  for (const { x, y, sigma } of points) {
    const weight = 1 / (sigma * sigma);
    weights += weight;
    sumX += weight * (x - first.x);
    sumY += weight * (y - first.y);
  }
  const meanX = first.x + sumX / weights;
  const yAtMean = first.y + sumY / weights;

  let sumXX = 0;
  let sumXY = 0;
  for (const { x, y, sigma } of points) {
    const weight = 1 / (sigma * sigma);
    sumXX += weight * (x - meanX) * (x - meanX);
    sumXY += weight * (x - meanX) * (y - yAtMean);
  }
  const priorPrecision = 1 / (prior.sigma * prior.sigma);
  const precision = sumXX + priorPrecision;
  const slope = (sumXY + priorPrecision * prior.mean) / precision;

  let chiSquared = 0;
  for (const { x, y, sigma } of points) {
    const residual = (y - yAtMean - slope * (x - meanX)) / sigma;
    chiSquared += residual * residual;
  }
  const freedom = points.length - 2;
  const scatter = freedom > 0 ? chiSquared / freedom : 1;
  const widening = Math.max(1, scatter);
  return {
    slope,
    // The prior was not measured, so the points' disagreement must not widen it as well.
    slopeSigma: Math.sqrt(1 / (sumXX / widening + priorPrecision)),
    meanX,
    yAtMean,
    ySigma: Math.sqrt(widening / weights),
    scatter,
  };
}
