// Which release runs: the version of the package, for the log, the metrics and operators. The protocol has a version of its own.
import { existsSync, readFileSync } from 'node:fs';
import { z } from 'zod';
import type { Metrics } from './ports/metrics.ts';

/** From the sources, and from what is built of them into `dist`. */
const PLACES = ['../package.json', '../../package.json'] as const;
const PackageSchema = z.object({ version: z.string() });

/** Such as `0.1.0`; `unknown` where this is run without its package, which is no reason to keep it from starting. */
export function readRelease(): string {
  const file = PLACES.map((place) => new URL(place, import.meta.url)).find((url) =>
    existsSync(url),
  );
  if (file === undefined) return 'unknown';
  return PackageSchema.parse(JSON.parse(readFileSync(file, 'utf8'))).version;
}

/** As Prometheus has it of any program: a figure that is always 1, for its label. */
export function tellRelease(metrics: Pick<Metrics, 'gauges'>, release: string): void {
  metrics.gauges(
    {
      name: 'earshot_build_info',
      help: 'Always 1; the label is the release that runs.',
      labels: ['version'],
    },
    () => ({ [release]: 1 }),
  );
}
