// Owns the bridge from the SDK's observables to signals; must not know what they carry.
import { signal, type ReadonlySignal } from '@preact/signals';
import type { Observable } from './page-sdk.ts';

export interface Observed<T> {
  readonly signal: ReadonlySignal<T>;
  readonly stop: () => void;
}

export function observe<T>(source: Observable<T>): Observed<T> {
  const value = signal(source.value);
  const stop = source.subscribe((next) => {
    value.value = next;
  });
  return { signal: value, stop };
}
