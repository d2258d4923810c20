// What the first process and its workers tell each other. Nothing of it leaves the machine.

/** Metrics of one process. */
type Snapshot = readonly object[];

export type ToPrimary =
  /** The worker has all that it needs, and serves. */
  | { readonly type: 'earshot:serving' }
  /** The worker wants the metrics of all of them. */
  | { readonly type: 'earshot:gather'; readonly id: number }
  | { readonly type: 'earshot:snapshot'; readonly id: number; readonly metrics: Snapshot };

export type ToWorker =
  | { readonly type: 'earshot:ask'; readonly id: number }
  | {
      readonly type: 'earshot:gathered';
      readonly id: number;
      readonly snapshots: readonly Snapshot[];
    };

export function isToPrimary(message: unknown): message is ToPrimary {
  return isOurs(message);
}

export function isToWorker(message: unknown): message is ToWorker {
  return isOurs(message);
}

/** Other libraries use the same channel. */
function isOurs(message: unknown): boolean {
  return (
    typeof message === 'object' &&
    message !== null &&
    'type' in message &&
    typeof message.type === 'string' &&
    message.type.startsWith('earshot:')
  );
}
