// What `npm run bench:operations` has measured so far, part by part, and how each part is told. Knows nothing of how it was measured.
import type { Told } from './curve-report.ts';
import type { Drain } from './drain.ts';
import { toldDrain } from './drain-told.ts';
import type { Idle } from './idle.ts';
import { toldIdle } from './idle-told.ts';
import type { Image } from './image.ts';
import { toldImage } from './image-told.ts';
import type { Paired } from './paired-figures.ts';
import { toldPaired } from './paired-told.ts';
import { readReport, type Report } from './report.ts';
import type { Restart } from './restart.ts';
import { toldRestart } from './restart-told.ts';
import type { Soak } from './soak.ts';
import { toldSoak } from './soak-told.ts';

/** Of each part, beside its figures. */
export interface Ran {
  readonly at: string;
  readonly tookSeconds: number;
  readonly loadBefore: readonly number[];
  readonly loadAfter: readonly number[];
}

export interface OperationParts {
  readonly restart?: Ran & Restart;
  readonly idle?: Ran & Idle;
  readonly image?: Ran & Image;
  readonly drain?: Ran & Drain;
  readonly metrics?: Ran & Paired;
  readonly tls?: Ran & Paired;
  readonly soak?: Ran & Soak;
}
export type OperationName = keyof OperationParts;
/** In the order in which they run: the longest comes last. */
export const OPERATION_NAMES = [
  ...(['restart', 'idle', 'image', 'drain'] as const),
  ...(['metrics', 'tls', 'soak'] as const),
] as const;

export interface OperationsFigures {
  readonly parts: OperationParts;
  /** What is not among them, and why. */
  readonly leftOut: readonly string[];
}

export type OperationsReport = Report & OperationsFigures;

export function readOperations(): Promise<OperationsReport | undefined> {
  return readReport<OperationsFigures>('operations');
}

const METRICS =
  'One node, asked for `/metrics` each second and not asked, with the same people there.';
const TLS =
  'Two nodes that differ in nothing but a certificate (ECDSA, P-256) of their own: TLS in the process, and plain.';

export function toldOperations(parts: OperationParts): Partial<Record<OperationName, Told>> {
  const { restart, idle, image, drain, metrics, tls, soak } = parts;
  return {
    ...(restart && { restart: toldRestart(restart) }),
    ...(idle && { idle: toldIdle(idle) }),
    ...(image && { image: toldImage(image) }),
    ...(drain && { drain: toldDrain(drain) }),
    ...(metrics && { metrics: toldPaired('What metrics cost', METRICS, metrics) }),
    ...(tls && { tls: toldPaired('What TLS costs', TLS, tls) }),
    ...(soak && { soak: toldSoak(soak) }),
  };
}
